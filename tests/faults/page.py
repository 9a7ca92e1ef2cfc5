"""The page `docs/faults.md`: every case, what hepaflow did, and what it told."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cases import Case, Table

PAGE = Path(__file__).parents[2] / "docs/faults.md"

PEAK = Path(__file__).parents[2] / "benchmarks/peak_memory.md"
"""Written by `benchmarks/peak_memory.py --out`."""

UNTOLD = "(not run for this page: `make test-faults` on a machine where root may mount disks)"

HEAD = """\
# Hostile input and faults

Each row is an input or a fault that hepaflow was given, and what it did. The tests in `tests/faults` write this \
page (`make test-faults`). The quick ones are part of `make test`, and fail if the page is no longer true.

*Refused* means: a message with the exam, the file, what was found, what was expected and what to do, on \
the screen and in the job's log; exit status 1; no traceback; nothing written that a later run would take \
for a result. *Accepted* means: the result was compared, voxel by voxel, with that of an exam without the oddity.

"""


def row(case: Case, message: str) -> str:
    """Return a case's row of its table."""
    cells = (case.name, case.outcome, message or "–")
    return "| " + " | ".join(_escaped(cell) for cell in cells) + " |"


def page(tables: Sequence[Table], told: Mapping[str, str]) -> str:
    """Return the whole page.

    Parameters
    ----------
    tables : sequence of Table
    told : mapping of str to str
        What hepaflow told in each case that was run, by the case's name.
    """
    cases = [case for table in tables for case in table.cases]
    mended = [case for case in cases if case.mended]
    lines = [HEAD + _sum(len(cases), len(mended)), ""]
    for table in tables:
        lines += [f"## {table.title}", "", table.text, "", "| case | outcome | message |", "|---|---|---|"]
        lines += [row(case, told.get(case.name, UNTOLD)) for case in table.cases]
        lines.append("")
    lines += ["## What was fixed", "", "| case | what hepaflow did before |", "|---|---|"]
    lines += [f"| {_escaped(case.name)} | {_escaped(case.mended)} |" for case in mended]
    if PEAK.exists():
        lines += ["", "## Peak memory of the rules", "", PEAK.read_text(encoding="utf-8").rstrip()]
    return "\n".join(lines) + "\n"


def _sum(cases: int, mended: int) -> str:
    return f"**{cases} cases; {mended} of them found a defect, all of which are fixed** (last section)."


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
    return text.replace("_", "\\_").replace("`", "\\`").replace("$", "\\$").replace("~", "\\~")
