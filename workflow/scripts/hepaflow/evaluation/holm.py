"""Holm's correction for several tests (Holm 1979, Scand J Statist 6:65-70)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def holm(p: Sequence[float]) -> NDArray[np.float64]:
    """Adjust p-values for their number, so that of all those below a level hardly one is so by chance.

    The probability that any true hypothesis is rejected stays below the level, whatever the tests have in common.

    Parameters
    ----------
    p : sequence of float
        NaN for a test that rejects nothing, such as of equal samples; it counts as one of the tests.

    Returns
    -------
    ndarray of float, shape (tests,)
        The least level at which each is rejected, at most 1; NaN where `p` is.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, float)
    order = np.argsort(values, kind="stable")  # NaN last
    factors = len(values) - np.arange(len(values))
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1)
    return adjusted
