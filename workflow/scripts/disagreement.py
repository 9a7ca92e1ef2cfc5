"""Map where the networks of one stage disagree on one exam."""

from pathlib import Path

from hepaflow.jobs.run import run
from hepaflow.masks.disagreement import disagreement
from hepaflow.masks.restore import read_restored
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.system.atomic import replacing
from hepaflow.volumes.volume import read_grid, write_map


def work() -> None:
    exam = snakemake.wildcards.exam
    grid_of_masks = SliceFile(snakemake.input.data)
    votes = (read_restored(path, exam, grid_of_masks) for path in snakemake.input.masks)
    grid = read_grid(Path(snakemake.input.image), exam=exam)
    with replacing(snakemake.output.map) as partial:
        write_map(partial, disagreement(votes), grid)


run(snakemake, work)
