"""Fuse the masks of several methods, of one stage, for all exams of a split."""

from hepaflow.jobs.run import run
from hepaflow.masks.file import Masks, write_maps
from hepaflow.masks.fusion import Fusion


def work() -> None:
    fusion = Fusion.load(snakemake.input.fusion)
    votes = [Masks(path) for path in snakemake.input.masks]
    write_maps(snakemake.output.maps, ((exam, fusion.map([masks[exam] for masks in votes])) for exam in votes[0]))


run(snakemake, work)
