"""Map where the networks of one stage disagree on one exam."""

from pathlib import Path

from hepaflow.disagreement import disagreement
from hepaflow.jobs.run import run
from hepaflow.masks import Masks
from hepaflow.restore import restore
from hepaflow.slices import SliceFile
from hepaflow.volume import read_grid, write_map


def work() -> None:
    exam = snakemake.wildcards.exam
    slices = SliceFile(snakemake.input.slices)
    votes = []
    for path in snakemake.input.masks:
        with Masks(path) as masks:
            votes.append(restore(masks[exam], slices.box, slices.shape))
    grid = read_grid(Path(snakemake.input.image), exam=exam)
    write_map(Path(snakemake.output.map), disagreement(votes), grid)


run(snakemake, work)
