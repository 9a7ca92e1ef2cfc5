"""Why a job would run again, in words."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from hepaflow.jobs.recipe import Recipe
from hepaflow.settings.changes import changed_names, setting_changes

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
        count = f"{len(those)} job{'s' if len(those) > 1 else ''}"
        named = [what for what in those if what]
        few = ", ".join(named[:_FEW]) + (f" and {len(named) - _FEW} more" if len(named) > _FEW else "")
        lines += [f"{rule}: {count}" + (f" ({few})" if few else ""), *(f"    {reason}" for reason in reasons)]
    return lines


def _version(name: str, old: Mapping[str, str], new: Mapping[str, str]) -> str:
    return f"{name} {old.get(name, 'absent')} → {new.get(name, 'absent')}"
