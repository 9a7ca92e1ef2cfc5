"""Jobs in SLURM's queue that were left behind by a Snakemake that died.

A new Snakemake does not know them and submits the same stages again. So it ends them first: their trainings save
their state and go on in the new jobs, and no two jobs write the same files.
"""

import logging
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from hepaflow.errors import UserError
from hepaflow.jobs.answers import answer

log = logging.getLogger(__name__)

_RUN = re.compile(r"hepaflow_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Name of all jobs of a run, set in `profiles/slurm`."""

_PATIENCE = 300.0

_ANSWER = 120.0
"""Seconds in which a command of SLURM has to answer: a busy controller takes up to a minute and a half."""


def orphans(queue: str, folder: Path) -> dict[str, str]:
    """Return what the jobs of earlier runs in a folder do, by their number.

    Parameters
    ----------
    queue : str
        What `squeue` prints: number, name, folder and comment of every job of the user, with tabs between.
    folder : Path
        Where Snakemake runs. It runs there once at a time, and this run has not submitted anything yet.
    """
    found = {}
    for line in queue.splitlines():
        number, name, where, comment = (*line.split("\t", 3), "", "", "")[:4]  # a comment can hold tabs
        if _RUN.fullmatch(name) and os.path.realpath(where) == os.path.realpath(folder):
            found[number] = comment
    return found


def end_orphans(folder: Path) -> None:
    """Cancel the jobs of earlier runs in a folder, and wait until they have ended.

    Raises
    ------
    UserError
        If the queue cannot be read, or a job does not end within five minutes.
    """
    if shutil.which("squeue") is None:
        return
    until = time.monotonic() + _PATIENCE
    told: set[str] = set()
    while left := orphans(_slurm("squeue", "--me", "--noheader", "--format=%i\t%j\t%Z\t%k"), folder):
        if time.monotonic() > until:
            raise UserError(
                f"jobs of an earlier run that do not end: {', '.join(left)}",
                remedy="look at them with `squeue`, and run Snakemake again when they are gone",
            )
        if new := {number: what for number, what in left.items() if number not in told}:
            named = ", ".join(f"{number} ({what})" for number, what in new.items())
            log.warning("Ending the jobs that an earlier run left in the queue: %s", named)
            _slurm("scancel", *new)
            told |= new.keys()
        time.sleep(1)


def _slurm(*command: str) -> str:
    try:
        asked = answer(command, _ANSWER)
        wrong = asked.stderr.strip() or f"status {asked.returncode}"
    except subprocess.TimeoutExpired:
        wrong = f"no answer within {_ANSWER:.0f} s"
    except OSError as error:
        wrong = str(error)
    else:
        if not asked.returncode:
            return asked.stdout
    raise UserError(
        f"`{command[0]}` failed: {wrong}",
        remedy="without SLURM's queue, jobs of an earlier run could run twice; try again when it answers",
    )
