"""Look at one exam: refuse it if it cannot be used, else write down what it holds."""

import json
import logging
from pathlib import Path

from hepaflow.exams.survey import survey
from hepaflow.jobs.run import run
from hepaflow.settings.survey import SurveySettings
from hepaflow.system.atomic import write_text


def work() -> None:
    exam = snakemake.wildcards.exam
    label = Path(snakemake.input.label) if snakemake.input.label else None
    settings = SurveySettings.model_validate_json(snakemake.params.settings)
    found = survey(
        exam,
        Path(snakemake.input.image),
        label,
        trust_label_grid=settings.trust_label_grid,
        needs_spacing=bool(settings.needs_spacing),
    )
    for warning in found["warnings"]:
        logging.warning("%s: %s", exam, warning)
    write_text(snakemake.output.survey, json.dumps(found, indent=2) + "\n")


run(snakemake, work)
