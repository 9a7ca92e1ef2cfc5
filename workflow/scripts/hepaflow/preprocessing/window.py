"""The range of CT values that the networks see (thesis 4.2)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepaflow.settings.slices import WindowSettings


def window(hu: NDArray[Any], settings: WindowSettings) -> NDArray[np.float32]:
    """Clamp CT values to a window and rescale it to [0, 1] (thesis 4.2).

    Parameters
    ----------
    hu : ndarray of int or float, any shape
        CT values in HU.
    settings : WindowSettings
        Ends of the window in HU.

    Returns
    -------
    ndarray of float32, same shape
        0 at and below the lower end, 1 at and above the upper end, linear between.

    Examples
    --------
    >>> window(np.array([-3024, -250, 0, 250, 30000], np.int16), WindowSettings()).tolist()
    [0.0, 0.0, 0.5, 1.0, 1.0]
    """
    low, high = np.float32(settings.low), np.float32(settings.high)
    values = hu.astype(np.float32)
    np.clip(values, low, high, out=values)
    values -= low
    values /= high - low
    return values
