"""Segment a new exam with the run's own model, and write what `hepaflow segment` writes."""

from pathlib import Path

from hepaflow.jobs.run import run
from hepaflow.settings.compute import ComputeSettings


def work() -> None:
    from hepaflow.exam_output import write_exam
    from hepaflow.exam_source import read_exam
    from hepaflow.model import read_bundle
    from hepaflow.segmenter import Segmenter

    exam = read_exam(Path(snakemake.params.image), name=snakemake.wildcards.exam)
    bundle = read_bundle(snakemake.input.model)
    compute = ComputeSettings.model_validate_json(snakemake.params.compute)
    found = Segmenter(bundle, compute, threads=snakemake.threads).segment(exam.hu)
    folder = Path(snakemake.output.segmentation).parent
    write_exam(folder, exam, found.labels, found.disagreement, model=bundle.identity, overwrite=True)


run(snakemake, work)
