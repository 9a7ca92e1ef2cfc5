"""Sum up what the run was made with."""

from hepaflow.jobs.run import run
from hepaflow.provenance import provenance_table


def work() -> None:
    provenance_table(snakemake.input.records).to_csv(snakemake.output.table, index=False, lineterminator="\n")


run(snakemake, work)
