"""What the tables tell of an exam, for the viewer to tell the same."""

from collections.abc import Mapping

import pandas as pd

METRICS = ("dice", "volume_ml")
"""Of an exam, what both the viewer and the tables tell."""

Scored = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Scores of one exam: by method, structure and metric, without those that are undefined."""


def scored(scores: pd.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    """Return what the viewer tells of an exam besides its label maps.

    Parameters
    ----------
    scores : DataFrame
        Tidy scores of one exam, of the masks that methods end with: structure, method, metric, value.

    Returns
    -------
    dict
        See `Scored`. A method is there with all of its structures, and has none that was not scored.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for row in scores[scores["metric"].isin(METRICS)].dropna(subset="value").to_dict("records"):
        of_method = found.setdefault(str(row["method"]), {})
        of_method.setdefault(str(row["structure"]), {})[str(row["metric"])] = float(row["value"])
    return found
