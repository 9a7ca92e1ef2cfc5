"""Fuse the networks' masks of one stage for all exams of a split."""

from hepaflow.jobs.run import run
from hepaflow.masks.file import Masks, write_masks
from hepaflow.masks.fusion import Fusion


def work() -> None:
    fusion = Fusion.load(snakemake.input.fusion)
    votes = [Masks(path) for path in snakemake.input.masks]
    fused = ((exam, fusion.fuse([masks[exam] for masks in votes])) for exam in votes[0])
    write_masks(snakemake.output.masks, fused)


run(snakemake, work)
