"""What one look at a machine or a file has found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hepaflow.errors import UserError

OK, NOTE, WRONG = "ok", "note", "wrong"

CHECKS = (
    "settings",
    "exams",
    "weights",
    "GPU",
    "GPU memory",
    "shared memory",
    "results",
    "scratch",
    "cache",
    "disk",
)
"""What is looked at, in this order. Each has a line at least, which may say that it is not needed or not known."""

Found = Iterator[tuple[str, str]]
"""What a look finds: a state, and words."""


@dataclass(frozen=True)
class Check:
    """What was found.

    Attributes
    ----------
    state : {'ok', 'note', 'wrong'}
        A note is no fault, but worth knowing.
    what : str
        One of `CHECKS`.
    found : str
    """

    state: str
    what: str
    found: str

    def __str__(self) -> str:
        return f"  {self.state:5}  {self.what:13}  {self.found}"


def trying(what: str, look: Callable[[], Found]) -> Iterator[Check]:
    """Yield what a look finds; a refusal is one more."""
    try:
        for state, found in look():
            yield Check(state, what, found)
    except (UserError, OSError) as error:
        yield refused(what, error)


def refused(what: str, error: Exception) -> Check:
    """Return a refusal, in one line."""
    return Check(WRONG, what, "; ".join(line.strip() for line in str(error).splitlines()))
