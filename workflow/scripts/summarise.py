"""Gather the scores of all test exams and sum them up."""

from hepaflow.evaluation.scores import in_order, read_scores, write_scores
from hepaflow.evaluation.statistics import compare, summarise
from hepaflow.jobs.run import run
from hepaflow.tables.scores import write_statistics


def work() -> None:
    metrics = in_order(read_scores(*snakemake.input.metrics))
    summary = summarise(metrics)
    write_scores(metrics, snakemake.output.metrics)
    write_scores(summary, snakemake.output.summary)
    write_scores(compare(metrics, snakemake.params.method), snakemake.output.comparison)
    write_statistics(summary, snakemake.output.json)


run(snakemake, work)
