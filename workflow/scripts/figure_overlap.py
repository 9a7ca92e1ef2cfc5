"""Draw how far the errors of one stage's networks overlap."""

from hepaflow.figures.overlap import overlap_figure, overlap_matrix
from hepaflow.figures.style import save
from hepaflow.jobs.run import run
from hepaflow.scores import read_scores


def work() -> None:
    stage = snakemake.wildcards.stage
    matrix = overlap_matrix(read_scores(*snakemake.input.overlap), stage, snakemake.params.backbones)
    save(
        overlap_figure(matrix, stage),
        snakemake.output.figure,
        title=f"Dice between the errors of every two {stage} networks",
    )


run(snakemake, work)
