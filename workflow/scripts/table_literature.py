"""Write the thesis' comparison with the literature, with this run beside it."""

import pandas as pd

from hepaflow.jobs.run import run
from hepaflow.scores import read_scores
from hepaflow.tables import literature_table, write_table


def work() -> None:
    literature = pd.read_csv(snakemake.input.literature, dtype=str, keep_default_na=False)
    table = literature_table(literature, read_scores(snakemake.input.summary), snakemake.params.scored_on)
    write_table(table, snakemake.output.table)


run(snakemake, work)
