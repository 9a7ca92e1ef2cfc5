"""Write the thesis' comparison with the literature, with this run beside it."""

from hepaflow.evaluation.scores import read_scores
from hepaflow.jobs.run import run
from hepaflow.tables.files import write_table
from hepaflow.tables.literature import literature_table


def work() -> None:
    table = literature_table(read_scores(snakemake.input.summary), snakemake.params.scored_on)
    write_table(table, snakemake.output.table)


run(snakemake, work)
