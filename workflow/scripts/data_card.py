"""Gather what the survey found in every exam into one table, if the trainings can use the exams."""

from hepaflow.exams.oversampled import check_oversampled
from hepaflow.jobs.run import run
from hepaflow.settings.survey import DataCardSettings
from hepaflow.tables.exams import data_card
from hepaflow.tables.files import write_table


def work() -> None:
    surveys, splits = snakemake.input.surveys, snakemake.params.splits
    settings = DataCardSettings.model_validate_json(snakemake.params.settings)
    check_oversampled(surveys, splits, settings.oversampled)
    write_table(data_card(surveys, splits), snakemake.output.table)


run(snakemake, work)
