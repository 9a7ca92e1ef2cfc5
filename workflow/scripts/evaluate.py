"""Score a method on one test exam, at full resolution, before and after post-processing."""

from pathlib import Path

from hepaflow.evaluation.exam import Scores, segmentation_of
from hepaflow.evaluation.scores import write_scores
from hepaflow.jobs.run import run
from hepaflow.masks.restore import read_restored
from hepaflow.names import PROCESSINGS, STRUCTURES
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.volumes.labels import read_labels
from hepaflow.volumes.volume import read_grid


def work() -> None:
    exam, method = snakemake.wildcards.exam, snakemake.wildcards.method
    grid = read_grid(Path(snakemake.input.image), exam=exam)
    labels, _ = read_labels(Path(snakemake.input.label), exam=exam, image=grid)
    scores = Scores(exam, segmentation_of(labels), grid.trusted_steps)
    grids = [SliceFile(path) for path in snakemake.input.grids]
    for processing in PROCESSINGS:
        if masks := snakemake.input[processing]:
            given = zip(masks, grids, snakemake.input.clean, strict=True)
            found = (read_restored(path, exam, own, like=clean) for path, own, clean in given)
            scores.add(method, processing, dict(zip(STRUCTURES, found, strict=True)))
    write_scores(scores.metrics(), snakemake.output.metrics)


run(snakemake, work)
