"""Draw and tabulate which lesions are found, and list every lesion."""

from hepaflow.evaluation.lesions import read_lesions
from hepaflow.figures.detection import detection_figure
from hepaflow.figures.style import save
from hepaflow.jobs.run import run
from hepaflow.tables.files import write_table
from hepaflow.tables.lesions import detection_table, lesion_table


def work() -> None:
    lesions = read_lesions(*snakemake.input.lesions)
    figure = detection_figure(lesions, snakemake.params.method)
    save(figure, snakemake.output.figure, title="Lesions that are found, by their size")
    write_table(lesion_table(lesions), snakemake.output.lesions)
    write_table(detection_table(lesions), snakemake.output.detection)


run(snakemake, work)
