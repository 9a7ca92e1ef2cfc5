"""What the jobs of a run in SLURM's queue were planned with.

Such a job starts maybe days after the plan, and reads configuration, exam sheet and code again. Snakemake notes
what its main process has in memory since the plan: a job that used anything else would leave a wrong note. So the
main process writes down digests of what each job was planned with, and jobs compare.
"""

import json
import os
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from hepaflow.errors import UserError
from hepaflow.jobs.recipe import Recipe
from hepaflow.settings.changes import changed_names
from hepaflow.system.atomic import write_text

NOTE = Path("logs", "slurm_plan.json")
"""Where the digests are in a run's results."""

RUN = "HEPAFLOW_RUN"
"""Variable by which the main process tells its jobs the name of the run; steps of SLURM have none for it."""


def digests_of(recipe: Recipe, inputs: Iterable[str]) -> dict[str, str]:
    """Return a digest of each part of what a job is planned with, by its name in words."""
    parts = {
        "settings": recipe.settings,
        "code": recipe.code,
        "versions of libraries": recipe.libraries,
        "input files": [str(path) for path in inputs],
    }
    return {name: _digest(part) for name, part in parts.items()}


def _digest(part: Any) -> str:
    return sha256(json.dumps(part, sort_keys=True, default=str).encode()).hexdigest()[:16]


def note_plan(results: Path, run: str, jobs: Mapping[str, Mapping[str, str]]) -> None:
    """Write down what the jobs of a run are planned with, before the first is submitted.

    Parameters
    ----------
    results : Path
    run : str
        Name of the run's jobs in the queue.
    jobs : mapping of str to mapping
        By the path of a job's record, see `digests_of`.
    """
    path = results / NOTE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps({"run": run, "jobs": jobs}, indent=1) + "\n")


def check_plan(
    record: Path, found: Mapping[str, str], environment: Mapping[str, str] = os.environ, *, exam: str = ""
) -> None:
    """See that a job of the queue uses what its run was planned with; other jobs have it from the plan itself.

    Parameters
    ----------
    record : Path
        The job's record.
    found : mapping of str to str
        What it uses now, see `digests_of`.
    environment : mapping of str to str, optional
    exam : str, optional
        Name of the exam, for the error message.

    Raises
    ------
    UserError
        If anything has changed since.
    """
    planned = _noted(record, environment.get(RUN, ""))
    if planned and (changed := changed_names(planned, found)):
        raise UserError(
            f"{', '.join(changed)} that changed after this run was planned",
            exam=exam,
            file=record,
            expected="the same configuration, exam sheet and code from the plan to the last job",
            remedy="undo the change; or stop Snakemake and run it again: what is finished is kept, and what the "
            "change affects is made again",
        )


def _noted(record: Path, run: str) -> dict[str, str]:
    """Return what a job of a run was planned with; nothing where this run has noted nothing of it."""
    results = next((folder.parent for folder in record.parents if folder.name == "records"), None)
    if results is None or not run:
        return {}
    try:
        note = json.loads((results / NOTE).read_text(encoding="utf-8"))
        return dict(note["jobs"].get(str(record), {})) if note["run"] == run else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
