"""Write the pages of the tables of one structure."""

from hepaflow.jobs.run import run
from hepaflow.pages.table import write_table_pages


def work() -> None:
    write_table_pages(
        {name: f"{title}: {snakemake.wildcards.structure}" for name, title in snakemake.params.titles.items()},
        tables=dict(snakemake.input.items()),
        pages=dict(snakemake.output.items()),
        captions=snakemake.params.captions,
        files=snakemake.input.captions,
        leading=snakemake.params.leading,
        snakemake=snakemake,
    )


run(snakemake, work)
