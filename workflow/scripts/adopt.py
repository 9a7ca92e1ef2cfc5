"""Bring another system's segmentation of one exam into our labels, on the exam's own grid."""

from pathlib import Path

from hepaflow.jobs.run import run
from hepaflow.predictions import read_prediction
from hepaflow.settings.predictions import PredictionLabels
from hepaflow.volume import read_grid, write_map


def work() -> None:
    exam = snakemake.wildcards.exam
    grid = read_grid(Path(snakemake.input.image), exam=exam)
    values = PredictionLabels.model_validate_json(snakemake.params.settings)
    labels = read_prediction(Path(snakemake.input.prediction), exam=exam, image=grid, values=values)
    write_map(Path(snakemake.output.segmentation), labels, grid)


run(snakemake, work)
