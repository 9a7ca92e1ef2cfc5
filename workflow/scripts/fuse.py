"""Fuse the networks' masks of one stage for all exams of a split."""

from hepaflow.fusion import Fusion
from hepaflow.logs import log_to
from hepaflow.masks import Masks, write_masks

log_to(snakemake.log[0])
fusion = Fusion.load(snakemake.input.fusion)
votes = [Masks(path) for path in snakemake.input.masks]
write_masks(snakemake.output[0], ((exam, fusion.fuse([masks[exam] for masks in votes])) for exam in votes[0]))
