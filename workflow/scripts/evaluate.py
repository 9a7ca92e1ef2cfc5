"""Score every method on one test exam, at full resolution, before and after post-processing."""

from pathlib import Path

from hepaflow.evaluation import Scores
from hepaflow.logs import log_to
from hepaflow.masks import Masks
from hepaflow.restore import restore
from hepaflow.slices import SliceFile
from hepaflow.volume import read_grid, read_labels

log_to(snakemake.log[0])
exam = snakemake.wildcards.exam
grid = read_grid(Path(snakemake.input.image), exam=exam)
labels, _ = read_labels(Path(snakemake.input.label), exam=exam, image=grid)
scores = Scores(exam)
for stage, reference in (("liver", labels >= 1), ("lesion", labels == 2)):
    slices = SliceFile(snakemake.input[f"{stage}_slices"])
    for processing in ("raw", "clean"):
        # Fusion comes last and has no raw masks of its own.
        for method, path in zip(snakemake.params.methods, snakemake.input[f"{stage}_{processing}"], strict=False):
            with Masks(path) as masks:
                scores.add(stage, method, processing, restore(masks[exam], slices.box, slices.shape), reference)
    scores.compare_errors(stage)
scores.save(Path(snakemake.output.metrics), Path(snakemake.output.overlap))
