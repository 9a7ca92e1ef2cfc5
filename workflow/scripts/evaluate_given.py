"""Score another system's segmentation of one test exam, at full resolution."""

from pathlib import Path

from hepaflow.evaluation.exam import Scores, segmentation_of
from hepaflow.evaluation.scores import write_scores
from hepaflow.jobs.run import run
from hepaflow.methods.given_files import structures_of
from hepaflow.names import GIVEN
from hepaflow.settings.predictions import PredictionLabels
from hepaflow.volumes.labels import read_labels
from hepaflow.volumes.volume import read_grid


def work() -> None:
    exam = snakemake.wildcards.exam
    grid = read_grid(Path(snakemake.input.image), exam=exam)
    reference, _ = read_labels(Path(snakemake.input.label), exam=exam, image=grid)
    labels, _ = read_labels(Path(snakemake.input.segmentation), exam=exam, image=grid)
    values = PredictionLabels.model_validate_json(snakemake.params.settings)
    scores = Scores(exam, segmentation_of(reference), grid.trusted_steps)
    scores.add(snakemake.wildcards.given, GIVEN, segmentation_of(labels, structures_of(values)))
    write_scores(scores.metrics(), snakemake.output.metrics)


run(snakemake, work)
