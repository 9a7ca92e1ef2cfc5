"""Sum up what the run was made with."""

from hepaflow.jobs.run import run
from hepaflow.system.atomic import write_text
from hepaflow.tables.provenance import provenance_table


def work() -> None:
    table = provenance_table(snakemake.input.records)
    write_text(snakemake.output.table, table.to_csv(index=False, lineterminator="\n"))


run(snakemake, work)
