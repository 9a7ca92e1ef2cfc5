"""What others report, beside this run."""

import pandas as pd

from hepaflow.names import FUSION, STRUCTURES
from hepaflow.tables import thesis
from hepaflow.words import number


def literature_table(summary: pd.DataFrame, data: str) -> pd.DataFrame:
    """Return the thesis' table 3, with a row for this run's fusion.

    Parameters
    ----------
    summary : DataFrame
        As `statistics.summarise` returns it.
    data : str
        What this run was scored on.
    """
    mean = summary[
        (summary["method"] == FUSION) & (summary["metric"] == "dice") & (summary["statistic"] == "mean")
    ].set_index("structure")
    dice = {structure: number(mean["value"][structure], 4) for structure in STRUCTURES}
    quoted = {structure: f"{thesis.DICE[structure, 'clean'][FUSION]}" for structure in STRUCTURES}
    rows = [
        *(one._asdict() for one in thesis.LITERATURE),
        {"method": "the thesis' fusion", **quoted, "reference": "the thesis, tables 1 and 2"},
        {"method": "this run's fusion", **dice, "reference": f"this run: {data}"},
    ]
    return pd.DataFrame(rows)
