"""Draw and tabulate how predicted volumes, or tumour burdens, agree with the reference's."""

from hepaflow.evaluation.agreement import MEASURES, amounts
from hepaflow.evaluation.scores import read_scores
from hepaflow.figures.agreement import agreement_figure
from hepaflow.figures.style import save
from hepaflow.jobs.run import run
from hepaflow.tables.agreement import agreement_table
from hepaflow.tables.files import write_table


def work() -> None:
    structure = snakemake.wildcards.structure
    found = amounts(read_scores(snakemake.input.metrics), structure)
    save(
        agreement_figure(found, structure),
        snakemake.output.figure,
        title=f"Predicted against reference: {MEASURES[structure].words}",
    )
    write_table(agreement_table(found, structure), snakemake.output.table)


run(snakemake, work)
