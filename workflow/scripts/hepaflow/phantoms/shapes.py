"""Shapes as distance functions, negative inside and positive outside, and how they blend and are painted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

FloatArray = NDArray[np.float32]
Points = tuple[FloatArray, FloatArray, FloatArray]
Vector = tuple[float, float, float]

EDGE = 0.9  # width of a normal tissue edge: the scale of its logistic profile


@dataclass(frozen=True)
class Ellipsoid:
    """Ellipsoid along the body's axes; ``lean`` shifts its sections in x and y for each mm upwards."""

    centre: Vector
    radii: Vector
    lean: tuple[float, float] = (0.0, 0.0)

    def distance(self, points: Points) -> FloatArray:
        """Return the distance to the surface in mm, to first order, in the shape of the points."""
        x, y, z = (axis - centre for axis, centre in zip(points, self.centre, strict=True))
        offsets = (x - self.lean[0] * z, y - self.lean[1] * z, z)
        unit = [offset / radius for offset, radius in zip(offsets, self.radii, strict=True)]
        level = np.sqrt(sum(u * u for u in unit) + np.float32(1e-8))
        slope = np.sqrt(sum((u / radius) ** 2 for u, radius in zip(unit, self.radii, strict=True)))
        return np.asarray(level * (level - 1) / np.maximum(slope, 1e-6), dtype=np.float32)


@dataclass(frozen=True)
class Tube:
    """Straight tube with round ends, whose radius changes evenly from start to end."""

    start: Vector
    end: Vector
    radii: tuple[float, float]

    def distance(self, points: Points) -> FloatArray:
        """Return the distance to the surface in mm, in the shape of the points."""
        axis = np.subtract(self.end, self.start)
        offsets = [axis_points - start for axis_points, start in zip(points, self.start, strict=True)]
        along = sum(offset * float(a) for offset, a in zip(offsets, axis, strict=True))
        along = np.clip(along / float(axis @ axis), 0, 1)
        radial = sum((offset - along * float(a)) ** 2 for offset, a in zip(offsets, axis, strict=True))
        radius = self.radii[0] + (self.radii[1] - self.radii[0]) * along
        return np.asarray(np.sqrt(radial) - radius, dtype=np.float32)


@dataclass(frozen=True)
class Waves:
    """Smooth random field: plane sine waves, whose sum has the standard deviation ``amplitude`` in mm."""

    vectors: tuple[Vector, ...]
    phases: tuple[float, ...]
    amplitude: float

    def field(self, points: Points) -> FloatArray:
        """Return the field in the shape of the points."""
        total = np.zeros_like(points[0])
        for (kx, ky, kz), phase in zip(self.vectors, self.phases, strict=True):
            total += np.sin(kx * points[0] + ky * points[1] + kz * points[2] + phase)
        return total * np.float32(self.amplitude * (2 / len(self.vectors)) ** 0.5)


def union(first: FloatArray, second: FloatArray, blend: float) -> FloatArray:
    """Unite two distance functions, with a fillet of about ``blend`` mm."""
    share = np.clip(0.5 + 0.5 * (second - first) / blend, 0, 1)
    return np.asarray(second + (first - second) * share - blend * share * (1 - share), dtype=np.float32)


def intersection(first: FloatArray, second: FloatArray, blend: float) -> FloatArray:
    """Intersect two distance functions, with an edge rounded by about ``blend`` mm."""
    return -union(-first, -second, blend)


def paint(
    image: FloatArray, distance: NDArray[np.floating], hu: float | NDArray[np.floating], edge: float = EDGE
) -> None:
    """Blend a tissue into the image in place; half of it shows where the distance is zero."""
    image += expit(distance / np.float32(-edge)) * (hu - image)
