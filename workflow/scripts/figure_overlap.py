"""Draw how far the errors of one stage's networks overlap."""

from hepaflow.figures.overlap import overlap_figure, overlap_matrix
from hepaflow.figures.style import save
from hepaflow.logs import log_to
from hepaflow.tables import read_metrics

log_to(snakemake.log[0])
stage = snakemake.wildcards.stage
matrix = overlap_matrix(read_metrics(snakemake.input.overlap), stage, snakemake.params.backbones)
save(
    overlap_figure(matrix, stage),
    snakemake.output[0],
    title=f"Dice between the errors of every two {stage} networks",
)
