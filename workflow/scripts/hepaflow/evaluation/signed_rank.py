"""Wilcoxon's signed-rank test with its exact distribution, whatever the number of pairs and of ties."""

from math import nan

import numpy as np
from numpy.typing import NDArray
from scipy import stats

_DECIMALS = 12


def comparable(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return differences in which equal ones are equal to the last bit, as 1 - 1/3 and 2/3 - 0 are not."""
    return np.round(differences, _DECIMALS)


def signed_rank_p(differences: NDArray[np.float64]) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test of paired differences.

    Differences of zero are left out, and equal ones share the mean of their ranks (midranks). If neither method is
    better, each rank is as likely to count for the one as for the other; the distribution of the sum of ranks is
    built up rank by rank. Scipy does the same without ties and up to 50 pairs, or with ties up to 13, and takes a
    normal approximation otherwise.

    Parameters
    ----------
    differences : ndarray of float, shape (pairs,)

    Returns
    -------
    float
        Twice the smaller tail, at most 1; NaN where no pair differs.

    Examples
    --------
    >>> signed_rank_p(np.array([0.1, 0.2, 0.2, 0.3, 0.4, 0.0]))
    0.0625
    """
    rounded = comparable(differences)
    rounded = rounded[rounded != 0]
    if not len(rounded):
        return nan
    doubled = np.rint(2 * stats.rankdata(np.abs(rounded))).astype(int)  # midranks are halves
    chances = np.ones(1)  # of every sum of doubled ranks
    for rank in doubled:
        wider = np.zeros(len(chances) + rank)
        wider[: len(chances)] += chances / 2
        wider[rank:] += chances / 2
        chances = wider
    found = int(doubled[rounded > 0].sum())
    tail = min(chances[: found + 1].sum(), chances[found:].sum())
    return float(min(2 * tail, 1))
