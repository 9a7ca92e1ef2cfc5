"""Write the tables of a run."""

from pathlib import Path

from hepaflow.fusion import Fusion
from hepaflow.jobs.run import run
from hepaflow.tables import dice_table, exam_table, read_metrics, weight_table


def work() -> None:
    metrics = read_metrics(snakemake.input.metrics)
    tables = {
        "liver": dice_table(metrics, "liver", snakemake.params.architectures),
        "lesion": dice_table(metrics, "lesion", snakemake.params.architectures),
        "exams": exam_table(metrics),
        "weights": weight_table({Path(path).stem: Fusion.load(path) for path in snakemake.input.fusion}),
    }
    for name, table in tables.items():
        table.to_csv(snakemake.output[name], index=False, float_format="%.4f", lineterminator="\n")


run(snakemake, work)
