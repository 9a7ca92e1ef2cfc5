"""Write the thesis' comparison with the literature, with this run beside it."""

from hepaflow.jobs.run import run
from hepaflow.scores import read_scores
from hepaflow.tables import literature_table, write_table


def work() -> None:
    table = literature_table(read_scores(snakemake.input.summary), snakemake.params.scored_on)
    write_table(table, snakemake.output.table)


run(snakemake, work)
