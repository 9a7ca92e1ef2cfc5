"""What differs between runs besides their scores: settings, methods, code, versions, data."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from hepaflow.comparison.exams import other_contents
from hepaflow.comparison.run import Job, Record, Run
from hepaflow.names import SHOWS
from hepaflow.settings.changes import changed_names, setting_changes
from hepaflow.words import counted

SETTING, METHOD, CODE, VERSION, DATA = "setting", "method", "code", "version", "data"
KINDS = (SETTING, METHOD, CODE, VERSION, DATA)
DECIDING = {SETTING, METHOD, CODE, DATA}
"""Kinds of what decides scores; versions and machines change no more than their last digits."""

SCORING = ("evaluate", "evaluate_given")
"""Rules that compute scores: with other code, they are no longer the same measure."""

_GATHERING = ("summarise",)
"""Rules that put scores of exams into a table, and change none."""
_FEW = 6
_JOINED = "of: "
"""What a vote or an average joins: other methods, rather than another setting."""
_WILDCARDS_OF_METHODS = ("network", "method", "vote", "average", "given")


@dataclass(frozen=True)
class Difference:
    """Something that differs between a run and the first.

    Attributes
    ----------
    run : str
    kind : str
        One of `KINDS`.
    what : str
        In words: 'training.epochs: 2 → 3', from the first run to the other.
    jobs : str
        The jobs that it concerns: 'train: 1 job (lesion resnet50)'.
    """

    run: str
    kind: str
    what: str
    jobs: str = ""


def differences(runs: Sequence[Run]) -> list[Difference]:
    """Find what differs between each run and the first, by the records of what their scores follow from."""
    return [one for run in runs[1:] for one in _between(runs[0], run)]


def _between(first: Run, other: Run) -> Iterator[Difference]:
    common = [
        (job, record, other.jobs[job])
        for job, record in first.jobs.items()
        if job in other.jobs and job[0] not in _GATHERING
    ]
    for what, jobs in _by_what(
        (change, job) for job, one, two in common for change in setting_changes(one["settings"], two["settings"])
    ):
        yield Difference(other.name, METHOD if what.startswith(_JOINED) else SETTING, what, _in_words(jobs))
    yield from _methods(first, other)
    for what, jobs in _by_what(
        (name if name != "script" else f"{job[0]}.py", job)
        for job, one, two in common
        for name in changed_names(one["code"], two["code"])
    ):
        yield Difference(other.name, CODE, what, _in_words(jobs, few=0))
    for what, jobs in _by_what((change, job) for job, one, two in common for change in _versions(one, two)):
        yield Difference(other.name, VERSION, what, _in_words(jobs, few=0))
    yield from (Difference(other.name, DATA, what) for what in _data(first, other))


def _by_what(found: Iterable[tuple[str, Job]]) -> list[tuple[str, list[Job]]]:
    by_what: dict[str, list[Job]] = defaultdict(list)
    for what, job in found:
        by_what[what].append(job)
    return sorted(by_what.items())


def _in_words(jobs: Sequence[Job], few: int = _FEW) -> str:
    """Return jobs by rule, as `make why` has them; with few of their names."""
    by_rule: dict[str, list[str]] = defaultdict(list)
    for rule, values in jobs:
        by_rule[rule].append(" ".join(values))
    parts = []
    for rule, names in by_rule.items():
        named = sorted(filter(None, names))[:few]
        more = f" and {len(names) - few} more" if len(names) > few else ""
        listed = f" ({', '.join(named)}{more})" if named else ""
        parts.append(f"{rule}: {counted(len(names), 'job')}{listed}")
    return "; ".join(parts)


def _methods(first: Run, other: Run) -> Iterator[Difference]:
    """Yield the methods, and their networks, that one of both has alone, and the results if they differ."""
    known, names = set(_methods_of(first)), set(_methods_of(other))
    for run, alone in ((first, known - names), (other, names - known)):
        for name in sorted(alone):
            yield Difference(other.name, METHOD, f"only in {run.name}: {name}", _network_of(run, name))
    if first.result != other.result:
        yield Difference(other.name, METHOD, f"the run's model: {first.result} → {other.result}")


def _methods_of(run: Run) -> Iterator[str]:
    yield from run.methods
    for record in run.jobs.values():
        yield from (record["wildcards"][name] for name in _WILDCARDS_OF_METHODS if name in record["wildcards"])


def _network_of(run: Run, name: str) -> str:
    """Return which networks a method has trained, by stage; empty where it has none."""
    own = {
        record["wildcards"]["stage"]: record["settings"]["network"]["arch"]
        for record in run.of("train")
        if record["wildcards"]["network"] == name
    }
    return "; ".join(f"{stage}: {own[stage]}" for stage in SHOWS if stage in own)


def _versions(one: Record, other: Record) -> list[str]:
    """Return which versions, and which device, a job had in another run."""
    changes = [
        f"{name} {one['versions'].get(name, 'absent')} → {other['versions'].get(name, 'absent')}"
        for name in changed_names(one["versions"], other["versions"])
    ]
    for key in ("device", "threads"):
        if one.get(key) != other.get(key):
            changes.append(f"{key}: {one.get(key)} → {other.get(key)}")
    return changes


def _data(first: Run, other: Run) -> Iterator[str]:
    for use, one, two in (
        ("to train on", first.trained_on, other.trained_on),
        ("to test", first.tested, other.tested),
    ):
        for run, alone in ((first, one.keys() - two.keys()), (other, two.keys() - one.keys())):
            if alone:
                yield f"exams {use} only in {run.name}: {_listed(alone)}"
        if others := other_contents(one, two):
            yield f"exams {use} with another image or label map: {_listed(others)}"
    for run, rival in ((first, other), (other, first)):
        if seen := run.trained_on.keys() & rival.tested.keys():
            yield f"exams that {run.name} was trained on, and {rival.name} is tested on: {_listed(seen)}"


def _listed(names: Iterable[str]) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:_FEW]) + (f" and {len(ordered) - _FEW} more" if len(ordered) > _FEW else "")


def scored_differently(first: Run, other: Run) -> list[str]:
    """Return the modules in which the code differs that two runs were scored by."""
    found: set[str] = set()
    for job, record in first.jobs.items():
        if job[0] in SCORING and job in other.jobs:
            found |= {*changed_names(record["code"], other.jobs[job]["code"])}
    return sorted(found)


def changed_groups(found: Iterable[Difference], run: str) -> list[str]:
    """Return which settings of a run differ, each once, however many keys it has: 'training.loss'."""
    keys = (one.what.partition(":")[0] for one in found if one.run == run and one.kind == SETTING)
    return sorted({".".join(key.split(".")[:2]) for key in keys})


def has(found: Iterable[Difference], run: str, kind: str) -> bool:
    """Tell whether a run has a difference of a kind."""
    return any(one.run == run and one.kind == kind for one in found)
