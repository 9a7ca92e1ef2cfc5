"""Write the tables of one structure."""

from hepaflow.evaluation.scores import read_scores
from hepaflow.jobs.run import run
from hepaflow.tables.beside import without_thesis
from hepaflow.tables.files import write_table
from hepaflow.tables.scores import comparison_table, dice_table, exam_table, method_table, score_table


def work() -> None:
    structure = snakemake.wildcards.structure
    summary = read_scores(snakemake.input.summary)
    comparison = read_scores(snakemake.input.comparison)
    dice = dice_table(summary, structure, snakemake.params.architectures)
    write_table(dice if snakemake.params.lits17 else without_thesis(dice), snakemake.output.dice)
    write_table(score_table(summary, structure), snakemake.output.scores)
    write_table(comparison_table(comparison, structure), snakemake.output.comparison)
    metrics = read_scores(snakemake.input.metrics)
    write_table(exam_table(metrics, structure), snakemake.output.exams)
    for method in snakemake.params.methods:
        write_table(method_table(metrics, structure, method), snakemake.output[f"of_{method}"])


run(snakemake, work)
