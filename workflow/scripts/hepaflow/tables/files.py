"""How a table is written."""

from pathlib import Path

import pandas as pd

from hepaflow.system.atomic import write_text
from hepaflow.words import number


def write_table(table: pd.DataFrame, path: Path | str) -> None:
    """Write a table as CSV, with four decimals; a zero has no sign."""
    write_text(path, table.to_csv(index=False, float_format=_written, lineterminator="\n"))


def _written(value: object) -> str:
    return number(float(str(value)), 4)
