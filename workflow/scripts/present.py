"""Write what was found in a new exam as `hepaflow segment` does: label map, measurements, DICOM and page."""

import logging
from pathlib import Path

from hepaflow.evaluation.scores import read_scores
from hepaflow.jobs.run import run
from hepaflow.model.origin import origin_of, read_origin, with_starts
from hepaflow.model.seen_files import read_seen
from hepaflow.segment.output import write_exam
from hepaflow.segment.own_exam import result_of
from hepaflow.segment.result_folder import remove_remains
from hepaflow.segment.segmented import read_segmented
from hepaflow.segment.source import read_exam

log = logging.getLogger(__name__)


def work() -> None:
    exam = read_exam(Path(snakemake.params.image), name=snakemake.wildcards.exam)
    found = read_segmented(snakemake.input.segmented)
    result = result_of(found, exam)
    scores = read_scores(*snakemake.input.metrics)
    seen = read_seen(snakemake.input.surveys, snakemake.input.disagreement, snakemake.params.drawn)
    origin = with_starts(
        origin_of(snakemake.params.method, snakemake.params.origin, scores, seen),
        map(read_origin, snakemake.input.started),
    )
    folder = Path(snakemake.output.segmentation).parent
    remove_remains(folder.parent)  # of jobs that were killed
    written = write_exam(
        folder,
        exam,
        result.labels,
        found.disagreement,
        model=found.model,
        origin=origin,
        overwrite=True,
        outside=result.outside,
        notes=result.notes,
    )
    for warning in written.measured.warnings:
        log.warning("%s", warning)


run(snakemake, work)
