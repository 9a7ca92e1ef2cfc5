"""Cut one exam's liver into the slices that the lesion networks see."""

import logging
from pathlib import Path

from hepaflow.jobs.run import run
from hepaflow.masks.file import Masks
from hepaflow.masks.restore import restore
from hepaflow.preprocessing.lesion_slices import lesion_slices
from hepaflow.settings.contrast import LesionSlicesSettings
from hepaflow.volumes.box import Box
from hepaflow.volumes.labels import read_labels
from hepaflow.volumes.volume import read_image


def work() -> None:
    exam = snakemake.wildcards.exam
    settings = LesionSlicesSettings.model_validate_json(snakemake.params.settings)
    hu, grid = read_image(Path(snakemake.input.image), exam=exam)
    if snakemake.input.label:  # a training exam
        labels, _ = read_labels(Path(snakemake.input.label), exam=exam, image=grid)
        liver, lesion = labels >= 1, labels == 2
    else:
        with Masks(snakemake.input.liver) as masks:
            liver, lesion = restore(masks[exam], Box.whole(hu.shape), hu.shape), None
    stack = lesion_slices(hu, liver, lesion, settings, threads=snakemake.threads)
    if stack.box is None:
        logging.warning("%s: no liver, so no volume of interest and no lesion slices", exam)
    stack.save(snakemake.output.slices)


run(snakemake, work)
