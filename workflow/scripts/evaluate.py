"""Score every method on one test exam, at full resolution, before and after post-processing."""

from pathlib import Path

from hepaflow.evaluation.exam import Scores, Segmentation
from hepaflow.evaluation.scores import write_scores
from hepaflow.jobs.run import run
from hepaflow.masks.restore import read_restored
from hepaflow.methods.given_files import structures_of
from hepaflow.names import GIVEN, STRUCTURES
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.settings.predictions import EvaluateSettings
from hepaflow.volumes.labels import read_labels
from hepaflow.volumes.volume import read_grid


def work() -> None:
    exam = snakemake.wildcards.exam
    grid = read_grid(Path(snakemake.input.image), exam=exam)
    labels, _ = read_labels(Path(snakemake.input.label), exam=exam, image=grid)
    scores = Scores(exam, Segmentation.of_labels(labels), grid.trusted_steps)
    slices = {structure: SliceFile(snakemake.input[f"{structure}_slices"]) for structure in STRUCTURES}
    for processing in ("raw", "clean"):
        # Fusion comes last and has no raw masks of its own.
        livers, lesions = (snakemake.input[f"{structure}_{processing}"] for structure in STRUCTURES)
        for method, liver, lesion in zip(snakemake.params.methods, livers, lesions, strict=False):
            found = (read_restored(liver, exam, slices["liver"]), read_restored(lesion, exam, slices["lesion"]))
            scores.add(method, processing, Segmentation(*found))
    given = EvaluateSettings.model_validate_json(snakemake.params.settings).given
    for (method, values), path in zip(given.items(), snakemake.input.given, strict=True):
        labels, _ = read_labels(Path(path), exam=exam, image=grid)
        scores.add(method, GIVEN, Segmentation.of_labels(labels).only(structures_of(values)))
    write_scores(scores.metrics(), snakemake.output.metrics)
    write_scores(scores.error_overlap(), snakemake.output.overlap)


run(snakemake, work)
