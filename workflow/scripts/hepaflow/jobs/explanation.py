"""Why a job would run again, in words."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from hepaflow.jobs.recipe import Recipe
from hepaflow.settings.changes import changed_names, setting_changes
from hepaflow.words import counted

_FEW = 6


def recipe_changes(record: Mapping[str, Any], recipe: Recipe) -> list[str]:
    """Return how a job's recipe differs from the one in the record of its last run; empty if it does not."""
    changes = [f"setting {change}" for change in setting_changes(record["settings"], recipe.settings)]
    if names := changed_names(record["code"], recipe.code):
        named = [f"{recipe.rule}.py" if name == "script" else name for name in names]
        changes.append(f"code: {', '.join(named)}")
    if recipe.libraries or record["libraries"]:
        changes += [
            f"library {_version(name, record['libraries'], recipe.libraries)}"
            for name in changed_names(record["libraries"], recipe.libraries)
        ]
    return changes


def library_changes(record: Mapping[str, Any], installed: Mapping[str, str]) -> list[str]:
    """Return which libraries are installed in another version than a job ran with: 'torch 2.14.1 → 2.15.0'."""
    ran_with = {name: version for name, version in record["versions"].items() if name in installed}
    return [_version(name, ran_with, installed) for name in changed_names(ran_with, installed)]


def grouped(jobs: Iterable[tuple[str, str, tuple[str, ...]]]) -> list[str]:
    """Turn jobs into lines of text, those of one rule and one set of reasons together.

    Parameters
    ----------
    jobs : iterable of (rule, what, reasons)
        `what` names the job among those of its rule ("liver resnet50").

    Returns
    -------
    list of str
    """
    together: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for rule, what, reasons in jobs:
        together[rule, reasons].append(what)
    lines = []
    for (rule, reasons), those in together.items():
        named = [what for what in those if what]
        few = ", ".join(named[:_FEW]) + (f" and {len(named) - _FEW} more" if len(named) > _FEW else "")
        lines += [
            f"{rule}: {_jobs(len(those))}" + (f" ({few})" if few else ""),
            *(f"    {reason}" for reason in reasons),
        ]
    return lines


_KINDS = {
    "not made yet": "not made yet",
    "setting ": "for changed settings",
    "code: ": "for changed code",
    "library ": "for another version of a library",
    "changed: ": "for changed files",
    "deleted: ": "whose results were deleted",
    "interrupted": "interrupted",
    "makes more: ": "for other outputs",
    "reads more: ": "for other inputs",
    "no longer reads: ": "for other inputs",
    "follows from: ": "that only follow from others",
}
"""How a reason begins, and what jobs are called that it makes run; of several reasons, the first here counts."""

_OTHER = "that Snakemake alone has a reason for"
_FOLLOWING = ("not made yet", "makes more: ", "follows from: ", "reads more: ", "no longer reads: ")
"""Beginnings of reasons that are no change themselves."""


def counts(reasons: Iterable[tuple[str, ...]]) -> str:
    """Return how many jobs would run for which kind of reason: '2 for changed settings, 5 that only follow …'.

    Parameters
    ----------
    reasons : iterable of tuple of str
        Of each job.
    """
    found = Counter(_kind(those) for those in reasons)
    return ", ".join(f"{found[kind]} {kind}" for kind in [*dict.fromkeys(_KINDS.values()), _OTHER] if found[kind])


def _kind(reasons: tuple[str, ...]) -> str:
    return next((kind for start, kind in _KINDS.items() if any(one.startswith(start) for one in reasons)), _OTHER)


def causes(reasons: Iterable[tuple[str, ...]]) -> list[str]:
    """Return what has changed, each once with how many jobs it makes run, those of most jobs first.

    Parameters
    ----------
    reasons : iterable of tuple of str
        Of each job.
    """
    found = Counter(
        part for those in reasons for one in those if not one.startswith(_FOLLOWING) for part in _parts(one)
    )
    return [f"{one} ({_jobs(count)})" for one, count in found.most_common()]


def _parts(reason: str) -> list[str]:
    """Return a reason, or one for each of the modules that it names."""
    code, _, names = reason.partition("code: ")
    return [reason] if code or not names else [f"code: {name}" for name in names.split(", ")]


def _jobs(count: int) -> str:
    return counted(count, "job")


def _version(name: str, old: Mapping[str, str], new: Mapping[str, str]) -> str:
    return f"{name} {old.get(name, 'absent')} → {new.get(name, 'absent')}"
