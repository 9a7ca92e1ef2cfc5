"""Gather what the survey found in every exam into one table."""

from hepaflow.jobs.run import run
from hepaflow.tables.exams import data_card
from hepaflow.tables.files import write_table


def work() -> None:
    write_table(data_card(snakemake.input.surveys, snakemake.params.splits), snakemake.output.table)


run(snakemake, work)
