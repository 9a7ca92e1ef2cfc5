"""Write how the run makes its masks: its plan in words."""

from hepaflow.jobs.run import run
from hepaflow.settings.pages import DescribedPlan
from hepaflow.tables.files import write_table
from hepaflow.tables.plan import plan_table


def work() -> None:
    described = DescribedPlan.model_validate_json(snakemake.params.settings)
    write_table(plan_table(described.plan, described.given), snakemake.output.table)


run(snakemake, work)
