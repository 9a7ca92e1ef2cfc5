"""Average the maps of several methods, of one stage, for all exams of a split."""

from pathlib import Path

from hepaflow.jobs.run import run
from hepaflow.masks.average import average
from hepaflow.masks.file import Masks, write_maps
from hepaflow.preprocessing.slices import SliceFile


def work() -> None:
    found = [Masks(path) for path in snakemake.input.maps]
    seen = iter(snakemake.input.seen)  # of every exam the data of each, in their order

    def averaged():
        for path in map(Path, snakemake.input.data):
            maps = [(masks.map(path.stem), SliceFile(next(seen))) for masks in found]
            yield path.stem, average(maps, SliceFile(path))

    write_maps(snakemake.output.maps, averaged())


run(snakemake, work)
