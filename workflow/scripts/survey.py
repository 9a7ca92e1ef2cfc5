"""Look at one exam: refuse it if it cannot be used, else write down what it holds."""

import json
import logging
from pathlib import Path

from hepaflow.logs import log_to
from hepaflow.survey import survey

log_to(snakemake.log[0])
exam = snakemake.wildcards.exam
label = Path(snakemake.input.label) if snakemake.input.label else None
found = survey(exam, Path(snakemake.input.image), label)
for warning in found["warnings"]:
    logging.warning("%s: %s", exam, warning)
Path(snakemake.output[0]).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
