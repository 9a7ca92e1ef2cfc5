"""Which methods of runs are held against each other."""

from collections.abc import Sequence
from dataclasses import dataclass

from hepaflow.comparison.run import Run
from hepaflow.errors import UserError

RESULT = "result"
"""Name of the pair of what the runs have for their results."""


@dataclass(frozen=True)
class Pair:
    """A method of each run.

    Attributes
    ----------
    name : str
    methods : dict of str to str
        Method by run.
    asked : bool
        Whether the comparison is made for it; others are shown beside it.
    """

    name: str
    methods: dict[str, str]
    asked: bool = False


def pairs_of(runs: Sequence[Run], chosen: Sequence[str] = ()) -> list[Pair]:
    """Pair the methods of runs.

    Parameters
    ----------
    runs : sequence of Run
    chosen : sequence of str, optional
        `NAME` pairs the methods of this name; all `RUN=NAME` together make one pair, with the results of runs that
        are not named. Without any, the results of the runs are paired, and then whatever has one name in all runs.

    Raises
    ------
    UserError
        If there is no such run or method, or a run is named twice.
    """
    if not chosen:
        results = {run.name: _known(run, run.result) for run in runs}
        pairs = [Pair(RESULT, results, asked=True)]
        same = [method for method in runs[0].methods if all(method in run.methods for run in runs)]
        pairs += [Pair(method, {run.name: method for run in runs}) for method in same]
        return _different(pairs)
    named: dict[str, str] = {}
    pairs = []
    for one in chosen:
        place, equals, method = one.rpartition("=")
        if not equals:
            pairs.append(Pair(method, {run.name: _known(run, method) for run in runs}, asked=True))
            continue
        run = _run(runs, place)
        if run.name in named:
            raise UserError(
                f"--method {one}: {run.name} has {named[run.name]} already",
                expected="a method of each run",
                remedy="compare other pairs by a call of their own",
            )
        named[run.name] = _known(run, method)
    if named:
        methods = {run.name: named.get(run.name, run.result) for run in runs}
        pairs.insert(0, Pair("chosen", methods, asked=True))
    return _different(pairs)


def _different(pairs: Sequence[Pair]) -> list[Pair]:
    """Leave out pairs of the same methods as an earlier one."""
    kept: list[Pair] = []
    for pair in pairs:
        if all(pair.methods != other.methods for other in kept):
            kept.append(pair)
    return kept


def _run(runs: Sequence[Run], name: str) -> Run:
    for run in runs:
        if name == run.name or name.rstrip("/") == str(run.folder):
            return run
    raise UserError(
        f"--method {name}=…: no run of this name",
        expected=f"one of {', '.join(run.name for run in runs)}",
        remedy="name the run as its folder is called",
    )


def _known(run: Run, method: str) -> str:
    if method not in run.methods:
        raise UserError(
            f"--method: {run.name} has no method {method!r}",
            file=run.folder,
            expected=f"one of {', '.join(run.methods)}",
            remedy="pair methods of different names by --method RUN=NAME for each run",
        )
    return method
