"""Gather tables, figures and viewers into one HTML file, by Snakemake's own report."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile

from hepaflow.errors import UserError
from hepaflow.jobs.run import run
from hepaflow.system.atomic import replacing

PATIENCE = 3600
"""Seconds in which the report has to be ready; that of LiTS17 takes some minutes."""


def work() -> None:
    with NamedTemporaryFile("w", suffix=".json") as config, replacing(snakemake.output.html) as html:
        json.dump(snakemake.config, config)
        config.flush()
        snakefile = Path(snakemake.scriptdir).resolve().parents[1] / "Snakefile"
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile)]
        # The run that this job belongs to holds the lock; nothing is written but the report.
        command += ["--configfile", config.name, "--nolock", "--report", str(html)]
        command += ["--report-stylesheet", str(snakefile.parent / "workflow" / "report" / "report.css")]
        command += ["--resources", "gpu=0"]  # so it looks for no cards
        try:
            ended = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,  # a question gets no answer, rather than a wait
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # Captions and tables are UTF-8, and Snakemake reads and prints them in the encoding of the locale.
                env=os.environ | {"PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8"},
                encoding="utf-8",
                errors="replace",
                check=False,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired:
            raise UserError(
                f"a report that is not ready after {PATIENCE // 60} minutes",
                remedy="the results are complete; look whether their file system answers, and run Snakemake again",
            ) from None
        logging.info("%s", ended.stdout)
        if ended.returncode:
            raise UserError(
                "the report could not be made",
                file=snakemake.log[0],
                remedy="the results are complete; correct what this file says and run Snakemake again",
            )


run(snakemake, work)
