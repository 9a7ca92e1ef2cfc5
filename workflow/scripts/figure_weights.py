"""Draw the fusion weights of both stages."""

from pathlib import Path

from hepaflow.figures.style import save
from hepaflow.figures.weights import weights_figure
from hepaflow.fusion import Fusion
from hepaflow.logs import log_to

log_to(snakemake.log[0])
fusions = {Path(path).stem: Fusion.load(path) for path in snakemake.input.fusion}
save(weights_figure(fusions), snakemake.output[0], title="Share of every network in the fused vote")
