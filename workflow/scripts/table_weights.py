"""Write the fusion weights of both stages."""

from pathlib import Path

from hepaflow.fusion import Fusion
from hepaflow.jobs.run import run
from hepaflow.tables import weight_table, write_table


def work() -> None:
    fusions = {Path(path).stem: Fusion.load(path) for path in snakemake.input.fusion}
    write_table(weight_table(fusions), snakemake.output.table)


run(snakemake, work)
