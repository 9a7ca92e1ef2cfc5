"""Hold the networks' disagreement on one test exam against the errors of the fusion."""

from pathlib import Path

import pandas as pd

from hepaflow.evaluation.disagreement import error_by_disagreement
from hepaflow.evaluation.scores import write_scores
from hepaflow.jobs.run import run
from hepaflow.masks.restore import read_restored
from hepaflow.names import STRUCTURES
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.volumes.labels import read_labels, structure_mask
from hepaflow.volumes.volume import read_grid, read_image


def work() -> None:
    exam = snakemake.wildcards.exam
    grid = read_grid(Path(snakemake.input.image), exam=exam)
    labels, _ = read_labels(Path(snakemake.input.label), exam=exam, image=grid)
    tables = []
    given = (snakemake.input.masks, snakemake.input.grids, snakemake.input.disagreement)
    for structure, masks, data, found in zip(STRUCTURES, *given, strict=True):
        fused = read_restored(masks, exam, SliceFile(data))
        percent, _ = read_image(Path(found), exam=exam)
        tables.append(error_by_disagreement(exam, structure, percent, fused, structure_mask(labels, structure)))
    write_scores(pd.concat(tables), snakemake.output.table)


run(snakemake, work)
