"""Draw how far the errors of one structure's networks overlap."""

from hepaflow.evaluation.scores import read_scores
from hepaflow.figures.overlap import overlap_figure, overlap_matrix
from hepaflow.figures.style import save
from hepaflow.jobs.run import run


def work() -> None:
    structure = snakemake.wildcards.structure
    matrix = overlap_matrix(read_scores(*snakemake.input.overlap), structure, snakemake.params.networks)
    save(
        overlap_figure(matrix, structure),
        snakemake.output.figure,
        title=f"Dice between the errors of every two {structure} networks",
    )


run(snakemake, work)
