"""Hold the networks' disagreement on one test exam against the errors of the fusion."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

from hepaflow.disagreement import error_by_disagreement
from hepaflow.jobs.run import run
from hepaflow.masks import Masks
from hepaflow.restore import restore
from hepaflow.scores import write_scores
from hepaflow.slices import SliceFile
from hepaflow.volume import read_grid, read_labels


def work() -> None:
    exam = snakemake.wildcards.exam
    grid = read_grid(Path(snakemake.input.image), exam=exam)
    labels, _ = read_labels(Path(snakemake.input.label), exam=exam, image=grid)
    tables = []
    for stage, reference in (("liver", labels >= 1), ("lesion", labels == 2)):
        slices = SliceFile(snakemake.input[f"{stage}_slices"])
        with Masks(snakemake.input[f"{stage}_fused"]) as masks:
            fused = restore(masks[exam], slices.box, slices.shape)
        percent = grid.canonicalise(np.asarray(nib.load(snakemake.input[stage]).dataobj))
        tables.append(error_by_disagreement(exam, stage, percent, fused, reference))
    write_scores(pd.concat(tables), snakemake.output.table)


run(snakemake, work)
