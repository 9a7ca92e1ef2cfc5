"""The main tables of a finished run as text, for a terminal."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from hepaflow.errors import UserError
from hepaflow.names import FUSION
from hepaflow.system.call import going_on

WIDTH = 100
"""Columns of a terminal that a table takes at most."""

_NAMES = {
    "without post-processing": "before",
    "with post-processing": "after",
    "thesis without post-processing": "thesis before",
    "thesis with post-processing": "thesis after",
}
"""What columns of the tables of Dice are called where there is little room."""

_LEFT_OUT = ("fitted",)
"""Columns that say nothing without the others of their file."""

_DICE = """\
Dice is twice the overlap of mask and reference over the sum of both: 1 where they are equal, 0
where they do not touch. before, after: without and with post-processing. 95 % interval: of the mean
after it, by bootstrap over the test exams."""

_WEIGHTS = """\
weight: a network's share in the fusion's vote; start: that before the fit."""

_THESIS = """\
thesis: what the thesis reports for LiTS17 (tables 1 and 2), to hold a run on its exams against."""

_PHANTOMS = """\
These exams are phantoms that hepaflow has drawn, and no patients: the figures say that everything
works, not how well a network finds lesions. So the thesis' figures, of LiTS17, are left out here."""

_OTHERS = """\
The thesis' figures are of LiTS17, and these are other exams: they are left out here."""


def printed_summary(results: Path) -> list[str]:
    """Return the lines of a summary: the Dice of both structures, the fusion's weights, and what they mean.

    Parameters
    ----------
    results : Path
        Folder of a run.

    Raises
    ------
    UserError
        If a table is missing or damaged.
    """
    phantoms = any((results / "records/phantom").glob("*.json"))
    lines, fused, beside, lits17 = [], False, False, False
    for name, title in (("liver", "Liver"), ("lesion", "Lesions")):
        columns = _columns(read_rows(results / f"tables/{name}.csv"))
        exams = set(columns.get("exams", ()))
        fused |= FUSION in columns.get("method", ())
        if len(exams) == 1:
            del columns["exams"]
        of = f"{exams.pop()} test {'phantoms' if phantoms else 'exams'}" if len(exams) == 1 else "the test exams"
        lits17 |= any("thesis" in name for name in columns)
        shown = _of_dice(columns, thesis=not phantoms)
        beside |= any("thesis" in name for name in shown)
        lines += ["", f"{title}: mean Dice of {of}", *text_table(shown)]
    notes = [_DICE]
    if fused:
        weights = _columns(read_rows(results / "tables/fusion_weights.csv"))
        kept = {name: cells for name, cells in weights.items() if name not in _LEFT_OUT}
        lines += ["", "Weights of the fusion", *text_table(kept)]
        notes.append(_WEIGHTS)
    if phantoms:
        notes.append(_PHANTOMS)
    elif beside or not lits17:  # without its architectures, there is nothing to say
        notes.append(_THESIS if beside else _OTHERS)
    return [*lines, "", *(line for note in notes for line in note.splitlines()), ""]


def _of_dice(columns: Mapping[str, Sequence[str]], *, thesis: bool) -> dict[str, Sequence[str]]:
    """Return the columns by their short names, the thesis' last; without those that are empty."""
    kept = {name: cells for name, cells in columns.items() if any(cells) and (thesis or "thesis" not in name)}
    return {_NAMES.get(name, name): kept[name] for name in sorted(kept, key=lambda name: "thesis" in name)}


def text_table(columns: Mapping[str, Sequence[str]], width: int = WIDTH) -> list[str]:
    """Return a table as lines, none wider than the terminal: long cells of its widest columns are cut short.

    Parameters
    ----------
    columns : mapping of str to sequence of str
    width : int, optional

    Examples
    --------
    >>> text_table({"method": ["a_very_long_name", "b"], "dice": ["0.9", "0.8"]}, width=18)
    ['  method      dice', '  a_very_lo…  0.9', '  b           0.8']
    """
    widths = {name: max(map(len, [name, *cells])) for name, cells in columns.items()}
    while sum(widths.values()) + 2 * len(widths) > width:
        widest = max(widths, key=widths.__getitem__)
        widths[widest] -= 1
    rows = [list(columns), *zip(*columns.values(), strict=True)]
    return [_line(row, list(widths.values())) for row in rows]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [_cut(cell, width).ljust(width) for cell, width in zip(row, widths, strict=True)]
    return f"  {'  '.join(cells)}".rstrip()


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else f"{cell[: width - 1]}…"


def _columns(rows: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    head, *body = rows
    return {name: [row[number] for row in body] for number, name in enumerate(head)}


def read_rows(table: Path) -> list[list[str]]:
    """Read a table of a run, its head first.

    Raises
    ------
    UserError
        If it is missing, or was cut short.
    """
    again = f"let the run finish first: {going_on(table.parents[1])}"
    try:
        rows = list(csv.reader(table.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"no table ({error})", file=table, remedy=again) from None
    if not rows or len({len(row) for row in rows}) > 1:
        raise UserError("a table that was cut short", file=table, remedy=f"remove it, and {again}")
    return rows
