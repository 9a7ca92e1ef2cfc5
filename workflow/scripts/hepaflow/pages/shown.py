"""A table as people see it: which columns are numbers, and how these are written."""

import io
import re
from dataclasses import dataclass

import pandas as pd

_NUMBER = re.compile(r"[+\-−]?\d+(\.\d+)?(e[+\-]?\d+)?(?![\w:.-])")
_LONG = re.compile(r"-?\d+\.\d{5,}(e[+\-]?\d+)?")
_WITHOUT_NUMBER = ("", "–", "undefined", "missed", "merged", "no label")
_DECIMALS = 4


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
        Whether any cell has fewer decimals than the table.
    """

    columns: list[str]
    numeric: list[bool]
    rows: list[list[str]]
    rounded: bool

    @classmethod
    def of(cls, table: pd.DataFrame) -> "Shown":
        """Prepare a table of text, as `read_table` returns it."""
        rows = [[rounded(cell) for cell in row] for row in table.to_numpy(str).tolist()]
        changed = any(_LONG.fullmatch(cell) for cell in table.to_numpy(str).ravel())
        return cls(list(table.columns), [is_numeric(table[name]) for name in table], rows, changed)


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
    return f"{value:.{_DECIMALS}f}" if abs(value) >= 0.001 or not value else f"{value:.{_DECIMALS}g}"
