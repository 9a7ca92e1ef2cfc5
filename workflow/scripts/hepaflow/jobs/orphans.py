"""Jobs in SLURM's queue that were left behind by a Snakemake that died.

A new Snakemake does not know them and submits the same stages again. So it ends them first: their trainings save
their state and go on in the new jobs, and no two jobs write the same files.

All jobs of a run have one name in the queue, which is noted with the run's results: the jobs of another run, with
other results, are left alone, although it may work in the same folder.
"""

import logging
import os
import re
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

from hepaflow.errors import UserError
from hepaflow.jobs.alone import hold
from hepaflow.jobs.answers import answer
from hepaflow.system.atomic import write_text
from hepaflow.words import counted

log = logging.getLogger(__name__)

NOTE = Path("logs", "slurm_run.txt")
"""Where, in a run's results, the name of its jobs in the queue is noted."""

LOCK = Path("logs", "slurm_run.lock")
"""What the Snakemake that submits a run's jobs holds while it lives."""

_RUN = re.compile(r"hepaflow_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Name of all jobs of a run, set in `profiles/slurm`."""

_PATIENCE = 300.0

_ANSWER = 120.0
"""Seconds in which a command of SLURM has to answer: a busy controller takes up to a minute and a half."""


def orphans(queue: str, folder: Path, run: str) -> dict[str, str]:
    """Return what the jobs of a run do, by their number.

    Parameters
    ----------
    queue : str
        What `squeue` prints: number, name, folder and comment of every job of the user, with tabs between.
    folder : Path
        Where Snakemake runs: results that were copied elsewhere have the note of the run, too.
    run : str
        Name of the run's jobs; empty for no run.
    """
    return {number: comment for number, name, comment in _in_folder(queue, folder) if name == run}


def of_other_runs(queue: str, folder: Path, run: str) -> dict[str, int]:
    """Return the number of jobs of every other run of hepaflow in a folder, by the name of its jobs."""
    return dict(Counter(name for _, name, _ in _in_folder(queue, folder) if _RUN.fullmatch(name) and name != run))


def _in_folder(queue: str, folder: Path) -> list[tuple[str, str, str]]:
    """Return number, name and comment of the jobs in a folder."""
    found = []
    for line in queue.splitlines():
        number, name, where, comment = (*line.split("\t", 3), "", "", "")[:4]  # a comment can hold tabs
        if name and os.path.realpath(where) == os.path.realpath(folder):
            found.append((number, name, comment))
    return found


def end_orphans(folder: Path, results: Path) -> None:
    """Cancel the jobs that an earlier run left in the queue, and wait until they have ended.

    Parameters
    ----------
    folder : Path
        Where Snakemake runs.
    results : Path
        Of the run that starts. The name of the earlier run's jobs is noted there.

    Raises
    ------
    UserError
        If the queue cannot be read, or a job does not end within five minutes.
    """
    if shutil.which("squeue") is None:
        return
    run = noted_run(results)
    until = time.monotonic() + _PATIENCE
    told: set[str] = set()
    while left := orphans(queue := _queue(), folder, run):
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
    for other, jobs in of_other_runs(queue, folder, run).items():
        log.warning(
            "Left in the queue: %s of another run in this folder. If its Snakemake has died, end them: "
            "`scancel --name %s`",
            counted(jobs, "job"),
            other,
        )


def claim(results: Path) -> None:
    """See that no other Snakemake submits jobs for these results; from now on, it is this one.

    Two of them would end each other's jobs, also those of other targets: each takes the other's for orphans.

    Raises
    ------
    UserError
        If there is another one, on any machine that shares the locks of this file system.
    """
    if owner := hold(results / LOCK, f"start one Snakemake at a time for {results}"):
        raise UserError(
            f"another Snakemake that submits jobs for these results: {owner}",
            expected="one at a time",
            remedy="wait until it has ended, or end it; or name all targets in one call",
            file=results,
        )


def note_run(results: Path, run: str) -> None:
    """Note the name of a run's jobs with its results, before the first job is submitted."""
    path = results / NOTE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, f"{run}\n")


def noted_run(results: Path) -> str:
    """Return the name of the jobs of the last run with these results; empty where none is noted."""
    try:
        return (results / NOTE).read_text(encoding="utf-8").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return ""


def _queue() -> str:
    return _slurm("squeue", "--me", "--noheader", "--format=%i\t%j\t%Z\t%k")


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
