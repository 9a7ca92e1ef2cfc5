"""The table of agreement: predicted against reference volumes, and tumour burden."""

import pandas as pd

from hepaflow.evaluation.agreement import MEASURES, agreements


def agreement_table(amounts: pd.DataFrame, structure: str) -> pd.DataFrame:
    """Return how every method's amounts agree with the reference's: a row for a method.

    Parameters
    ----------
    amounts : DataFrame
        As `agreement.amounts` returns it.
    structure : {'liver', 'lesion'}
    """
    measure = MEASURES[structure]
    rows = []
    for method, found in agreements(amounts).items():
        low, high = found.limits
        rows.append(
            {
                "method": method,
                "exams": found.exams,
                "mean difference": found.bias,
                "standard deviation": found.deviation,
                "lower limit of agreement": low,
                "upper limit of agreement": high,
                "mean absolute difference": found.absolute,
                "of": measure.words,
                "unit": measure.unit,
            }
        )
    return pd.DataFrame(rows, columns=_COLUMNS)


_COLUMNS = [
    "method",
    "exams",
    "mean difference",
    "standard deviation",
    "lower limit of agreement",
    "upper limit of agreement",
    "mean absolute difference",
    "of",
    "unit",
]
