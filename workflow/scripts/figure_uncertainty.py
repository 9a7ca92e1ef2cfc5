"""Draw how disagreement relates to error, for one structure, and list the exams by it."""

from hepaflow.evaluation.disagreement import exams_by_disagreement
from hepaflow.evaluation.flagging import answer_table
from hepaflow.evaluation.scores import final, read_scores
from hepaflow.figures.style import save
from hepaflow.figures.uncertainty import uncertainty_figure
from hepaflow.jobs.run import run
from hepaflow.tables.files import write_table


def work() -> None:
    structure = snakemake.wildcards.structure
    levels = read_scores(*snakemake.input.levels)
    levels = levels[levels["structure"] == structure]
    scores = final(read_scores(*snakemake.input.metrics))
    fused = scores[(scores["structure"] == structure) & (scores["metric"] == "dice")]
    exams = exams_by_disagreement(levels, fused)
    write_table(exams, snakemake.output.table)
    write_table(answer_table(levels, exams), snakemake.output.answer)
    title = f"Disagreement of the networks and errors of the fusion, {structure}"
    save(uncertainty_figure(levels, exams, structure), snakemake.output.figure, title=title)


run(snakemake, work)
