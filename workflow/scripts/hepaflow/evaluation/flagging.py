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
_FEWEST = 3
"""Exams below which there is no correlation to speak of: two are always in a perfect order."""


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
        NaN where `without_correlation` says why.
    """
    if without_correlation(exams):
        return nan, nan
    one, other = (_standardised(exams[name].rank()) for name in ("disagreement", "dice"))
    found = float((one * other).mean())
    return found, _share_as_strong(one, other, abs(found))


def least_p_value(exams: pd.DataFrame) -> float:
    """Return the p-value that a perfect order of these exams would have: with many ties, it is large.

    Parameters
    ----------
    exams : DataFrame
        Of which `without_correlation` says nothing.
    """
    one, other = (_standardised(exams[name].rank()) for name in ("disagreement", "dice"))
    ends = np.sort(other)
    along, against = (abs(float((np.sort(one) * order).mean())) for order in (ends, ends[::-1]))
    return _share_as_strong(one, other, max(along, against))


def without_correlation(exams: pd.DataFrame) -> str:
    """Return why ranks of these exams cannot be correlated; nothing where they can."""
    for name, words in (("dice", "Dice"), ("disagreement", "disagreement")):
        if len(exams) > 1 and exams[name].nunique() < 2:
            return f"all exams have the same {words}"
    if len(exams) < _FEWEST:
        return f"fewer than {_FEWEST} exams"
    return ""


def _share_as_strong(one: NDArray[np.float64], other: NDArray[np.float64], strength: float) -> float:
    """Return the share of the orders of exams in which two standardised values correlate as strongly."""
    count = len(one)
    if count <= _ALL_ORDERS:
        orders = np.array(list(permutations(range(count))))
    else:
        drawn = np.random.default_rng(_SEED).permuted(np.tile(np.arange(count), (_DRAWN, 1)), axis=1)
        orders = np.vstack([np.arange(count), drawn])
    strengths = np.abs((one[orders] * other).mean(axis=1))
    return float(max((strengths >= strength - 1e-9).mean(), 1 / len(orders)))


def _standardised(values: pd.Series) -> NDArray[np.float64]:
    return ((values - values.mean()) / values.std(ddof=0)).to_numpy(float)


def answer_table(levels: pd.DataFrame, exams: pd.DataFrame) -> pd.DataFrame:
    """Answer for one structure whether disagreement tells which exams score low, and where masks are wrong.

    Parameters
    ----------
    levels : DataFrame
        Rows of `disagreement.error_by_disagreement`.
    exams : DataFrame
        As `disagreement.exams_by_disagreement` returns it: the largest disagreement first.

    Returns
    -------
    DataFrame of str
        Columns question and answer. An answer says "undefined", and why, where exams are equal in what the
        question compares.
    """
    correlation, p = rank_correlation(exams)
    told = f"{correlation:.2f} (permutation test: p = {p:.2g})"
    answers = {
        "Does disagreement flag the exams that score low?": _verdict(exams, correlation, p),
        "Spearman's rank correlation of disagreement and Dice (-1: disagreement orders the exams)": (
            _undefined(without_correlation(exams)) or told
        ),
        "The exam with the lowest Dice": _lowest(exams),
        "Of the half with the lower Dice, in the half with more disagreement": _halves(exams),
        "Where are the wrong voxels?": _voxels(levels),
    }
    return pd.DataFrame(answers.items(), columns=["question", "answer"])


def _undefined(reason: str) -> str:
    return reason and f"undefined: {reason}"


def _verdict(exams: pd.DataFrame, correlation: float, p: float) -> str:
    count = len(exams)
    least = min(2 / math.factorial(count), 1)
    if least > _LEVEL:
        return f"cannot be told from so few exams ({count}): even a perfect order has p = {least:.2g}"
    if reason := without_correlation(exams):
        return f"cannot be told: {reason}"
    if (least := least_p_value(exams)) > _LEVEL:
        return (
            "cannot be told: so many exams have the same Dice or the same disagreement that even a perfect order "
            f"has p = {least:.2g}"
        )
    if p > _LEVEL:
        return f"not shown by these {count} exams"
    return "yes, in this run" if correlation < 0 else "no: exams with more disagreement score higher"


def _lowest(exams: pd.DataFrame) -> str:
    """Name the exam with the lowest Dice, or all that share it, each with its place by disagreement."""
    if len(exams) > 1 and exams["dice"].nunique() < 2:
        return _undefined(f"all exams have the same Dice ({exams['dice'].iloc[0]:.3f})")
    lowest = exams[exams["dice"] == exams["dice"].min()]
    places = [_place(exams["disagreement"], own) for own in lowest["disagreement"]]
    return "; ".join(
        f"{exam} ({dice:.3f}): {place}"
        for exam, dice, place in zip(lowest["exam"], lowest["dice"], places, strict=True)
    )


def _place(disagreements: pd.Series, own: float) -> str:
    """Return the place of an exam by disagreement; equal exams share theirs."""
    first, last = int((disagreements > own).sum()) + 1, int((disagreements >= own).sum())
    place = f"number {first}" if first == last else f"numbers {first} to {last}, which are equal,"
    return f"{place} of {len(disagreements)} by disagreement"


def _halves(exams: pd.DataFrame) -> str:
    """Count the exams that are both in the lower half by Dice and in the upper one by disagreement."""
    count, half = len(exams), len(exams) // 2
    if not half:
        return _undefined("one exam has no halves")
    for name, words in (("dice", "Dice"), ("disagreement", "disagreement")):
        ordered = exams[name].sort_values(ascending=name == "dice", ignore_index=True)
        if ordered[half - 1] == ordered[half]:
            return _undefined(f"exams of the same {words} stand on both sides of the middle")
    worst = set(exams.nsmallest(half, "dice")["exam"])
    caught = len(worst & set(exams.nlargest(half, "disagreement")["exam"]))
    return f"{caught} of {half} ({half * half / count:.1f} expected by chance)"


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
