"""Gather the scores of all test exams and sum them up."""

import json
from pathlib import Path

from hepaflow.jobs.run import run
from hepaflow.scores import read_scores, write_scores
from hepaflow.statistics import compare, summarise
from hepaflow.tables import nested
from hepaflow.thesis import FUSION


def work() -> None:
    metrics = read_scores(*snakemake.input.metrics)
    summary = summarise(metrics)
    write_scores(metrics, snakemake.output.metrics)
    write_scores(summary, snakemake.output.summary)
    write_scores(compare(metrics, FUSION), snakemake.output.comparison)
    Path(snakemake.output.json).write_text(json.dumps(nested(summary), indent=1) + "\n", encoding="utf-8")


run(snakemake, work)
