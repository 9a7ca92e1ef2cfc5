"""Write the summary of the run, in full and for the report."""

from pathlib import Path

from hepaflow.evaluation.scores import read_scores
from hepaflow.jobs.run import run
from hepaflow.pages.shown import read_table
from hepaflow.pages.summary import Facts, summary_pages
from hepaflow.settings.pages import SummarySettings
from hepaflow.system.atomic import write_text
from hepaflow.version import this_version


def work() -> None:
    settings = SummarySettings.model_validate_json(snakemake.params.settings)
    facts = Facts(
        settings=settings,
        leading=snakemake.params.leading,
        data=snakemake.params.data,
        exams=snakemake.params.exams,
        lits17=snakemake.params.lits17,
        made=this_version().in_words(),
    )
    full, embedded = summary_pages(
        facts,
        {Path(path).stem: read_table(Path(path).read_bytes()) for path in snakemake.input.tables},
        read_scores(snakemake.input.metrics),
        {Path(path).stem: Path(path).read_bytes() for path in snakemake.input.figures},
    )
    write_text(snakemake.output.full, full)
    write_text(snakemake.output.embedded, embedded)


run(snakemake, work)
