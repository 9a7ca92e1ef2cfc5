"""Distance functions in PyTorch, negative inside and positive outside, each computed only where it can reach.

Lengths are millimetres in a reference adult. x runs to the patient's left, y to the back, z to the head; the
origin is the midline, half-way between belly and back, at mid-height of the liver.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

Vector = tuple[float, float, float]
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
        return cls(_vector(np.min(points, axis=0) - margin), _vector(np.max(points, axis=0) + margin))

    def grown(self, margin: float) -> "Box":
        """Return the box with a margin on all sides."""
        return Box(_vector(np.array(self.low) - margin), _vector(np.array(self.high) + margin))

    def __or__(self, other: "Box") -> "Box":
        return Box(_vector(np.minimum(self.low, other.low)), _vector(np.maximum(self.high, other.high)))

    def __and__(self, other: "Box") -> "Box":
        return Box(_vector(np.maximum(self.low, other.low)), _vector(np.minimum(self.high, other.high)))


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
    """

    def __init__(
        self,
        x: Tensor,
        y: Tensor,
        z: Tensor,
        grid: Grid | None = None,
        whole: "Space | None" = None,
        place: Slices = (),
    ) -> None:
        self.x, self.y, self.z = x, y, z
        self.grid = grid
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
        grid = self.grid.cut(found) if self.grid else None
        return found, Space(self.x[found], self.y[found], self.z[found], grid, self, found)

    def shared(self, shape: "Shared") -> Tensor:
        """Return the distances of a shape that is computed once, for all points that it can reach."""
        if self._whole is not None:
            return self._whole.shared(shape)[self._place]
        if id(shape) not in self._shared:
            distances = torch.full_like(self.x, FAR)
            if found := self.within(shape.box, shape.margin):
                place, part = found
                distances[place] = shape.shape.distance(part)
            self._shared[id(shape)] = shape, distances
        return self._shared[id(shape)][1]


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


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid; ``lean`` shifts its sections in x and y for each mm upwards, ``turn`` is degrees by axis."""

    centre: Vector
    radii: Vector
    lean: tuple[float, float] = (0.0, 0.0)
    turn: Vector = (0.0, 0.0, 0.0)

    @cached_property
    def _axes(self) -> np.ndarray | None:
        return Rotation.from_euler("xyz", self.turn, degrees=True).as_matrix().T if any(self.turn) else None

    @cached_property
    def box(self) -> Box:
        """Return its box."""
        reach = np.array(self.radii, dtype=float)
        if self._axes is not None:
            reach = np.sqrt(((self._axes.T * reach) ** 2).sum(1))
        reach[:2] += np.abs(self.lean) * self.radii[2]
        return Box(_vector(np.array(self.centre) - reach), _vector(np.array(self.centre) + reach))

    def distance(self, space: Space) -> Tensor:
        """Return the distance to the surface in mm, to first order."""
        x, y, z = (points - centre for points, centre in zip(space.points, self.centre, strict=True))
        if any(self.lean):
            x, y = x - self.lean[0] * z, y - self.lean[1] * z
        if self._axes is not None:
            x, y, z = (float(a) * x + float(b) * y + float(c) * z for a, b, c in self._axes)
        units = [offset / radius for offset, radius in zip((x, y, z), self.radii, strict=True)]
        level = torch.sqrt(units[0] ** 2 + units[1] ** 2 + units[2] ** 2 + 1e-8)
        slopes = [(unit / radius) ** 2 for unit, radius in zip(units, self.radii, strict=True)]
        return level * (level - 1) / torch.sqrt(slopes[0] + slopes[1] + slopes[2] + 1e-12)


@dataclass(frozen=True)
class Tube:
    """A straight tube with round ends, whose radius changes evenly; ``flat`` squeezes it from front to back."""

    start: Vector
    end: Vector
    radii: tuple[float, float]
    flat: float = 1.0

    @cached_property
    def box(self) -> Box:
        """Return its box."""
        return Box.around([self.start, self.end], max(self.radii) * max(1.0, 1 / self.flat))

    def distance(self, space: Space) -> Tensor:
        """Return the distance to the surface in mm."""
        axis = np.subtract(self.end, self.start)
        axis[1] *= self.flat
        x, y, z = (points - start for points, start in zip(space.points, self.start, strict=True))
        y = y * self.flat if self.flat != 1 else y
        a, b, c = (float(part) for part in axis)
        along = ((x * a + y * b + z * c) / max(float(axis @ axis), 1e-6)).clamp(0, 1)
        radial = (x - along * a) ** 2 + (y - along * b) ** 2 + (z - along * c) ** 2
        return torch.sqrt(radial + 1e-8) - (self.radii[0] + (self.radii[1] - self.radii[0]) * along)


@dataclass(frozen=True)
class Waves:
    """A smooth random field: plane sine waves, whose sum has the standard deviation ``amplitude`` in mm."""

    vectors: tuple[Vector, ...]
    phases: tuple[float, ...]
    amplitude: float

    def field(self, space: Space) -> Tensor:
        """Return the field in the shape of the points; on a grid that of the points before they are warped."""
        if space.grid is not None:
            return self.on(space.grid)
        total = torch.zeros_like(space.x)
        for (kx, ky, kz), phase in zip(self.vectors, self.phases, strict=True):
            total += torch.sin(kx * space.x + ky * space.y + kz * space.z + phase)
        return total * float(self.amplitude * np.sqrt(2 / len(self.vectors)))

    def on(self, grid: Grid) -> Tensor:
        """Return the field on a grid: a sum of products of its axes, which is quick."""
        vectors = np.array(self.vectors)
        strength = float(self.amplitude * np.sqrt(2 / len(vectors)))
        phases = torch.tensor(np.array(self.phases) + vectors @ grid.middle, dtype=torch.float32)
        turned = torch.tensor(vectors @ grid.turn, dtype=torch.float32)
        device = grid.z.device
        one = torch.ones((), device=device)
        z, y, x = (
            torch.polar(one, torch.outer(axis, turned[:, number].to(device)))
            for axis, number in ((grid.z, 2), (grid.y, 1), (grid.x, 0))
        )
        z = z * torch.polar(one, phases.to(device))
        planes = (z[:, None] * y[None]).reshape(-1, len(phases))
        # Of the product's imaginary part alone: two products of real matrices.
        total = planes.real @ x.imag.T + planes.imag @ x.real.T
        return total.reshape(len(z), len(y), len(x)) * strength


@dataclass(frozen=True, eq=False)
class Made:
    """A shape that a function makes of points, within a box."""

    box: Box
    function: Callable[[Space], Tensor]

    def distance(self, space: Space) -> Tensor:
        """Return what the function gives."""
        return self.function(space)


@dataclass(frozen=True, eq=False)
class Union:
    """What is inside one of two shapes, with a fillet of about ``blend`` mm."""

    first: Shape
    second: Shape
    blend: float = 0.0

    @cached_property
    def box(self) -> Box:
        """Return the box of both."""
        return (self.first.box | self.second.box).grown(self.blend / 4)

    def distance(self, space: Space) -> Tensor:
        """Return the distance to the surface in mm."""
        return smooth_minimum(self.first.distance(space), self.second.distance(space), self.blend)


@dataclass(frozen=True, eq=False)
class AnyOf:
    """What is inside any of several shapes."""

    shapes: tuple[Shape, ...]

    @cached_property
    def box(self) -> Box:
        """Return the box of all."""
        box = self.shapes[0].box
        for shape in self.shapes[1:]:
            box |= shape.box
        return box

    def distance(self, space: Space) -> Tensor:
        """Return the distance to the nearest surface in mm."""
        found = torch.full_like(space.x, FAR)
        for shape in self.shapes:
            if part := space.within(shape.box, 8.0):
                place, inside = part
                found[place] = torch.minimum(found[place], shape.distance(inside))
        return found


@dataclass(frozen=True, eq=False)
class Within:
    """What of a shape lies inside another, ``gap`` mm from its surface, with an edge rounded by ``blend`` mm."""

    shape: Shape
    other: Shape
    gap: float = 0.0
    blend: float = 0.0

    @property
    def box(self) -> Box:
        """Return the box of what both share."""
        return self.shape.box & self.other.box

    def distance(self, space: Space) -> Tensor:
        """Return the distance to the surface in mm."""
        return -smooth_minimum(-self.shape.distance(space), -(self.other.distance(space) + self.gap), self.blend)


@dataclass(frozen=True, eq=False)
class Without:
    """What of a shape lies outside of another, ``gap`` mm from its surface; ``blend`` mm round the edge."""

    shape: Shape
    other: Shape
    gap: float = 0.0
    blend: float = 0.0

    @property
    def box(self) -> Box:
        """Return the box of the shape."""
        return self.shape.box

    def distance(self, space: Space) -> Tensor:
        """Return the distance to the surface in mm."""
        return -smooth_minimum(-self.shape.distance(space), self.other.distance(space) - self.gap, self.blend)


@dataclass(frozen=True, eq=False)
class Grown:
    """A shape whose surface is moved outwards by ``by`` mm and by a field, if there is one."""

    shape: Shape
    by: float = 0.0
    waves: Waves | None = None

    @cached_property
    def box(self) -> Box:
        """Return its box."""
        return self.shape.box.grown(max(self.by, 0) + (3 * self.waves.amplitude if self.waves else 0))

    def distance(self, space: Space) -> Tensor:
        """Return the distance to the surface in mm."""
        distance = self.shape.distance(space) - self.by
        return distance if self.waves is None else distance + self.waves.field(space)


def smooth_minimum(first: Tensor, second: Tensor, blend: float) -> Tensor:
    """Unite two distances, with a fillet of about ``blend`` mm."""
    if not blend:
        return torch.minimum(first, second)
    share = (0.5 + (second - first) * (0.5 / blend)).clamp_(0, 1)
    return second + (first - second) * share - blend * share * (1 - share)


def _vector(values: np.ndarray) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
