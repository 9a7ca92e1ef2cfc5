"""Scores of a set of exams: means with their intervals, pooled measures, and paired comparisons."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hepaflow.evaluation.metrics.detection import THRESHOLDS
from hepaflow.evaluation.scores import final
from hepaflow.evaluation.signed_rank import comparable, signed_rank_p

RESAMPLES = 9999
"""Sets of exams drawn for an interval."""
_SEED = 2022

EXAM_METRICS = (
    "dice",
    "jaccard",
    "voe",
    "rvd",
    "sensitivity",
    "precision",
    "assd_mm",
    "rmsd_mm",
    "msd_mm",
    "hd95_mm",
    "volume_ml",
    "burden",
)
"""Metrics of an exam whose mean and median over exams say something."""

PAIRED_METRICS = ("dice", "assd_mm", "hd95_mm")
"""Metrics on which two methods are compared exam by exam."""

SUMMARY_COLUMNS = (
    "structure",
    "method",
    "processing",
    "metric",
    "statistic",
    "value",
    "low",
    "high",
    "exams",
    "undefined",
)
PAIRED_COLUMNS = (
    "structure",
    "metric",
    "method",
    "other",
    "exams",
    "difference",
    "low",
    "high",
    "higher",
    "lower",
    "wilcoxon_p",
)

Statistic = Callable[..., Any]


@dataclass(frozen=True)
class Estimate:
    """A statistic of some exams with its 95 % bootstrap interval.

    Attributes
    ----------
    value, low, high : float
        NaN where undefined: no exam, or for the interval fewer than two.
    """

    value: float
    low: float
    high: float


def estimate(statistic: Statistic, *samples: NDArray[np.float64]) -> Estimate:
    """Compute a statistic of exams, and the interval over which it varies with the choice of exams.

    Exams are drawn with replacement, whole: all samples of one exam stay together (percentile bootstrap). Of ten
    exams such an interval is a little too narrow: in simulations it holds the true mean in nine cases out of ten.

    Parameters
    ----------
    statistic : callable
        Takes the samples and `axis`, along which exams lie.
    *samples : ndarray of float, shape (exams,)

    Examples
    --------
    >>> estimate(np.mean, np.array([0.5, 0.5, 0.5]))
    Estimate(value=0.5, low=0.5, high=0.5)
    """
    count = len(samples[0])
    if not count:
        return Estimate(nan, nan, nan)
    value = float(statistic(*samples, axis=-1))
    if count < 2:
        return Estimate(value, nan, nan)
    drawn = np.random.default_rng(_SEED).integers(count, size=(RESAMPLES, count))
    resampled = statistic(*(sample[drawn] for sample in samples), axis=-1)
    defined = resampled[~np.isnan(resampled)]  # a draw without any lesion has no recall
    low, high = np.percentile(defined, [2.5, 97.5]) if defined.size else (nan, nan)
    return Estimate(value, float(low), float(high))


def summarise(metrics: pd.DataFrame) -> pd.DataFrame:
    """Sum up the scores of all exams.

    Parameters
    ----------
    metrics : DataFrame
        Tidy scores: exam, structure, method, processing, metric, value; a value is NaN where it is undefined.

    Returns
    -------
    DataFrame
        A row for a structure, a method, a processing, a metric and a statistic: `mean` and `median` over the exams
        in which the metric is defined, `mean of exams with lesions`, `pooled` over the voxels or lesions of all
        exams, `root mean square` and `largest` of errors. With the 95 % interval (low, high), the exams that
        count, and those left out because the metric is undefined.
    """
    rows = []
    for (structure, method, processing), scores in metrics.groupby(
        ["structure", "method", "processing"], sort=False
    ):
        by_exam = scores.pivot(index="exam", columns="metric", values="value")
        for metric, statistic, found, counted in _statistics(by_exam):
            numbers = (found.value, found.low, found.high, counted, len(by_exam) - counted)
            rows.append((structure, method, processing, metric, statistic, *numbers))
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def _statistics(by_exam: pd.DataFrame) -> Iterator[tuple[str, str, Estimate, int]]:
    """Yield metric, statistic, estimate and number of exams of one method."""
    for metric in EXAM_METRICS:
        if metric not in by_exam:
            continue
        values = by_exam[metric].dropna().to_numpy(float)
        yield metric, "mean", estimate(np.mean, values), len(values)
        yield metric, "median", estimate(np.median, values), len(values)
    counts_lesions = "lesions" in by_exam
    if counts_lesions:
        with_lesions = by_exam.loc[by_exam["reference_voxels"] > 0, "dice"].to_numpy(float)
        yield "dice", "mean of exams with lesions", estimate(np.mean, with_lesions), len(with_lesions)
    voxels = [by_exam[name].to_numpy(float) for name in ("common_voxels", "voxels", "reference_voxels")]
    yield "dice", "pooled", estimate(_pooled_dice, *voxels), len(by_exam)
    for threshold in THRESHOLDS if counts_lesions else ():
        predicted, reference = (by_exam[name].to_numpy(float) for name in ("lesions", "reference_lesions"))
        found = by_exam[f"found_lesions_{threshold}"].to_numpy(float)
        for metric, parts in (
            ("precision", (found, predicted)),
            ("recall", (found, reference)),
            ("f1", (2 * found, predicted + reference)),
        ):
            yield f"lesion_{metric}_{threshold}", "pooled", estimate(_ratio_of_sums, *parts), len(by_exam)
    if "burden_error" in by_exam:
        errors = by_exam["burden_error"].dropna().to_numpy(float)
        yield "burden_error", "root mean square", estimate(_root_mean_square, errors), len(errors)
        largest = float(np.abs(errors).max()) if errors.size else nan
        yield (
            "burden_error",
            "largest",
            Estimate(largest, nan, nan),
            len(errors),
        )


def _pooled_dice(both: Any, one: Any, other: Any, axis: int) -> Any:
    """Return the Dice of all exams as if they were one (global Dice)."""
    shared, all_voxels = np.asarray(2 * both.sum(axis)), np.asarray(one.sum(axis) + other.sum(axis))
    return np.divide(shared, all_voxels, out=np.ones(shared.shape), where=all_voxels > 0)


def _ratio_of_sums(part: Any, whole: Any, axis: int) -> Any:
    """Return the ratio of two sums over exams; NaN where the second is zero."""
    parts, wholes = np.asarray(part.sum(axis)), np.asarray(whole.sum(axis))
    return np.divide(parts, wholes, out=np.full(parts.shape, nan), where=wholes > 0)


def _root_mean_square(errors: Any, axis: int) -> Any:
    return np.sqrt((errors**2).mean(axis))


def compare(metrics: pd.DataFrame, method: str) -> pd.DataFrame:
    """Compare a method with every other, exam by exam.

    Post-processed masks are compared, and those of other systems as they were given.

    Parameters
    ----------
    metrics : DataFrame
        Tidy scores, as for `summarise`.
    method : str

    Returns
    -------
    DataFrame
        For each structure, metric and other method: the mean difference (`method` minus `other`) with its 95 %
        bootstrap interval over exams, in how many exams the value of `method` is higher and lower, and the p-value
        of Wilcoxon's signed-rank test (`signed_rank_p`: two-sided, exact, ties included; not adjusted for the
        number of comparisons). NaN where no exam differs. Exams in which the metric is undefined for either method
        are left out.
    """
    scores = final(metrics)
    rows = []
    for structure in scores["structure"].unique():
        for metric in PAIRED_METRICS:
            chosen = scores[(scores["structure"] == structure) & (scores["metric"] == metric)]
            by_exam = chosen.pivot(index="exam", columns="method", values="value")
            for other in chosen["method"].unique():
                if method in by_exam and other != method:
                    both = by_exam[[method, other]].dropna()
                    differences = (both[method] - both[other]).to_numpy(float)
                    rows.append((structure, metric, method, other, *_comparison(differences)))
    return pd.DataFrame(rows, columns=PAIRED_COLUMNS)


def _comparison(differences: NDArray[np.float64]) -> tuple[int, float, float, float, int, int, float]:
    mean = estimate(np.mean, differences)
    rounded = comparable(differences)
    higher, lower = int((rounded > 0).sum()), int((rounded < 0).sum())
    return len(differences), mean.value, mean.low, mean.high, higher, lower, signed_rank_p(differences)
