"""Points of the body, boxes in which shapes lie, and the distances that several of them share.

Lengths are millimetres in a reference adult. x runs to the patient's left, y to the back, z to the head; the
origin is the midline, half-way between belly and back, at mid-height of the liver.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from hepaflow.phantoms.shapes import Vector

Slices = tuple[slice, ...]

FAR = 1000.0
"""Distance in mm that stands for "somewhere outside"."""


@dataclass(frozen=True)
class Box:
    """An axis-parallel part of the body, in mm."""

    low: Vector
    high: Vector

    @classmethod
    def around(cls, points: Sequence[Vector], margin: float) -> "Box":
        """Return the box of some points, and a margin around it."""
        return cls(vector(np.min(points, axis=0) - margin), vector(np.max(points, axis=0) + margin))

    def grown(self, margin: float) -> "Box":
        """Return the box with a margin on all sides."""
        return Box(vector(np.array(self.low) - margin), vector(np.array(self.high) + margin))

    def __or__(self, other: "Box") -> "Box":
        return Box(vector(np.minimum(self.low, other.low)), vector(np.maximum(self.high, other.high)))

    def __and__(self, other: "Box") -> "Box":
        return Box(vector(np.maximum(self.low, other.low)), vector(np.minimum(self.high, other.high)))


EVERYWHERE = Box((-1e9, -1e9, -1e9), (1e9, 1e9, 1e9))


class Shape(Protocol):
    """A part of the body."""

    @property
    def box(self) -> Box:
        """Return a box outside which nothing is inside the shape."""

    def distance(self, space: "Space") -> Tensor:
        """Return the distance to the surface in mm, to first order, in the shape of the points."""


@dataclass(frozen=True)
class Grid:
    """The axes of points on a grid, before the patient's warp moves them.

    A point is ``turn @ (x, y, z) + middle``.
    """

    z: Tensor
    y: Tensor
    x: Tensor
    turn: np.ndarray
    middle: Vector

    def cut(self, place: Slices) -> "Grid":
        """Return the grid of a part."""
        z, y, x = place
        return Grid(self.z[z], self.y[y], self.x[x], self.turn, self.middle)


class Space:
    """Points of the body in mm, and the distances that several shapes share.

    Parameters
    ----------
    x, y, z : Tensor of float32
        All of one shape. Where they are three-dimensional, axes run to the head, the back and the left.
    grid : Grid, optional
        That of the points, where they are on one.
    whole, place : Space and slices, optional
        What the points are a part of, and which.
    interpolated : bool, optional
        Whether shared distances of points on a grid are computed at every other point of each axis, and linearly
        interpolated between them: an eighth of the work, and corners are rounded by about a point's distance.
    """

    def __init__(
        self,
        x: Tensor,
        y: Tensor,
        z: Tensor,
        grid: Grid | None = None,
        whole: "Space | None" = None,
        place: Slices = (),
        interpolated: bool = False,
    ) -> None:
        self.x, self.y, self.z = x, y, z
        self.grid, self.interpolated = grid, interpolated
        self._whole, self._place = whole, place
        self._shared: dict[int, tuple[object, Tensor]] = {}

    @property
    def points(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return x, y, z."""
        return self.x, self.y, self.z

    @cached_property
    def _reach(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the smallest and largest z of each slice, y of each row, x of each column."""
        if self._whole is not None:
            return [
                (low[part], high[part]) for (low, high), part in zip(self._whole._reach, self._place, strict=True)
            ]
        found = []
        for axis, values in enumerate((self.z, self.y, self.x)):
            others = [other for other in range(3) if other != axis]
            found.append((values.amin(others).cpu().numpy(), values.amax(others).cpu().numpy()))
        return found

    def within(self, box: Box, margin: float) -> tuple[Slices, "Space"] | None:
        """Return the part of the points that holds a box, and where it is; none if the box is elsewhere."""
        if self.x.ndim != 3:
            return (...,), self  # type: ignore[return-value]
        place = []
        for (low, high), first, last in zip(self._reach, box.low[::-1], box.high[::-1], strict=True):
            inside = np.flatnonzero((high >= first - margin) & (low <= last + margin))
            if not len(inside):
                return None
            place.append(slice(int(inside[0]), int(inside[-1]) + 1))
        found = tuple(place)
        return found, self._part(found)

    def _part(self, place: Slices) -> "Space":
        grid = self.grid.cut(place) if self.grid else None
        x, y, z = (axis[place] for axis in self.points)
        return Space(x, y, z, grid, self, place)

    def shared(self, shape: "Shared") -> Tensor:
        """Return the distances of a shape that is computed once, for all points that it can reach."""
        if self._whole is not None:
            return self._whole.shared(shape)[self._place]
        if id(shape) not in self._shared:
            distances = torch.full_like(self.x, FAR)
            if found := self.within(shape.box, shape.margin):
                place, part = found
                whole = shape.shape
                distances[place] = _at_every_other(whole, part) if self.interpolated else whole.distance(part)
            self._shared[id(shape)] = shape, distances
        return self._shared[id(shape)][1]


def _at_every_other(shape: Shape, space: Space) -> Tensor:
    """Return distances that are computed at every other point of each axis; between these, the mean of both."""
    found = shape.distance(space._part((slice(None, None, 2),) * 3))
    for axis, count in enumerate(space.x.shape):
        found = _filled_in(found.movedim(axis, 0), count).movedim(0, axis)
    return found


def _filled_in(known: Tensor, count: int) -> Tensor:
    """Return ``count`` values along the first axis, of which every other is known, the first one to begin with.

    A last one that is not known follows the line of those before it.

    Examples
    --------
    >>> _filled_in(torch.tensor([0.0, 4.0, 6.0]), 6)
    tensor([0., 2., 4., 5., 6., 7.])
    """
    found = known.repeat_interleave(2, 0)[:count]
    between = found[1 : 2 * len(known) - 2 : 2]
    torch.lerp(known[:-1], known[1:], 0.5, out=between)
    if not count % 2 and len(known) > 1:
        found[-1] = 1.5 * known[-1] - 0.5 * known[-2]
    return found


@dataclass(frozen=True, eq=False)
class Shared:
    """A shape that others refer to: computed once for all points, up to ``margin`` mm around its box."""

    shape: Shape
    margin: float = 12.0

    @property
    def box(self) -> Box:
        """Return the box of the shape."""
        return self.shape.box

    def distance(self, space: Space) -> Tensor:
        """Return the distance to the surface in mm; far away at points that are not near."""
        return space.shared(self)


def vector(values: np.ndarray) -> Vector:
    """Return three numbers as a plain tuple."""
    x, y, z = (float(value) for value in values)
    return x, y, z
