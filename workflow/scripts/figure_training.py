"""Draw how the networks of one stage learned."""

from pathlib import Path

import pandas as pd

from hepaflow.figures.style import save
from hepaflow.figures.training import training_figure
from hepaflow.logs import log_to

log_to(snakemake.log[0])
stage = snakemake.wildcards.stage
histories = {Path(path).name.removesuffix(".history.csv"): pd.read_csv(path) for path in snakemake.input.histories}
save(
    training_figure(histories, stage),
    snakemake.output[0],
    title=f"Loss and learning rate of the {stage} networks in every epoch",
)
