"""Scores of runs side by side, exam by exam, and what the differences amount to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hepaflow.comparison.pairs import Pair
from hepaflow.comparison.run import Run
from hepaflow.errors import UserError
from hepaflow.evaluation.holm import holm
from hepaflow.evaluation.signed_rank import comparable, signed_rank_p
from hepaflow.evaluation.statistics import Estimate, estimate

MEAN, POOLED = "mean", "pooled"
ASKED, BESIDE = "asked", "beside"
"""Families of tests, each corrected on its own: the question that a comparison is made for, and all the rest."""
QUESTION = "dice"
"""The metric of the question; its mean is what the thesis reports."""

VALUE_COLUMNS = ("pair", "structure", "metric", "exam", "run", "method", "value", "difference")
"""A row for an exam and a run; the difference is to the first run."""
COMPARISON_COLUMNS = (
    *(
        "pair",
        "structure",
        "metric",
        "statistic",
        "run",
        "method",
        "other_run",
        "other_method",
        "exams",
        "undefined",
    ),
    *("value", "other_value", "difference", "low", "high", "higher", "equal", "lower"),
    *("wilcoxon_p", "family", "holm_p"),
)
"""A row for a run beside the first; `difference` is `other_value` less `value`."""

_COUNTS = ("higher", "equal", "lower")


@dataclass(frozen=True)
class Metric:
    """A number of an exam that runs are compared by.

    Attributes
    ----------
    title : str
    better : int
        1 where more is better, -1 where less is, 0 where neither.
    column : str
        Name among the scores, if it is another.
    absolute : bool
        Whether its distance from zero counts.
    """

    title: str
    better: int
    column: str = ""
    absolute: bool = False


METRICS = {
    "dice": Metric("Dice", 1),
    "jaccard": Metric("Jaccard", 1),
    "voe": Metric("Volumetric overlap error", -1),
    "absolute_rvd": Metric("Relative volume difference, absolute", -1, "rvd", absolute=True),
    "sensitivity": Metric("Sensitivity", 1),
    "precision": Metric("Precision", 1),
    "assd_mm": Metric("ASSD, mm", -1),
    "rmsd_mm": Metric("RMSD, mm", -1),
    "msd_mm": Metric("MSD, mm", -1),
    "hd95_mm": Metric("HD95, mm", -1),
    "volume_ml": Metric("Volume, ml", 0),
    "lesion_precision_any": Metric("Lesions, IoU > 0: precision", 1),
    "lesion_recall_any": Metric("Lesions, IoU > 0: recall", 1),
    "lesion_f1_any": Metric("Lesions, IoU > 0: F1", 1),
    "lesion_precision_half": Metric("Lesions, IoU > 0.5: precision", 1),
    "lesion_recall_half": Metric("Lesions, IoU > 0.5: recall", 1),
    "lesion_f1_half": Metric("Lesions, IoU > 0.5: F1", 1),
    "burden": Metric("Tumour burden", 0),
    "absolute_burden_error": Metric("Tumour burden: error, absolute", -1, "burden_error", absolute=True),
}
"""Metrics of an exam, by name, in the order of the tables."""


@dataclass(frozen=True)
class _Pooled:
    """A ratio of sums over exams: of one of these counts, or a sum of several, to another."""

    parts: tuple[str, ...]
    whole: tuple[str, ...]
    empty: float
    """Where there is nothing: two empty masks agree, and nothing is known of lesions where there are none."""


def _of_lesions(threshold: str) -> dict[str, _Pooled]:
    """Return precision, recall and F1 of the lesions found at a threshold of overlap."""
    found, lesions, reference = f"found_lesions_{threshold}", "lesions", "reference_lesions"
    return {
        f"lesion_precision_{threshold}": _Pooled((found,), (lesions,), nan),
        f"lesion_recall_{threshold}": _Pooled((found,), (reference,), nan),
        f"lesion_f1_{threshold}": _Pooled((found, found), (lesions, reference), nan),
    }


POOLED_METRICS = {
    "dice": _Pooled(("common_voxels", "common_voxels"), ("voxels", "reference_voxels"), 1.0),
    **_of_lesions("any"),
    **_of_lesions("half"),
}
"""Metrics of all exams as if they were one, by the name that they have among those of an exam."""


@dataclass(frozen=True)
class Scores:
    """The scores of a comparison.

    Attributes
    ----------
    values : DataFrame
        `VALUE_COLUMNS`.
    comparisons : DataFrame
        `COMPARISON_COLUMNS`.
    """

    values: pd.DataFrame
    comparisons: pd.DataFrame


def unequal(values: pd.DataFrame, first: str) -> set[str]:
    """Return the runs that have another number than the first one anywhere, however small the difference.

    Parameters
    ----------
    values : DataFrame
        `VALUE_COLUMNS`.
    first : str
        Name of the first run.
    """
    key = ["pair", "structure", "metric", "exam"]
    sides = values.merge(values.loc[values["run"] == first, [*key, "value"]], on=key, suffixes=("", "_of_first"))
    one, other = sides["value_of_first"], sides["value"]
    return set(sides.loc[(one != other) & ~(one.isna() & other.isna()), "run"])


def compare_scores(runs: Sequence[Run], pairs: Sequence[Pair], exams: Sequence[str]) -> Scores:
    """Hold the scores of each run against those of the first, exam by exam.

    Exams in which a metric is undefined for either run are left out of it. Tests of Dice of the pairs that are
    asked for are corrected for their number (Holm), and so are all others together.

    Parameters
    ----------
    runs : sequence of Run
    pairs : sequence of Pair
    exams : sequence of str
        Test exams of all runs.

    Raises
    ------
    UserError
        If no pair has a structure that all of its methods have segmented.
    """
    values: list[pd.DataFrame] = []
    rows: list[dict[str, Any]] = []
    for pair in pairs:
        for structure, (first, *others) in _sides(runs, pair, exams).items():
            for metric in _common_metrics([first, *others]):
                base = _column(first[2], metric)
                for run, method, table in (first, *others):
                    column = _column(table, metric)
                    values.append(_values(pair.name, structure, metric, run.name, method, column, column - base))
                for other in others:
                    rows += _compared(pair, structure, metric, first, other)
    if not values:
        raise UserError(
            "no structure that the methods of all runs have segmented",
            expected="methods with scores of the liver, or of lesions, in every run",
            remedy="choose others by --method",
        )
    table = pd.DataFrame(rows, columns=COMPARISON_COLUMNS).astype(dict.fromkeys(_COUNTS, "Int64"))
    table["holm_p"] = table.groupby("family", sort=False)["wilcoxon_p"].transform(_corrected)
    return Scores(pd.concat(values, ignore_index=True), table)


_Side = tuple[Run, str, pd.DataFrame]
"""A run, its method, and its scores of one structure: a row for an exam, a column for a metric."""


def _sides(runs: Sequence[Run], pair: Pair, exams: Sequence[str]) -> dict[str, list[_Side]]:
    """Return what is compared by structure; another system may have segmented one alone."""
    sides: dict[str, list[_Side]] = {}
    for run in runs:
        method = pair.methods[run.name]
        for structure, table in _by_exam(run, method, exams).items():
            sides.setdefault(structure, []).append((run, method, table))
    return {structure: own for structure, own in sides.items() if len(own) == len(runs)}


def _common_metrics(sides: Sequence[_Side]) -> list[str]:
    return [name for name, one in METRICS.items() if all((one.column or name) in table for _, _, table in sides)]


def _by_exam(run: Run, method: str, exams: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Return a method's scores by structure: a row for an exam, a column for a metric."""
    own = run.scores[run.scores["method"] == method]
    return {
        str(structure): scores.pivot(index="exam", columns="metric", values="value").reindex(list(exams))
        for structure, scores in own.groupby("structure", sort=False)
    }


