"""Bring another system's segmentation of one exam into our labels, on the exam's own grid."""

from pathlib import Path

from hepaflow.jobs.run import run
from hepaflow.methods.given import read_prediction
from hepaflow.settings.predictions import AdoptSettings
from hepaflow.volumes.volume import read_grid, write_map


def work() -> None:
    exam = snakemake.wildcards.exam
    grid = read_grid(Path(snakemake.input.image), exam=exam)
    values = AdoptSettings.model_validate_json(snakemake.params.settings)
    path = Path(snakemake.input.prediction)
    labels = read_prediction(path, exam=exam, image=grid, values=values, trust_grid=values.trust_grid)
    write_map(Path(snakemake.output.segmentation), labels, grid)


run(snakemake, work)
