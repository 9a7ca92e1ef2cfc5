"""A box in an exam, and how arrays are cut out of it and put back (thesis 4.9)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class Box:
    """Half-open index ranges (start, stop) along slices, rows and columns.

    A range may reach over the edge of the exam: where a square is larger than a slice that is not square.
    """

    slices: tuple[int, int]
    rows: tuple[int, int]
    columns: tuple[int, int]

    @classmethod
    def whole(cls, shape: tuple[int, int, int]) -> "Box":
        """Return the box that holds a whole exam of this shape."""
        slices, rows, columns = shape
        return cls((0, slices), (0, rows), (0, columns))

    @property
    def ranges(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        """The three ranges in the order of an array's axes."""
        return self.slices, self.rows, self.columns

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows and columns of the box."""
        slices, rows, columns = (stop - start for start, stop in self.ranges)
        return slices, rows, columns

    def as_list(self) -> list[list[int]]:
        """Return the ranges as JSON can hold them; `Box.from_list` undoes it."""
        return [list(ends) for ends in self.ranges]

    @classmethod
    def from_list(cls, ranges: Sequence[Sequence[int]]) -> "Box":
        """Make a box of three (start, stop) pairs."""
        slices, rows, columns = ((int(start), int(stop)) for start, stop in ranges)
        return cls(slices, rows, columns)

    def _overlap(self, shape: Sequence[int]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """Return where box and exam overlap: in indices of the exam, and in those of the box."""
        exam, box = [], []
        for (start, stop), length in zip(self.ranges, shape, strict=True):
            first, last = max(start, 0), min(stop, length)
            exam.append(slice(first, last))
            box.append(slice(first - start, last - start))
        return tuple(exam), tuple(box)

    def crop(self, array: NDArray[Scalar]) -> NDArray[Scalar]:
        """Cut the box out of an exam's array; what lies outside the exam is zero."""
        exam, box = self._overlap(array.shape)
        if self.shape == array[exam].shape:
            return array[exam]
        cut = np.zeros(self.shape, array.dtype)
        cut[box] = array[exam]
        return cut

    def place(self, cut: NDArray[Scalar], shape: tuple[int, int, int]) -> NDArray[Scalar]:
        """Put a cut back into an empty exam of the given shape (thesis 4.9); undoes `crop` inside the box."""
        exam, box = self._overlap(shape)
        array = np.zeros(shape, cut.dtype)
        array[exam] = cut[box]
        return array


def bounding_box(mask: NDArray[np.bool_]) -> Box | None:
    """Return the smallest box that holds every set voxel; None where none is set.

    Parameters
    ----------
    mask : ndarray of bool, shape (slices, rows, columns)
    """
    slices: Any = mask.any(axis=(1, 2))
    if not slices.any():
        return None
    plane: Any = np.logical_or.reduce(mask, axis=0)
    return Box(_extent(slices), _extent(plane.any(axis=1)), _extent(plane.any(axis=0)))


def _extent(occupied: Any) -> tuple[int, int]:
    places = np.flatnonzero(occupied)
    return int(places[0]), int(places[-1]) + 1
