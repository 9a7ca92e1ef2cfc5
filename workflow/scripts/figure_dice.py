"""Draw the Dice of every test exam for one stage."""

from hepaflow.evaluation.scores import read_scores
from hepaflow.figures.dice import dice_figure
from hepaflow.figures.style import save
from hepaflow.jobs.run import run


def work() -> None:
    stage = snakemake.wildcards.stage
    save(
        dice_figure(read_scores(*snakemake.input.metrics), stage, snakemake.params.architectures),
        snakemake.output.figure,
        title=f"Dice of every test exam by method, {stage}",
    )


run(snakemake, work)
