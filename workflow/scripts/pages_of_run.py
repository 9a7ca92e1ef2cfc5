"""Write the pages of the tables that tell of the whole run."""

from hepaflow.jobs.run import run
from hepaflow.pages.table import write_table_pages


def work() -> None:
    write_table_pages(
        snakemake.params.titles,
        tables=dict(snakemake.input.items()),
        pages=dict(snakemake.output.items()),
        captions=snakemake.params.captions,
        files=snakemake.input.captions,
        snakemake=snakemake,
    )


run(snakemake, work)
