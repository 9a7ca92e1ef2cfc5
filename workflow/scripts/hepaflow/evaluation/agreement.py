"""How well predicted amounts agree with those of the reference: volumes, and tumour burden."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hepaflow.evaluation.scores import final


@dataclass(frozen=True)
class Measure:
    """An amount that a structure is compared by.

    Attributes
    ----------
    words, unit : str
    predicted, reference : str
        Metrics of an exam that hold it.
    scale : float
        From the metrics to the unit.
    """

    words: str
    unit: str
    predicted: str
    reference: str
    scale: float


MEASURES: Mapping[str, Measure] = {
    "liver": Measure("liver volume", "ml", "volume_ml", "reference_volume_ml", 1),
    "lesion": Measure("tumour burden", "% of the liver", "burden", "reference_burden", 100),
}
"""By structure. The liver's volume includes its lesions; the burden is their share of it."""

_NORMAL_95 = 1.96
"""Standard deviations around the mean that hold 95 % of a normal distribution."""


@dataclass(frozen=True)
class Agreement:
    """Agreement of two measurements of the same exams (Bland and Altman 1986, doi:10.1016/S0140-6736(86)90837-8).

    Attributes
    ----------
    exams : int
    bias : float
        Mean difference, predicted minus reference; NaN without exams.
    deviation : float
        Standard deviation of the differences, with n - 1; NaN with fewer than two exams.
    absolute : float
        Mean absolute difference.
    """

    exams: int
    bias: float
    deviation: float
    absolute: float

    @classmethod
    def of(cls, differences: NDArray[np.float64]) -> "Agreement":
        """Describe differences of exams, shape (exams,)."""
        count = len(differences)
        return cls(
            count,
            float(differences.mean()) if count else nan,
            float(differences.std(ddof=1)) if count > 1 else nan,
            float(np.abs(differences).mean()) if count else nan,
        )

    @property
    def limits(self) -> tuple[float, float]:
        """Limits of agreement: between them lie 95 % of the differences, if these are normally distributed."""
        return self.bias - _NORMAL_95 * self.deviation, self.bias + _NORMAL_95 * self.deviation


def amounts(metrics: pd.DataFrame, structure: str) -> pd.DataFrame:
    """Return the amounts that every method and the reference have in every exam.

    Parameters
    ----------
    metrics : DataFrame
        Tidy scores: exam, structure, method, processing, metric, value. The masks that a method ends with count.
    structure : {'liver', 'lesion'}

    Returns
    -------
    DataFrame
        Columns method, exam, reference and predicted, in the unit of `MEASURES`. Exams in which either is
        undefined are left out: without millimetres, or without a liver.
    """
    measure = MEASURES[structure]
    columns = {"reference": measure.reference, "predicted": measure.predicted}
    scores = final(metrics[(metrics["structure"] == structure) & metrics["metric"].isin(columns.values())])
    methods, exams = scores["method"].unique(), scores["exam"].unique()
    wide = scores.pivot(index=["method", "exam"], columns="metric", values="value")
    wide = wide.reindex(columns=list(columns.values())).dropna() * measure.scale
    wide = wide.set_axis(list(columns), axis=1).reset_index()
    order = [pd.Categorical(wide[name], known) for name, known in (("method", methods), ("exam", exams))]
    return wide.iloc[np.lexsort([order[1].codes, order[0].codes])].reset_index(drop=True)


def agreements(amounts: pd.DataFrame) -> dict[str, Agreement]:
    """Return the agreement of every method with the reference, from the rows of `amounts`."""
    return {
        str(method): Agreement.of((rows["predicted"] - rows["reference"]).to_numpy(float))
        for method, rows in amounts.groupby("method", sort=False)
    }
