"""Score every method on one test exam, at full resolution, before and after post-processing."""

from pathlib import Path

from hepaflow.evaluation import Scores
from hepaflow.jobs.run import run
from hepaflow.masks import Masks
from hepaflow.restore import restore
from hepaflow.slices import SliceFile
from hepaflow.volume import read_grid, read_labels


def work() -> None:
    exam = snakemake.wildcards.exam
    grid = read_grid(Path(snakemake.input.image), exam=exam)
    labels, _ = read_labels(Path(snakemake.input.label), exam=exam, image=grid)
    scores = Scores(exam)
    for stage, reference in (("liver", labels >= 1), ("lesion", labels == 2)):
        slices = SliceFile(snakemake.input[f"{stage}_slices"])
        for processing in ("raw", "clean"):
            # Fusion comes last and has no raw masks of its own.
            files = snakemake.input[f"{stage}_{processing}"]
            for method, path in zip(snakemake.params.methods, files, strict=False):
                with Masks(path) as masks:
                    restored = restore(masks[exam], slices.box, slices.shape)
                scores.add(stage, method, processing, restored, reference)
        scores.compare_errors(stage)
    scores.save(Path(snakemake.output.metrics), Path(snakemake.output.overlap))


run(snakemake, work)
