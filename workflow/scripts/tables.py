"""Write the tables of one stage."""

from hepaflow.evaluation.scores import read_scores
from hepaflow.jobs.run import run
from hepaflow.tables.files import write_table
from hepaflow.tables.scores import comparison_table, dice_table, exam_table, method_table, score_table


def work() -> None:
    stage = snakemake.wildcards.stage
    summary = read_scores(snakemake.input.summary)
    comparison = read_scores(snakemake.input.comparison)
    write_table(dice_table(summary, stage, snakemake.params.architectures), snakemake.output.dice)
    write_table(score_table(summary, stage), snakemake.output.scores)
    write_table(comparison_table(comparison, stage), snakemake.output.comparison)
    metrics = read_scores(snakemake.input.metrics)
    write_table(exam_table(metrics, stage), snakemake.output.exams)
    for method in snakemake.params.methods:
        write_table(method_table(metrics, stage, method), snakemake.output[f"of_{method}"])


run(snakemake, work)
