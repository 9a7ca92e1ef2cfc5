"""Draw the Dice of every test exam for one stage."""

from hepaflow.figures.dice import dice_figure
from hepaflow.figures.style import save
from hepaflow.logs import log_to
from hepaflow.tables import read_metrics

log_to(snakemake.log[0])
stage = snakemake.wildcards.stage
save(
    dice_figure(read_metrics(snakemake.input.metrics), stage, snakemake.params.architectures),
    snakemake.output[0],
    title=f"Dice of every test exam by method, {stage}",
)
