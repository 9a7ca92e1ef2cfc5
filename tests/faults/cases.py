"""Cases: something that the world does to hepaflow, what hepaflow is to do then, and what it tells."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hepaflow.errors import UserError

Tell = Callable[["Case", str], None]
"""The fixture `tell`: notes what hepaflow told in a case."""

ACCEPTED, WARNED, REFUSED = "accepted", "accepted with a warning", "refused"
GOES_ON, STOPS = "goes on to the same end", "stops with a message"


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes
    ----------
    name : str
        What is done to hepaflow.
    outcome : str
        What hepaflow is to do: one of the five above, or in words.
    words : tuple of str
        What it is to tell.
    do : callable
        Does it; what it takes and returns is its table's business.
    mended : str
        What hepaflow did before it was mended; empty where it did right from the first.
    """

    name: str
    outcome: str
    words: tuple[str, ...] = ()
    do: Callable[..., Any] = lambda: None
    mended: str = ""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Table:
    """Cases of one kind.

    Attributes
    ----------
    title, text : str
        Heading in the page, and what stands below it.
    cases : tuple of Case
    """

    title: str
    text: str
    cases: tuple[Case, ...]


def ids(case: Case) -> str:
    return re.sub(r"\W+", "-", case.name)


def refusal(error: UserError, *, exam: str = "", file: object = "") -> str:
    """Return the message of a refusal, which names all that one needs to mend what is wrong."""
    message = str(error)
    for part, told in (("exam", exam), ("file", file), ("found", ""), ("expected", ""), ("what to do", "")):
        if told or part not in ("exam", "file"):
            assert re.search(rf"^{part}: {re.escape(str(told)) or '.'}", message, re.MULTILINE), message
    return message


def neutral(message: str, folder: Path) -> str:
    """Return a message in one line, without what differs from run to run."""
    message = message.replace(f"{folder}/", "").replace(str(folder), ".")
    return "; ".join(line.strip() for line in message.splitlines() if line.strip()).replace(":; ", ": ")
