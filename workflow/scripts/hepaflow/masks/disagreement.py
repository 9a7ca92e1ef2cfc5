"""Where the networks disagree, and whether they are wrong there."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def disagreement(votes: Iterable[Mask]) -> NDArray[np.uint8]:
    """Return how far the networks disagree on every voxel, whatever their weights in the fusion.

    Parameters
    ----------
    votes : iterable of ndarray of bool, same shape
        A mask of every network, taken one at a time.

    Returns
    -------
    ndarray of uint8, same shape
        In percent: 0 where all networks say the same, 100 where they are divided into halves (which three networks
        never are); with four networks 50 where one is alone.
    """
    count, yes = 0, np.zeros((), np.uint8)
    for mask in votes:
        count, yes = count + 1, yes + mask
    percent = np.array([round(200 * min(number, count - number) / count) for number in range(count + 1)], np.uint8)
    return percent[yes]


def mean_over_segmented(percent: NDArray[np.uint8], fused: Mask) -> float:
    """Return the mean disagreement of an exam over what is segmented, in percent; of nothing it is 0.

    Parameters
    ----------
    percent : ndarray of uint8, shape (slices, rows, columns)
        As `disagreement` returns it.
    fused : ndarray of bool, same shape
        Segmented is what this marks, and where networks disagree.
    """
    segmented = fused | (percent > 0)
    count = np.count_nonzero(segmented)
    return float(percent.sum(where=segmented, dtype=np.int64) / count) if count else 0.0
