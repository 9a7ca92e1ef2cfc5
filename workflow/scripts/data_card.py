"""Gather what the survey found in every exam into one table."""

from hepaflow.data_card import data_card
from hepaflow.jobs.run import run
from hepaflow.tables import write_table


def work() -> None:
    write_table(data_card(snakemake.input.surveys, snakemake.params.splits), snakemake.output.table)


run(snakemake, work)
