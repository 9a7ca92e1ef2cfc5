"""Write what every network is, and what its training cost."""

import json
from pathlib import Path

from hepaflow.jobs.run import run
from hepaflow.tables.files import write_table
from hepaflow.tables.networks import network_table


def work() -> None:
    records = [json.loads(Path(path).read_text(encoding="utf-8")) for path in snakemake.input.records]
    trainings = zip(records, snakemake.input.weights, snakemake.input.histories, strict=True)
    write_table(network_table(trainings), snakemake.output.table)


run(snakemake, work)
