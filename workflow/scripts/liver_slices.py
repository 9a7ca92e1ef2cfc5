"""Cut one exam into the slices that the liver networks see."""

from pathlib import Path

from hepaflow.jobs.run import run
from hepaflow.preprocessing.liver_slices import liver_slices
from hepaflow.settings.slices import LiverSlicesSettings
from hepaflow.volumes.labels import read_labels
from hepaflow.volumes.volume import read_image


def work() -> None:
    exam = snakemake.wildcards.exam
    settings = LiverSlicesSettings.model_validate_json(snakemake.params.settings)
    hu, grid = read_image(Path(snakemake.input.image), exam=exam)
    labels = None
    if snakemake.input.label:  # a training exam
        labels, _ = read_labels(Path(snakemake.input.label), exam=exam, image=grid)
    liver_slices(hu, labels, settings).save(snakemake.output.slices)


run(snakemake, work)
