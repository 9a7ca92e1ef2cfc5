"""Hold the lesions of every method against those of the reference, for one test exam."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepaflow.evaluation.lesions import lesions_of_exam
from hepaflow.evaluation.scores import write_scores
from hepaflow.jobs.run import run
from hepaflow.volumes.labels import read_labels, structure_mask
from hepaflow.volumes.volume import read_grid


def work() -> None:
    exam = snakemake.wildcards.exam
    grid = read_grid(Path(snakemake.input.image), exam=exam)

    def lesions(path: str) -> NDArray[np.bool_]:
        return structure_mask(read_labels(Path(path), exam=exam, image=grid)[0], "lesion")

    pairs = zip(snakemake.params.methods, snakemake.input.segmentations, strict=True)
    masks = ((method, lesions(path)) for method, path in pairs)
    table = lesions_of_exam(exam, masks, lesions(snakemake.input.label), grid.trusted_steps)
    write_scores(table, snakemake.output.lesions)


run(snakemake, work)