def _column(table: pd.DataFrame, metric: str) -> pd.Series:
    one = METRICS[metric]
    column = table[one.column or metric]
    return column.abs() if one.absolute else column


def _values(
    pair: str, structure: str, metric: str, run: str, method: str, column: pd.Series, difference: pd.Series
) -> pd.DataFrame:
    same = {"pair": pair, "structure": structure, "metric": metric, "run": run, "method": method}
    own = {"exam": column.index, "value": column.to_numpy(float), "difference": difference.to_numpy(float)}
    return pd.DataFrame(same | own)[list(VALUE_COLUMNS)]


def _compared(pair: Pair, structure: str, metric: str, first: _Side, other: _Side) -> list[dict[str, Any]]:
    """Return the rows of one metric: of the exams' mean, and of all exams as one where that is defined."""
    one, two = _column(first[2], metric), _column(other[2], metric)
    both = one.notna() & two.notna()
    asked = pair.asked and metric == QUESTION
    same = {
        "pair": pair.name, "structure": structure, "metric": metric,
        "run": first[0].name, "method": first[1], "other_run": other[0].name, "other_method": other[1],
    }  # fmt: skip
    rows = [
        same
        | {"statistic": MEAN, "undefined": int((~both).sum()), "family": ASKED if asked else BESIDE}
        | paired(one[both].to_numpy(float), two[both].to_numpy(float))
    ]
    if metric in POOLED_METRICS:
        rows.append(
            same | {"statistic": POOLED, "undefined": 0, "family": ""} | _pooled(metric, first[2], other[2])
        )
    return rows


