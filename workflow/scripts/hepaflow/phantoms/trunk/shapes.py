"""Distance functions in PyTorch, negative inside and positive outside, each computed only where it can reach."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from hepaflow.phantoms.shapes import Vector
from hepaflow.phantoms.trunk.space import EVERYWHERE, FAR, Box, Grid, Shape, Space, vector


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
        return Box(vector(np.array(self.centre) - reach), vector(np.array(self.centre) + reach))

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
    """What is inside any of several shapes; distances are right up to ``reach`` mm from the box of each."""

    shapes: tuple[Shape, ...]
    reach: float = 8.0

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
            if part := space.within(shape.box, self.reach):
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
class Outside:
    """All that is not inside a shape."""

    shape: Shape

    @property
    def box(self) -> Box:
        """Return that it has no end."""
        return EVERYWHERE

    def distance(self, space: Space) -> Tensor:
        """Return the distance to the surface in mm."""
        return -self.shape.distance(space)


def without(shape: Shape, other: Shape, gap: float = 0.0, blend: float = 0.0) -> Within:
    """Return what of a shape lies outside of another, ``gap`` mm from its surface; ``blend`` mm round the edge."""
    return Within(shape, Outside(other), gap, blend)


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
