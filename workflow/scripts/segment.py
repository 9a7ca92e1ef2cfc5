"""Find liver and lesions of a new exam with the run's own networks; `present` writes what comes of it."""

from pathlib import Path

from hepaflow.jobs.run import run
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.plan import Plan


def work() -> None:
    from hepaflow.model.segmenter import Segmenter
    from hepaflow.model.trained import model_of_run
    from hepaflow.segment.segmented import write_segmented
    from hepaflow.segment.source import read_exam

    exam = read_exam(Path(snakemake.params.image), name=snakemake.wildcards.exam)
    plan = Plan.model_validate_json(snakemake.params.settings)
    networks, votes = ([Path(path) for path in snakemake.input[name]] for name in ("networks", "votes"))
    model = model_of_run(plan, networks, votes)
    compute = ComputeSettings.model_validate_json(snakemake.params.compute)
    segmenter = Segmenter(model, compute, threads=snakemake.threads)
    found = segmenter.segment(exam.hu, exam.grid.trusted_spacing)
    write_segmented(snakemake.output.segmented, found, model.identity)


run(snakemake, work)