def paired(one: NDArray[np.float64], other: NDArray[np.float64]) -> dict[str, Any]:
    """Compare two samples of the same exams.

    Parameters
    ----------
    one, other : ndarray of float, shape (exams,)

    Returns
    -------
    dict
        Number of exams, both means, the mean difference (`other` less `one`) with its 95 % bootstrap interval over
        exams, in how many exams `other` is higher, equal and lower, and the p-value of Wilcoxon's signed-rank test
        (two-sided, exact; NaN where no exam differs).
    """
    differences = other - one
    mean = estimate(np.mean, differences)
    signs = np.sign(comparable(differences))
    return {
        "exams": len(differences),
        "value": float(one.mean()) if one.size else nan,
        "other_value": float(other.mean()) if other.size else nan,
        **_interval(mean),
        "higher": int((signs > 0).sum()),
        "equal": int((signs == 0).sum()),
        "lower": int((signs < 0).sum()),
        "wilcoxon_p": signed_rank_p(differences),
    }


def _pooled(metric: str, one: pd.DataFrame, other: pd.DataFrame) -> dict[str, Any]:
    """Compare a metric of all exams as if they were one; exams stay together in the draws of the interval."""
    ratio = POOLED_METRICS[metric]
    sums = [
        table[list(names)].sum(axis=1).to_numpy(float)
        for table in (one, other)
        for names in (ratio.parts, ratio.whole)
    ]
    taken = _ratio(ratio.empty)
    difference = estimate(lambda *parts, axis: taken(*parts[2:], axis=axis) - taken(*parts[:2], axis=axis), *sums)
    value, other_value = (float(taken(*sums[place : place + 2], axis=-1)) for place in (0, 2))
    return {
        "exams": len(one), "value": value, "other_value": other_value, **_interval(difference),
        "higher": None, "equal": None, "lower": None, "wilcoxon_p": nan,
    }  # fmt: skip


def _ratio(empty: float) -> Callable[..., Any]:
    def ratio(part: Any, whole: Any, axis: int) -> Any:
        parts, wholes = np.asarray(part.sum(axis)), np.asarray(whole.sum(axis))
        return np.divide(parts, wholes, out=np.full(parts.shape, empty), where=wholes > 0)

    return ratio


def _interval(found: Estimate) -> dict[str, float]:
    return {"difference": found.value, "low": found.low, "high": found.high}


def _corrected(p: pd.Series) -> NDArray[np.float64]:
    """Correct the tests of a family; the rows without one have no family."""
    return holm(p.tolist()) if p.name else p.to_numpy(float)
