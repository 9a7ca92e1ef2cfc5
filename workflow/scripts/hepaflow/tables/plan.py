"""How a run makes its masks: the plan as a table."""

from collections.abc import Mapping

import pandas as pd

from hepaflow.methods.words import data_in_words, methods_in_words
from hepaflow.settings.plan import Plan

DATA = "data"


def plan_table(plan: Plan, given: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
    """Return the plan of a run in words.

    Parameters
    ----------
    plan : Plan
    given : mapping of str to tuple of str
        The structures that other systems have segmented, by the system's name.

    Returns
    -------
    DataFrame of str
        Columns method, part and made by: a row for preprocessed data of each name (method "data"), then one for
        each stage of each method.
    """
    parts = {DATA: data_in_words(plan), **methods_in_words(plan, given)}
    rows = [(method, part, words) for method, stages in parts.items() for part, words in stages.items()]
    return pd.DataFrame(rows, columns=["method", "part", "made by"])
