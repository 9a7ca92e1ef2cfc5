"""Draw how the networks of one stage learned."""

from pathlib import Path

import pandas as pd

from hepaflow.figures.style import save
from hepaflow.figures.training import training_figure
from hepaflow.jobs.run import run


def work() -> None:
    stage = snakemake.wildcards.stage
    paths = [Path(path) for path in snakemake.input.histories]
    histories = {path.name.removesuffix(".history.csv"): pd.read_csv(path) for path in paths}
    save(
        training_figure(histories, stage),
        snakemake.output.figure,
        title=f"Loss and learning rate of the {stage} networks in every epoch",
    )


run(snakemake, work)
