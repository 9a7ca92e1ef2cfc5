"""How far the errors of the networks overlap (thesis 4.6.2)."""

from collections.abc import Iterable
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hepaflow.evaluation.scores import OVERLAP_COLUMNS


def error_overlap(
    exam: str, structure: str, masks: Iterable[tuple[str, NDArray[np.bool_]]], reference: NDArray[np.bool_]
) -> pd.DataFrame:
    """Count where the masks of every two networks are wrong, each alone and both together (thesis 4.6.2).

    Parameters
    ----------
    exam : str
    structure : {'liver', 'lesion'}
    masks : iterable of (str, ndarray of bool)
        Networks by name, with their masks. Taken one by one: of each, only its errors are kept, a bit a voxel.
    reference : ndarray of bool, shape (slices, rows, columns)

    Returns
    -------
    DataFrame
        A row for every two networks; none where there is only one.
    """
    errors = {network: np.packbits(mask ^ reference) for network, mask in masks}
    counts = {network: _bits(wrong) for network, wrong in errors.items()}
    rows = [
        (exam, structure, one, other, counts[one], counts[other], _bits(errors[one] & errors[other]))
        for one, other in combinations(errors, 2)
    ]
    return pd.DataFrame(rows, columns=OVERLAP_COLUMNS)


def _bits(packed: NDArray[np.uint8]) -> int:
    return int(np.bitwise_count(packed).sum())
