"""The page `docs/mutants.md`: how many mutants were killed, which survived, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from mutants.child import ROOT

PAGE = ROOT / "docs/mutants.md"
REASONS = Path(__file__).with_name("survivors.yaml")

HEAD = """\
# What the tests notice

Written by `make mutants`. It changes the modules that decide numbers and geometry, one place at a time (a
comparison, an operator, a constant, a call, an argument, a return), and runs the unit tests that reach this place.
Such a change is a *mutant*. It is *killed* if one of the tests fails or does not end. One that survives is either
equivalent, which means that no result differs, or accepted for a reason.

"""


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant.

    Attributes
    ----------
    key : str
        Digest of the function and its mutant.
    suite : str
        Digest of the tests.
    name : str
        Function and change.
    line : int
    end : {'killed', 'time over', 'survived', 'untested'}
    tests : int
        How many were run, at most.
    """

    key: str
    suite: str
    name: str
    line: int
    end: str
    tests: int

    @property
    def survived(self) -> bool:
        """Whether no test noticed it."""
        return self.end in ("survived", "untested")


def reasons() -> dict[tuple[str, str], str]:
    """Return why some mutants survive, by module and change."""
    content = yaml.safe_load(REASONS.read_text(encoding="utf-8")) or {}
    return {(module, name): why for module, found in content.items() for name, why in found.items()}


def page(
    outcomes: Mapping[str, Sequence[Outcome]], counts: Mapping[str, int], why: Mapping[tuple[str, str], str]
) -> str:
    """Return the page.

    Parameters
    ----------
    outcomes : mapping of str to sequence of Outcome
        By module.
    counts : mapping of str to int
        Mutants of each module; a module may not have been tried, or not to its end.
    why : mapping
        As `reasons` returns it.
    """
    lines = ["| module | mutants | tried | killed | time over | survived |", "|---|---|---|---|---|---|"]
    for module, found in outcomes.items():
        ends = [outcome.end for outcome in found]
        survived = sum(outcome.survived for outcome in found)
        cells = (counts[module], len(ends), ends.count("killed"), ends.count("time over"), survived)
        lines.append(f"| {module} | {' | '.join(str(cell or '') for cell in cells)} |")
    every = [outcome for found in outcomes.values() for outcome in found]
    left = sum(outcome.survived for outcome in every)
    lines.append(f"| all | {sum(counts.values())} | {len(every)} |  |  | {left} |")
    lines += ["", "## Survivors", "", "| module | line | change | why |", "|---|---|---|---|"]
    for module, found in outcomes.items():
        for outcome in sorted((one for one in found if one.survived), key=lambda one: one.line):
            reason = why.get((module, outcome.name), "**not known**")
            lines.append(
                f"| {module} | {outcome.line} | `{outcome.name.replace('|', chr(92) + '|')}` | {reason} |"
            )
    return HEAD + "\n".join(lines) + "\n"
