"""Maps: the probability of a structure, a byte a pixel; the mask is where it exceeds one half."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

FULL = 255
"""Stored value of probability 1."""

HALF = 128
"""Smallest stored value of a probability above one half."""

MIDDLE = HALF - 0.5
"""What a mean of stored values must exceed to be above one half."""


def map_of(logits: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the map of logits: their probability, rounded to a byte.

    A positive logit gets `HALF` at least, any other less: rounding moves no pixel over one half.

    Examples
    --------
    >>> map_of(np.array([-np.inf, -1e-9, 0, 1e-9, np.inf])).tolist()
    [0, 127, 127, 128, 255]
    """
    return rounded_to(logits > 0, FULL * expit(logits))


def rounded_to(mask: NDArray[np.bool_], values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return values from 0 to 255 rounded to a map that has a mask: no pixel is rounded over one half."""
    rounded = np.rint(values).astype(np.uint8)
    found: NDArray[np.uint8] = np.where(mask, np.maximum(rounded, HALF), np.minimum(rounded, HALF - 1))
    return found


def mask_of(map_: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where a map's probability exceeds one half."""
    mask: NDArray[np.bool_] = map_ >= HALF
    return mask


def with_mask(map_: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return a map whose mask is another: where the two differ, its probability is mirrored at one half.

    A removed pixel is then as far below one half as it was above, and an added one as far above. This is for maps
    that are interpolated: a removed region does not come back, as no pixel in it or around it is above one half;
    and where a part was cut off, the edge lies midway between pixels kept and pixels removed, as a mask's does,
    if the map is even there. Zeros would shift the edge inwards, values just below one half outwards.

    Parameters
    ----------
    map_ : ndarray of uint8
    mask : ndarray of bool, same shape

    Examples
    --------
    >>> with_mask(np.array([0, 100, 128, 200], np.uint8), np.array([True, False, True, False])).tolist()
    [255, 100, 128, 55]
    """
    found: NDArray[np.uint8] = np.where(mask_of(map_) == mask, map_, np.uint8(FULL) - map_)
    return found
