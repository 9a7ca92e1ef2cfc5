"""Bring one exam onto the grid of the networks that see these data."""

import logging
from pathlib import Path

from hepaflow.jobs.run import run
from hepaflow.masks.restore import read_restored
from hepaflow.preprocessing.registry import PREPROCESSING
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.settings.preprocessing import PreprocessSettings
from hepaflow.volumes.labels import read_labels, structure_mask
from hepaflow.volumes.volume import read_image


def work() -> None:
    exam = snakemake.wildcards.exam
    settings = PreprocessSettings.model_validate_json(snakemake.params.settings)
    hu, grid = read_image(Path(snakemake.input.image), exam=exam)
    region = reference = None
    if snakemake.input.label:  # a training exam
        labels, _ = read_labels(Path(snakemake.input.label), exam=exam, image=grid)
        reference = structure_mask(labels, settings.structure)
        if settings.region:
            region = structure_mask(labels, settings.region)
    elif settings.region:
        region = read_restored(snakemake.input.region, exam, SliceFile(snakemake.input.region_data))
    how = settings.preprocessing
    stack = PREPROCESSING[how.kind](hu, region, reference, how, snakemake.threads, spacing=grid.trusted_spacing)
    if stack.box is None:
        logging.warning("%s: no %s, so nothing to look for in it", exam, settings.region)
    stack.save(snakemake.output.data)


run(snakemake, work)
