"""The volume of interest: the box around the liver in which lesions are sought (thesis 4.3)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepaflow.box import Box


class EmptyLiverError(ValueError):
    """A mask without any liver voxel has no volume of interest."""


def volume_of_interest(liver: NDArray[np.bool_]) -> Box:
    """Return the smallest box around the liver whose in-plane sides are equal (thesis 4.3).

    The shorter in-plane side is widened symmetrically. Where the square would leave the slice it is shifted
    inwards; where it is larger than the slice, it reaches over both edges.

    Parameters
    ----------
    liver : ndarray of bool, shape (slices, rows, columns)

    Raises
    ------
    EmptyLiverError
        If no voxel is set.
    """
    if not liver.any():
        raise EmptyLiverError("no voxel of this mask is liver")
    slices = _extent(liver.any(axis=(1, 2)))
    in_plane = np.logical_or.reduce(liver, axis=0)
    rows, columns = _extent(in_plane.any(axis=1)), _extent(in_plane.any(axis=0))
    side = max(rows[1] - rows[0], columns[1] - columns[0])
    return Box(
        slices,
        _widened(rows, side, liver.shape[1]),
        _widened(columns, side, liver.shape[2]),
    )


def _extent(occupied: Any) -> tuple[int, int]:
    indices = np.flatnonzero(occupied)
    return int(indices[0]), int(indices[-1]) + 1


def _widened(ends: tuple[int, int], side: int, length: int) -> tuple[int, int]:
    """Widen a range to a side, around its middle, and keep it inside the slice where it fits."""
    start = ends[0] - (side - (ends[1] - ends[0])) // 2
    start = min(max(start, 0), length - side) if side <= length else (length - side) // 2
    return start, start + side
