"""Write the configuration of the run beside that of the thesis."""

from hepaflow.jobs.run import run
from hepaflow.settings.pages import ComparedSettings
from hepaflow.tables.configuration import configuration_table
from hepaflow.tables.files import write_table


def work() -> None:
    compared = ComparedSettings.model_validate_json(snakemake.params.settings)
    write_table(configuration_table(compared.run, compared.thesis), snakemake.output.table)


run(snakemake, work)
