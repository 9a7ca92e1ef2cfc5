"""How well a mask agrees with its reference."""

import numpy as np
from numpy.typing import NDArray


def dice(prediction: NDArray[np.bool_], reference: NDArray[np.bool_]) -> float:
    """Return the Dice similarity coefficient of two masks (thesis 3.7, equation 10).

    Parameters
    ----------
    prediction, reference : ndarray of bool, same shape

    Returns
    -------
    float
        Between 0 and 1. Both empty agree: 1; only one empty: 0 (as the LiTS challenge counts).
    """
    return dice_of_counts(
        int(np.count_nonzero(prediction & reference)),
        int(np.count_nonzero(prediction)),
        int(np.count_nonzero(reference)),
    )


def dice_of_counts(both: int, one: int, other: int) -> float:
    """Return the Dice coefficient of two sets from the sizes of their intersection and of themselves."""
    return 2 * both / (one + other) if one + other else 1.0
