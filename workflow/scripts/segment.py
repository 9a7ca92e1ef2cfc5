"""Segment a new exam with the run's own model, and write what `hepaflow segment` writes."""

import logging
from pathlib import Path

from hepaflow.jobs.run import run
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.plan import Plan

log = logging.getLogger(__name__)


def work() -> None:
    from hepaflow.model.segmenter import Segmenter
    from hepaflow.model.trained import model_of_run
    from hepaflow.segment.output import write_exam
    from hepaflow.segment.own_exam import result_of
    from hepaflow.segment.result_folder import remove_remains
    from hepaflow.segment.source import read_exam

    exam = read_exam(Path(snakemake.params.image), name=snakemake.wildcards.exam)
    plan = Plan.model_validate_json(snakemake.params.settings)
    networks, votes = ([Path(path) for path in snakemake.input[name]] for name in ("networks", "votes"))
    model = model_of_run(plan, networks, votes)
    compute = ComputeSettings.model_validate_json(snakemake.params.compute)
    found = Segmenter(model, compute, threads=snakemake.threads).segment(exam.hu)
    folder = Path(snakemake.output.segmentation).parent
    result = result_of(found, exam)
    remove_remains(folder.parent)  # of jobs that were killed
    written = write_exam(
        folder,
        exam,
        result.labels,
        found.disagreement,
        model=model.identity,
        overwrite=True,
        outside=result.outside,
        notes=result.notes,
    )
    for warning in written.measured.warnings:
        log.warning("%s", warning)


run(snakemake, work)
