"""Which exams runs can be compared on: those that all have scored, if they are the same by content."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hepaflow.comparison.run import Run
from hepaflow.errors import UserError

_FEW = 5


@dataclass(frozen=True)
class SharedExams:
    """The exams of a comparison.

    Attributes
    ----------
    compared : tuple of str
        Test exams of all runs, in the order of the first.
    left_out : dict of str to tuple of str
        For each run, its test exams that another run has not scored.
    """

    compared: tuple[str, ...]
    left_out: dict[str, tuple[str, ...]]


def shared_exams(runs: Sequence[Run]) -> SharedExams:
    """Find the test exams that all runs share.

    Raises
    ------
    UserError
        If there are none, or an exam of one name has another image or label map in another run, by content.
    """
    common = set.intersection(*(set(run.tested) for run in runs))
    first = runs[0]
    compared = tuple(exam for exam in first.tested if exam in common)
    if not compared:
        raise UserError(
            "no test exam that all runs have scored: "
            + "; ".join(f"{run.name}: {_few(run.tested)}" for run in runs),
            expected="runs on the same test exams",
            remedy="run them on one exam sheet (`exams`)",
        )
    for run in runs[1:]:
        others = [exam for exam in compared if _contents(first, exam) != _contents(run, exam)]
        if others:
            raise _different(first, run, others)
    left_out = {run.name: tuple(exam for exam in run.tested if exam not in common) for run in runs}
    return SharedExams(compared, left_out)


def _contents(run: Run, exam: str) -> set[str]:
    return set(run.tested[exam].values())


def _different(first: Run, run: Run, exams: Sequence[str]) -> UserError:
    exam = exams[0]
    one, other = ({what: (path, digest) for what, path, digest in _named(each, exam)} for each in (first, run))
    what = [
        name for name in one.keys() | other.keys() if one.get(name, ("", ""))[1] != other.get(name, ("", ""))[1]
    ]
    files = [
        f"{each[name][0]} ({whose})"
        for name in sorted(what)
        for each, whose in ((one, first.name), (other, run.name))
        if name in each
    ]
    more = f"; so have {len(exams) - 1} more exams: {_few(exams[1:])}" if len(exams) > 1 else ""
    return UserError(
        f"the exam has another {' and another '.join(sorted(what))} in {run.name} than in {first.name}{more}",
        exam=exam,
        file=", ".join(files),
        expected="the same image and label map, by content (SHA-256), wherever an exam of one name is scored",
        remedy="run both on the same files, or give an exam that is another one a name of its own",
    )


def _named(run: Run, exam: str) -> list[tuple[str, str, str]]:
    """Return what each file of an exam is, by what the survey found, with its path and digest."""
    try:
        survey = json.loads(run.exists(f"{run.place}/exams/{exam}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        survey = {}
    is_label = survey.get("label_sha256")
    return [
        ("label" if digest == is_label else "image", path, digest) for path, digest in run.tested[exam].items()
    ]


def other_contents(one: Mapping[str, Mapping[str, str]], other: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return the exams that both have, with different files (`Run.tested`, `Run.trained_on`)."""
    return [exam for exam in one if exam in other and set(one[exam].values()) != set(other[exam].values())]


def _few(names: Sequence[str] | Mapping[str, object]) -> str:
    listed = list(names)
    return ", ".join(listed[:_FEW]) + (f" and {len(listed) - _FEW} more" if len(listed) > _FEW else "")
