"""Write the fusion weights of both stages."""

from pathlib import Path

from hepaflow.jobs.run import run
from hepaflow.masks.fusion import Fusion
from hepaflow.tables.files import write_table
from hepaflow.tables.fusion import weight_table


def work() -> None:
    fusions = {Path(path).stem: Fusion.load(path) for path in snakemake.input.fusion}
    write_table(weight_table(fusions), snakemake.output.table)


run(snakemake, work)
