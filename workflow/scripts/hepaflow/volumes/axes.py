"""Grids in an exam whose axes are the exam's, with voxels of any size.

Along an axis, a grid is a number of voxels and where it lies: from the outer edge of its first voxel to that of
its last, in voxels of the exam, whose voxel i reaches from i to i + 1. Values belong to centres of voxels.
"""

import math
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

_ROUNDING = 1e-3
"""Share of a voxel that a grid may lack of a range: spacings in headers are rounded."""

Place = tuple[float, float]
"""Edges of a grid along one axis, in voxels of the exam."""


@dataclass(frozen=True)
class Axis:
    """A grid along one axis.

    Attributes
    ----------
    voxels : int
    place : tuple of float
        Outer edges of its first and of its last voxel, in voxels of the exam.
    """

    voxels: int
    place: Place

    @property
    def step(self) -> float:
        """Side of a voxel, in voxels of the exam."""
        return (self.place[1] - self.place[0]) / self.voxels


Axes = tuple[Axis, Axis, Axis]
"""A grid along slices, rows and columns."""


def own_grid(volume: NDArray[Any]) -> Axes:
    """Return the grid of an exam's own voxels, of an array of its shape."""
    slices, rows, columns = (Axis(length, (0, length)) for length in volume.shape)
    return slices, rows, columns


def covering(ends: tuple[int, int], own: float, wanted: float) -> Axis:
    """Return the fewest voxels of a side that cover a range of an exam, around its middle.

    Parameters
    ----------
    ends : tuple of int
        The range, in voxels of the exam.
    own, wanted : float
        Side of the exam's voxels, and of those wanted, in mm.

    Examples
    --------
    >>> covering((0, 10), 1.0, 4.0)
    Axis(voxels=3, place=(-1.0, 11.0))
    """
    length = (ends[1] - ends[0]) * own / wanted
    voxels = max(1, math.ceil(length - _ROUNDING))
    middle, half = (ends[0] + ends[1]) / 2, voxels * wanted / own / 2
    return Axis(voxels, (middle - half, middle + half))


def voxels_of(axes: Axes) -> tuple[int, int, int]:
    """Return the shape of a volume on a grid."""
    slices, rows, columns = (axis.voxels for axis in axes)
    return slices, rows, columns
