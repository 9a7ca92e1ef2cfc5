"""Write the viewer of one exam, in full and for the report."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepaflow.evaluation.scores import final, read_scores
from hepaflow.jobs.run import run
from hepaflow.system.atomic import write_text
from hepaflow.viewer.exam import ViewedExam
from hepaflow.viewer.page import Beside, viewer_pages
from hepaflow.viewer.scored import scored
from hepaflow.volumes.labels import read_labels
from hepaflow.volumes.volume import read_image


def work() -> None:
    exam = snakemake.wildcards.exam
    hu, grid = read_image(Path(snakemake.input.image), exam=exam)

    def labels(path: str) -> NDArray[np.uint8]:
        return read_labels(Path(path), exam=exam, image=grid)[0]

    full, embedded = viewer_pages(
        ViewedExam(
            name=exam,
            hu=hu,
            reference=labels(snakemake.input.label),
            methods=dict(zip(snakemake.params.methods, map(labels, snakemake.input.segmentations), strict=True)),
            grid=grid,
            disagreement={
                Path(path).parent.name: read_image(Path(path), exam=exam)[0]
                for path in snakemake.input.disagreement
            },
            scores=scored(final(read_scores(*snakemake.input.scores))),
        ),
        beside=Beside(**snakemake.params.beside, report="../report.html"),
    )
    write_text(snakemake.output.full, full)
    write_text(snakemake.output.embedded, embedded)


run(snakemake, work)
