"""Draw the Dice of every test exam for one structure."""

from hepaflow.evaluation.scores import read_scores
from hepaflow.figures.dice import dice_figure
from hepaflow.figures.style import save
from hepaflow.jobs.run import run


def work() -> None:
    structure = snakemake.wildcards.structure
    save(
        dice_figure(read_scores(*snakemake.input.metrics), structure, snakemake.params.architectures),
        snakemake.output.figure,
        title=f"Dice of every test exam by method, {structure}",
    )


run(snakemake, work)
