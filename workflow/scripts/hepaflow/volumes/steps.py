"""How far it is from a voxel to the next, in mm: what lengths and volumes are measured with."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Spacing = tuple[float, float, float]
"""Distances between slices, rows and columns in mm."""

Steps = Spacing | NDArray[np.float64]
"""Spacing, where the axes of a grid are perpendicular. Of a sheared grid an array of shape (3, 3): its rows are
the steps to the next slice, row and column in mm, along perpendicular axes; the last two lie in the slice."""

_PERPENDICULAR = 1e-4  # cosine; single precision and rounded direction cosines stay below


def steps_of(vectors: NDArray[np.float64]) -> Steps:
    """Return the steps of a grid.

    Parameters
    ----------
    vectors : ndarray, shape (3, 3)
        Rows: where the next slice, row and column lie, in mm along any perpendicular axes.
    """
    if shear(vectors) <= _PERPENDICULAR:
        slices, rows, columns = np.sqrt((vectors**2).sum(axis=1)).tolist()
        return slices, rows, columns
    # Turned, so that columns lie along the last axis, and rows in the plane of the last two.
    turned = np.linalg.cholesky(vectors[::-1] @ vectors[::-1].T)
    return np.ascontiguousarray(turned[::-1, ::-1])


def shear(vectors: NDArray[np.float64]) -> float:
    """Return how far axes are from perpendicular: the largest cosine between two of them, 0 to 1."""
    units = vectors / np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    return float(np.abs(np.triu(units @ units.T, 1)).max())


def in_mm(points: NDArray[Any], steps: Steps) -> NDArray[np.float64]:
    """Return where voxels lie, in mm.

    Parameters
    ----------
    points : ndarray, shape (points, 3)
        Indices of slices, rows and columns; or of rows and columns, shape (points, 2), with `in_plane` steps.
    steps : Steps
    """
    scale = np.asarray(steps)
    placed: NDArray[np.float64] = points * scale if scale.ndim == 1 else points @ scale
    return placed


def in_plane(steps: Steps) -> NDArray[np.float64]:
    """Return the steps to the next row and column within a slice: shape (2,), or (2, 2) where it is sheared."""
    whole = np.asarray(steps)
    return whole[1:] if whole.ndim == 1 else whole[1:, 1:]


def voxel_volume(steps: Steps) -> float:
    """Return the volume of a voxel in mm³: the determinant of its steps."""
    whole = np.asarray(steps)
    return float(np.prod(whole) if whole.ndim == 1 else abs(np.linalg.det(whole)))
