"""What is odd about the values of an exam's image, for those who survey it and those who segment it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepaflow.volumes.grid_warnings import grid_warnings
from hepaflow.volumes.volume import Grid

_PADDING_BELOW = -1100  # scanners pad with -1024 or not at all; some copies of LiTS with -2048 or -3024
_METAL_ABOVE = 4000
_SOFT, _HARD = (-200, 300), (600, np.inf)
_LITTLE, _MUCH = 0.005, 0.2  # shares; of four CTs of abdomens, 0.26 to 0.61 is soft and 0.001 to 0.002 hard
_AIR, _LIVER = -200, 50  # a CT of an abdomen has values below the former, be it clamped, and above the latter


def image_warnings(hu: NDArray[Any], grid: Grid) -> list[str]:
    """Return what is odd about an exam's CT values and its grid; nothing of it forbids to use the exam.

    Parameters
    ----------
    hu : ndarray, any shape
    grid : Grid
    """
    low, high = float(hu.min()), float(hu.max())
    warnings = grid_warnings(grid)
    soft, hard = (float(np.mean((hu > at_least) & (hu < at_most))) for at_least, at_most in (_SOFT, _HARD))
    if low == high:
        warnings.append(f"every voxel is {low:g} HU")
    elif low > _AIR or high < _LIVER:
        warnings.append(f"values from {low:g} to {high:g}: is the image in HU (air is -1000, fat -100, liver 60)?")
    elif soft < _LITTLE or hard > _MUCH:
        warnings.append(
            f"{100 * soft:.0f} % of the voxels from fat to vessels, {100 * hard:.0f} % as hard as bone: is the "
            "image in HU, and not 1024 above or below it?"
        )
    if low < _PADDING_BELOW:
        warnings.append(f"padding of {low:g} HU")
    if high > _METAL_ABOVE:
        warnings.append(f"values up to {high:g} HU: metal, or another unit")
    return warnings
