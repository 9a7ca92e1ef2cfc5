"""Measure two ways of doing the same in turn, and tell the ratio of their times with its spread."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Comparison:
    """Ours and a rival, measured in turn.

    Attributes
    ----------
    what, rival : str
        What was done, and by whom else.
    aim : str
        What was aimed at.
    ours, theirs : tuple of float
        Seconds of each round.
    note : str
        What else is to be said, such as how far the results are the same.
    """

    what: str
    rival: str
    aim: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    note: str = ""

    @property
    def ratios(self) -> list[float]:
        """The rival's time over ours in each round: above 1, we are faster."""
        return [rival / own for own, rival in zip(self.ours, self.theirs, strict=True)]

    def row(self) -> list[str]:
        """Return the cells of the table of comparisons."""
        ratios = self.ratios
        spread = f"**{digits(statistics.median(ratios))}** ({digits(min(ratios))}-{digits(max(ratios))})"
        times = (seconds(statistics.median(times)) for times in (self.ours, self.theirs))
        return [self.what, self.rival, spread, str(len(ratios)), *times, self.aim, self.note]


COLUMNS = ["what", "compared with", "its time / ours", "rounds", "our time", "its time", "aim", "note"]


def stopwatch(work: Callable[[], object]) -> float:
    """Do some work, and return its seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turn(
    what: str,
    rival: str,
    aim: str,
    ours: Callable[[], object],
    theirs: Callable[[], object],
    *,
    rounds: int,
    note: str = "",
    warm: bool = True,
    before: Callable[[], object] = lambda: None,
    clock: Callable[[Callable[[], Any]], float] = stopwatch,
) -> Comparison:
    """Run ours and the rival in turn; who begins changes with every round.

    Parameters
    ----------
    ours, theirs : callable
        Do the work once.
    rounds : int
    warm : bool
        Whether both run once before, uncounted.
    before : callable
        Called before each, uncounted.
    clock : callable
        Does the work and returns the seconds that count; all of them unless it says otherwise.
    """
    if warm:
        ours(), theirs()
    times: tuple[list[float], list[float]] = [], []
    for number in range(rounds):
        sides = [(ours, times[0]), (theirs, times[1])]
        for work, taken in sides if number % 2 == 0 else reversed(sides):
            before()
            taken.append(clock(work))
    return Comparison(what, rival, aim, tuple(times[0]), tuple(times[1]), note)


def seconds(value: float) -> str:
    """Return a time in words of three digits."""
    return f"{digits(value)} s" if value >= 1 else f"{digits(value * 1000)} ms"


def digits(value: float) -> str:
    """Return a number with two or three digits that count."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(columns: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
