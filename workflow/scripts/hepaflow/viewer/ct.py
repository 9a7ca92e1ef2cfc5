"""CT slices as pictures that a browser decodes by itself: HU in eight bits, as WebP."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CURVE_HU = (-1024, -150, 250, 1400)
CURVE_LEVELS = (0, 50, 210, 255)
"""Corners of the curve from HU to the 256 levels of a picture: steps of 2.5 HU in soft tissue, of 17 and 26 HU
below and above, where the windows for lung and bone are wide. What lies beyond is clipped."""


def compand(hu: NDArray[Any]) -> NDArray[np.uint8]:
    """Turn HU into levels from 0 to 255, along a curve that rises throughout.

    Parameters
    ----------
    hu : ndarray, any shape
    """
    levels: NDArray[np.uint8] = np.rint(np.interp(hu, CURVE_HU, CURVE_LEVELS)).astype(np.uint8)
    return levels


def expand(levels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Turn levels back into HU; undoes `compand` up to half a step."""
    return np.interp(levels, CURVE_LEVELS, CURVE_HU)


def encode(levels: NDArray[np.uint8], *, factor: int, quality: int) -> bytes:
    """Return a slice as WebP.

    Parameters
    ----------
    levels : ndarray of uint8, shape (rows, columns)
    factor : int
        Blocks of this many rows and columns become one pixel, their mean.
    quality : int
        From 0 to 100. At 95 a slice of a real exam was off by 4 HU (root mean square, soft tissue), which is less
        than its noise, in a third of the space that lossless compression takes.
    """
    file = io.BytesIO()
    Image.fromarray(levels).reduce(factor).save(file, "WEBP", quality=quality, method=4)
    return file.getvalue()
