"""Draw how far the errors of one stage's networks overlap."""

from hepaflow.evaluation.scores import read_scores
from hepaflow.figures.overlap import overlap_figure, overlap_matrix
from hepaflow.figures.style import save
from hepaflow.jobs.run import run


def work() -> None:
    stage = snakemake.wildcards.stage
    matrix = overlap_matrix(read_scores(*snakemake.input.overlap), stage, snakemake.params.backbones)
    save(
        overlap_figure(matrix, stage),
        snakemake.output.figure,
        title=f"Dice between the errors of every two {stage} networks",
    )


run(snakemake, work)
