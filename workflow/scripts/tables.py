"""Write the tables of one stage."""

from hepaflow.jobs.run import run
from hepaflow.scores import read_scores
from hepaflow.tables import comparison_table, dice_table, exam_table, score_table, write_table


def work() -> None:
    stage = snakemake.wildcards.stage
    summary = read_scores(snakemake.input.summary)
    comparison = read_scores(snakemake.input.comparison)
    write_table(dice_table(summary, stage, snakemake.params.architectures), snakemake.output.dice)
    write_table(score_table(summary, stage), snakemake.output.scores)
    write_table(comparison_table(comparison, stage), snakemake.output.comparison)
    write_table(exam_table(read_scores(snakemake.input.metrics), stage), snakemake.output.exams)


run(snakemake, work)
