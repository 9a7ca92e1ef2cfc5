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
    exam, networks = snakemake.wildcards.exam, snakemake.params.networks
    grid = read_grid(Path(snakemake.input.image), exam=exam)
    labels, _ = read_labels(Path(snakemake.input.label), exam=exam, image=grid)
    paths, tables = iter(snakemake.input.maps), []  # structure by structure, of all networks
    for structure, path in zip(STRUCTURES, snakemake.input.grids, strict=True):
        grid_of_maps = SliceFile(path)
        masks = ((network, read_restored(next(paths), exam, grid_of_maps)) for network in networks)
        tables.append(error_overlap(exam, structure, masks, structure_mask(labels, structure)))
    write_scores(pd.concat(tables), snakemake.output.overlap)


run(snakemake, work)
