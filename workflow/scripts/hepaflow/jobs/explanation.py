"""Why a job would run again, in words."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
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


def configuration_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return which keys of the configuration have changed: 'backbones.resnet50: … → no longer set'.

    Parameters
    ----------
    old, new : mapping of str to value
        Values by the path of their key ('training.liver.epochs').
    """
    return setting_changes(_nested(old), _nested(new))


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in values.items():
        *groups, name = path.split(".")
        place = tree
        for group in groups:
            place = place.setdefault(group, {})
        place[name] = value
    return tree


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
        named = few([what for what in those if what])
        lines += [
            f"{rule}: {_jobs(len(those))}" + (f" ({named})" if named else ""),
            *(f"    {reason}" for reason in reasons),
        ]
    return lines


def few(names: Sequence[str]) -> str:
    """Return the first of some names, and how many more there are.

    Examples
    --------
    >>> few(["train", "predict"])
    'train, predict'
    >>> few("abcdefgh")
    'a, b, c, d, e, f and 2 more'
    """
    return ", ".join(names[:_FEW]) + (f" and {len(names) - _FEW} more" if len(names) > _FEW else "")


MAKING = "being made"
"""The reason of a job that a run does at this moment."""

_KINDS = {
    MAKING: MAKING,
    "begun and not finished": "begun and not finished",
    "not made yet": "not made yet",
    "setting ": "for changed settings",
    "code: ": "for changed code",
    "library ": "for another version of a library",
    "changed: ": "for changed files",
    "deleted: ": "whose results were deleted",
    "made meanwhile": "made meanwhile",
    "makes more: ": "for other outputs",
    "reads more: ": "for other inputs",
    "no longer reads: ": "for other inputs",
    "follows from: ": "that only follow from others",
}
"""How a reason begins, and what jobs are called that it makes run; of several reasons, the first here counts."""

_OTHER = "that Snakemake alone has a reason for"
_FOLLOWING = (
    MAKING,
    "made meanwhile",
    "begun and not finished",
    "not made yet",
    "makes more: ",
    "follows from: ",
    "reads more: ",
    "no longer reads: ",
)
"""Beginnings of reasons that are no change themselves."""
_BY_WHOM = ("setting ", "changed: ", "deleted: ", "library ", "code: ")
"""Beginnings of changes, those first that users make on purpose."""


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


def in_keys(reasons: tuple[str, ...], configured: Sequence[str]) -> tuple[str, ...]:
    """Return a job's reasons with keys of the configuration in the place of what they change in its settings.

    Parameters
    ----------
    reasons : tuple of str
    configured : sequence of str
        Changed keys, as `configuration_changes` returns them.
    """
    told: list[str] = []
    for one in reasons:
        told += [f"setting {key}" for key in configured if _follows(one, key)] or [one]
    return tuple(dict.fromkeys(told))


def causes(reasons: Iterable[tuple[str, ...]]) -> list[str]:
    """Return what has changed, each once with how many jobs it makes run.

    Settings and files, which users change, come before libraries and code; of a kind, what makes most jobs run.

    Parameters
    ----------
    reasons : iterable of tuple of str
        Of each job.
    """
    changed = (one for those in reasons for one in those if not one.startswith(_FOLLOWING))
    found = Counter(part for one in changed for part in _parts(one))
    for inner in list(found):
        if outer := next((one for one in found if _is_part(one, inner)), None):
            found[outer] += found.pop(inner)
    return [f"{one} ({_jobs(count)})" for one, count in sorted(found.most_common(), key=_place)]


def _place(change: tuple[str, int]) -> int:
    return next((place for place, start in enumerate(_BY_WHOM) if change[0].startswith(start)), len(_BY_WHOM))


def _follows(change: str, key: str) -> bool:
    """Tell whether a change of a job's settings says what a changed key of the configuration says already.

    Its values do, or it names a group that the key adds or takes away: a backbone, say.
    """
    if not change.startswith("setting "):
        return False
    path, _, values = key.partition(": ")
    name = path.rpartition(".")[2]
    if values.startswith("new, ") or values.endswith(" → no longer set"):
        return re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", change) is not None
    return change.partition(": ")[2] == values


def _is_part(change: str, other: str) -> bool:
    """Tell whether a change is what another one is, too, in settings of which it has a part."""
    return other.startswith("setting ") and other.endswith(f".{change.removeprefix('setting ')}")


def _parts(reason: str) -> list[str]:
    """Return a reason, or one for each of the modules that it names."""
    code, _, names = reason.partition("code: ")
    return [reason] if code or not names else [f"code: {name}" for name in names.split(", ")]


def _jobs(count: int) -> str:
    return counted(count, "job")


def _version(name: str, old: Mapping[str, str], new: Mapping[str, str]) -> str:
    return f"{name} {old.get(name, 'absent')} → {new.get(name, 'absent')}"
