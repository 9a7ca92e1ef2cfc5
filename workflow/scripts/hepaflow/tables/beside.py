"""What the thesis reports, beside a run: only where both are of LiTS17."""

import pandas as pd

_OF_THE_THESIS = "thesis "
"""How columns of its figures begin."""


def without_thesis(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of Dice without the thesis' figures: no row then holds those of two data sets.

    Parameters
    ----------
    table : DataFrame
        As `scores.dice_table` returns it.
    """
    return table[[name for name in table if not str(name).startswith(_OF_THE_THESIS)]]
