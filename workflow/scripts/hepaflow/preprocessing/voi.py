"""The volume of interest: the box around the liver in which lesions are sought (thesis 4.3)."""

import math

import numpy as np
from numpy.typing import NDArray

from hepaflow.volumes.box import Box, bounding_box


class EmptyLiverError(ValueError):
    """A mask without any liver voxel has no volume of interest."""


def volume_of_interest(liver: NDArray[np.bool_], margin: float = 0) -> Box:
    """Return the smallest box around the liver whose in-plane sides are equal (thesis 4.3).

    The shorter in-plane side is widened symmetrically. Where the square would leave the slice it is shifted
    inwards; where it is larger than the slice, it reaches over both edges.

    Parameters
    ----------
    liver : ndarray of bool, shape (slices, rows, columns)
    margin : float, optional
        Width of a margin on each side, as a share of the liver's extent along each axis, rounded up to whole
        voxels. It ends where the exam does.

    Raises
    ------
    EmptyLiverError
        If no voxel is set.
    """
    box = bounding_box(liver)
    if box is None:
        raise EmptyLiverError("no voxel of this mask is liver")
    if margin:
        box = Box(*(_with_margin(*one, margin) for one in zip(box.ranges, liver.shape, strict=True)))
    side = max(box.shape[1:])
    return Box(
        box.slices,
        _widened(box.rows, side, liver.shape[1]),
        _widened(box.columns, side, liver.shape[2]),
    )


def _with_margin(ends: tuple[int, int], length: int, margin: float) -> tuple[int, int]:
    width = math.ceil(margin * (ends[1] - ends[0]))
    return max(ends[0] - width, 0), min(ends[1] + width, length)


def _widened(ends: tuple[int, int], side: int, length: int) -> tuple[int, int]:
    """Widen a range to a side, around its middle, and keep it inside the slice where it fits."""
    start = ends[0] - (side - (ends[1] - ends[0])) // 2
    start = min(max(start, 0), length - side) if side <= length else (length - side) // 2
    return start, start + side
