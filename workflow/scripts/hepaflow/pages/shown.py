"""A table as people see it: which columns are numbers, and how these are written."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from hepaflow.words import duration, number

_NUMBER = re.compile(r"[+\-−]?\d+(\.\d+)?(e[+\-]?\d+)?(?![\w:.-])")
_LONG = re.compile(r"-?\d+\.\d{5,}(e[+\-]?\d+)?")
_WITHOUT_NUMBER = ("", "–", "undefined", "missed", "merged", "no label")
_ZEROS = re.compile(r"-?\d+\.\d\d0*|")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
_DECIMALS = 4
_SECONDS = {", hours": 3600, ", min": 60}
"""Of what times are counted in, by the end of their column's name."""


@dataclass(frozen=True)
class Shown:
    """A table ready for a page.

    Attributes
    ----------
    columns : list of str
    numeric : list of bool
        Whether the cells of a column are numbers, to be aligned and sorted as such.
    rows : list of list of str
    rounded : bool
        Whether any cell has fewer decimals than the table, or a time in another unit.
    """

    columns: list[str]
    numeric: list[bool]
    rows: list[list[str]]
    rounded: bool

    @classmethod
    def of(cls, table: pd.DataFrame) -> "Shown":
        """Prepare a table of text, as `read_table` returns it."""
        columns = [_shown(str(name), [str(cell) for cell in table[name]]) for name in table]
        changed = any(_LONG.fullmatch(cell) or _MOMENT.fullmatch(cell) for cell in table.to_numpy(str).ravel())
        return cls(
            [name for name, _ in columns],
            [is_numeric(pd.Series(cells, name=name)) for name, cells in columns],
            [list(row) for row in zip(*(cells for _, cells in columns), strict=True)],
            changed or any(name != own for (name, _), own in zip(columns, table, strict=True)),
        )


def read_table(csv: bytes) -> pd.DataFrame:
    """Read a table as the text that is written in it."""
    return pd.read_csv(io.BytesIO(csv), dtype=str, keep_default_na=False, encoding="utf-8")


def is_numeric(column: pd.Series) -> bool:
    """Return whether all cells of a column begin with a number, but for those that say that there is none.

    The names of exams are none, even if they are digits.

    Examples
    --------
    >>> is_numeric(pd.Series(["0.911 (0.88 to 0.93)", "undefined"])), is_numeric(pd.Series(["2026-01-02"]))
    (True, False)
    """
    cells = [cell for cell in column.astype(str) if cell not in _WITHOUT_NUMBER]
    return bool(cells) and column.name not in ("exam", "key") and all(map(_NUMBER.match, cells))


def rounded(cell: str) -> str:
    """Return a number with four decimals, or four digits where it is small; any other cell as it is.

    Examples
    --------
    >>> rounded("0.123456789"), rounded("0.000012345678"), rounded("12"), rounded("0.12 to 0.34567")
    ('0.1235', '1.235e-05', '12', '0.12 to 0.34567')
    """
    if not _LONG.fullmatch(cell):
        return cell
    value = float(cell)
    return number(value, _DECIMALS) if abs(value) >= 0.001 or not value else f"{value:.{_DECIMALS}g}"


def _shown(name: str, cells: Sequence[str]) -> tuple[str, list[str]]:
    """Return a column as people read it.

    Times stand in the unit that fits, moments without seconds, numbers without the zeros that all of them end in.
    """
    for end, seconds in _SECONDS.items():
        if name.endswith(end):
            return name.removesuffix(end), [duration(seconds * float(cell)) if cell else "" for cell in cells]
    shown = [_day_and_time(cell) if _MOMENT.fullmatch(cell) else rounded(cell) for cell in cells]
    if all(map(_ZEROS.fullmatch, shown)):
        shown = [cell[: cell.index(".") + 3] if cell else cell for cell in shown]
    return name, shown


def _day_and_time(moment: str) -> str:
    """Return a moment in UTC, as records note it, to the minute."""
    return moment[:16].replace("T", " ")
