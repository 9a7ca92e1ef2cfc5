"""Whether the networks' disagreement flags the exams that score low: the answer in numbers."""

import math
from itertools import permutations
from math import nan

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_ALL_ORDERS = 7
"""Most exams of which every order is tried; of more, orders are drawn."""
_DRAWN, _SEED = 9999, 2022
_LEVEL = 0.05


def rank_correlation(exams: pd.DataFrame) -> tuple[float, float]:
    """Return Spearman's rank correlation of disagreement and Dice, and its p-value.

    The p-value is that of a permutation test, two-sided, as the usual approximation is wrong for few exams: the
    share of all orders of the exams whose correlation is as strong.

    Parameters
    ----------
    exams : DataFrame
        Columns disagreement and dice.

    Returns
    -------
    correlation, p : float
        NaN with fewer than three exams, or where all have the same disagreement or the same Dice.
    """
    count = len(exams)
    if count < 3 or exams["disagreement"].nunique() < 2 or exams["dice"].nunique() < 2:
        return nan, nan
    one, other = (_standardised(exams[name].rank()) for name in ("disagreement", "dice"))
    found = float((one * other).mean())
    if count <= _ALL_ORDERS:
        orders = np.array(list(permutations(range(count))))
    else:
        drawn = np.random.default_rng(_SEED).permuted(np.tile(np.arange(count), (_DRAWN, 1)), axis=1)
        orders = np.vstack([np.arange(count), drawn])
    strengths = np.abs((one[orders] * other).mean(axis=1))
    return found, float((strengths >= abs(found) - 1e-9).mean())


def _standardised(values: pd.Series) -> NDArray[np.float64]:
    return ((values - values.mean()) / values.std(ddof=0)).to_numpy(float)


def answer_table(levels: pd.DataFrame, exams: pd.DataFrame) -> pd.DataFrame:
    """Answer for one stage whether disagreement tells which exams score low, and where masks are wrong.

    Parameters
    ----------
    levels : DataFrame
        Rows of `disagreement.error_by_disagreement`.
    exams : DataFrame
        As `disagreement.exams_by_disagreement` returns it: the largest disagreement first.

    Returns
    -------
    DataFrame of str
        Columns question and answer.
    """
    correlation, p = rank_correlation(exams)
    count = len(exams)
    lowest = exams.iloc[int(exams["dice"].to_numpy().argmin())]
    place = 1 + int((exams["disagreement"] > lowest["disagreement"]).sum())
    half = count // 2
    worst = set(exams.sort_values("dice", kind="stable")["exam"].head(half))
    caught = len(worst & set(exams["exam"].head(half)))
    told = "undefined" if np.isnan(correlation) else f"{correlation:.2f} (permutation test: p = {p:.2g})"
    answers = {
        "Does disagreement flag the exams that score low?": _verdict(count, correlation, p),
        "Spearman's rank correlation of disagreement and Dice (-1: disagreement orders the exams)": told,
        "The exam with the lowest Dice": f"{lowest['exam']} ({lowest['dice']:.3f}): number {place} of {count} by "
        "disagreement",
        "Of the half with the lower Dice, in the half with more disagreement": f"{caught} of {half} "
        f"({half * half / count:.1f} expected by chance)",
        "Where are the wrong voxels?": _voxels(levels),
    }
    return pd.DataFrame(answers.items(), columns=["question", "answer"])


def _verdict(count: int, correlation: float, p: float) -> str:
    least = 2 / math.factorial(count)
    if least > _LEVEL:
        return f"cannot be told from so few exams ({count}): even a perfect order has p = {min(least, 1):.2g}"
    if np.isnan(correlation):
        return "cannot be told: all exams have the same disagreement or the same Dice"
    if p > _LEVEL:
        return f"not shown by these {count} exams"
    return "yes, in this run" if correlation < 0 else "no: exams with more disagreement score higher"


def _voxels(levels: pd.DataFrame) -> str:
    """Tell which share of the errors lies where networks disagree, and how many of those voxels are wrong."""
    divided: NDArray[np.bool_] = (levels["disagreement"] > 0).to_numpy()
    voxels, errors = (levels[name].to_numpy(float) for name in ("voxels", "errors"))
    if not errors.sum():
        return "there is none"
    rates = [
        f"{100 * errors[chosen].sum() / voxels[chosen].sum():.0f} %" if voxels[chosen].sum() else "none"
        for chosen in (divided, ~divided)
    ]
    return (
        f"{100 * errors[divided].sum() / errors.sum():.0f} % of them where networks disagree, which is "
        f"{100 * voxels[divided].sum() / voxels.sum():.0f} % of the voxels; {rates[0]} of these are wrong, and "
        f"{rates[1]} of those where all agree"
    )
