"""Count where the networks are wrong together on one test exam, before post-processing."""

from pathlib import Path

import pandas as pd

from hepaflow.evaluation.error_overlap import error_overlap
from hepaflow.evaluation.scores import write_scores
from hepaflow.jobs.run import run
from hepaflow.masks.restore import read_restored
from hepaflow.names import STRUCTURES
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.volumes.labels import read_labels, structure_mask
from hepaflow.volumes.volume import read_grid


def work() -> None:
    exam, backbones = snakemake.wildcards.exam, snakemake.params.backbones
    grid = read_grid(Path(snakemake.input.image), exam=exam)
    labels, _ = read_labels(Path(snakemake.input.label), exam=exam, image=grid)
    paths, tables = iter(snakemake.input.masks), []  # structure by structure, of all networks
    for structure, path in zip(STRUCTURES, snakemake.input.slices, strict=True):
        slices = SliceFile(path)
        masks = ((backbone, read_restored(next(paths), exam, slices)) for backbone in backbones)
        tables.append(error_overlap(exam, structure, masks, structure_mask(labels, structure)))
    write_scores(pd.concat(tables), snakemake.output.overlap)


run(snakemake, work)
