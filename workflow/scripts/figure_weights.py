"""Draw the fusion weights of both stages."""

from pathlib import Path

from hepaflow.figures.style import save
from hepaflow.figures.weights import weights_figure
from hepaflow.jobs.run import run
from hepaflow.masks.fusion import Fusion


def work() -> None:
    fusions = {Path(path).stem: Fusion.load(path) for path in snakemake.input.fusion}
    save(weights_figure(fusions), snakemake.output.figure, title="Share of every network in the fused vote")


run(snakemake, work)
