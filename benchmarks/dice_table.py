"""The table of Dice for the same compute: one row for a system, with the spread of its seeds."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.side_by_side import digits, table
from hepaflow.names import STAGES


@dataclass(frozen=True)
class Trial:
    """A system that was trained with one seed, and scored.

    Attributes
    ----------
    seconds : mapping of str to float
        Seconds of one core that each stage's training took.
    dice : mapping of str to float
        Mean Dice over the test exams, by structure.
    """

    seconds: Mapping[str, float]
    dice: Mapping[str, float]


def dice_table(trials: Mapping[str, Sequence[Trial]]) -> str:
    """Return the table, a row for each system, in their order."""
    columns = [
        "method",
        "seeds",
        *(f"{stage}: core seconds" for stage in STAGES),
        *(f"{stage} Dice" for stage in STAGES),
    ]
    return table(columns, [_row(name, of_system) for name, of_system in trials.items()])


def _row(name: str, trials: Sequence[Trial]) -> list[str]:
    spent = [digits(statistics.mean(trial.seconds[stage] for trial in trials)) for stage in STAGES]
    return [name, str(len(trials)), *spent, *(spread([trial.dice[stage] for trial in trials]) for stage in STAGES)]


def spread(values: Sequence[float]) -> str:
    """Return the mean, with the smallest and the largest behind it where there are several.

    Examples
    --------
    >>> spread([0.5]), spread([0.4, 0.5, 0.6])
    ('0.500', '0.500 (0.400-0.600)')
    """
    mean = f"{statistics.mean(values):.3f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.3f}-{max(values):.3f})"


def aims(
    trials: Mapping[str, Sequence[Trial]], system: str, rival: str, least: Mapping[str, float] | None = None
) -> str:
    """Say for each structure whether a system's mean reaches what is aimed at.

    Parameters
    ----------
    trials : mapping of str to sequence of Trial
    system, rival : str
        The system must not be below the rival, and must be above it where there is a least Dice, too.
    least : mapping of str to float, optional
        The least Dice of each structure.
    """
    if system not in trials:
        return ""
    told = []
    for stage in STAGES:
        own = _mean(trials, system, stage)
        wanted = [] if least is None else [(f"at least {least[stage]:.3f}", own >= least[stage])]
        if rival in trials:
            other = _mean(trials, rival, stage)
            wanted.append(
                (f"not below {rival}", own >= other) if least is None else (f"above {rival}", own > other)
            )
        told += [f"{stage} {words}: {'met' if met else '**missed**'}" for words, met in wanted]
    return f"Aims for `{system}`: {'; '.join(told)}." if told else ""


def _mean(trials: Mapping[str, Sequence[Trial]], system: str, stage: str) -> float:
    return statistics.mean(trial.dice[stage] for trial in trials[system])
