"""How a table is written."""

from pathlib import Path

import pandas as pd

from hepaflow.system.atomic import write_text


def write_table(table: pd.DataFrame, path: Path | str) -> None:
    """Write a table as CSV, with four decimals."""
    write_text(path, table.to_csv(index=False, float_format="%.4f", lineterminator="\n"))
