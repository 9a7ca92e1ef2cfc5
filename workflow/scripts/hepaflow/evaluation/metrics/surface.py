"""Distances between the surfaces of a mask and of its reference, as the LiTS challenge measures them."""

from collections.abc import Callable
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from hepaflow.volumes.box import bounding_box
from hepaflow.volumes.steps import Spacing, Steps, in_mm


@dataclass(frozen=True)
class SurfaceDistances:
    """Distances in mm from every surface voxel of one mask to the nearest of the other.

    Where either mask is empty there are none, and every measure is NaN: undefined, never zero.

    Attributes
    ----------
    forth : ndarray of float, shape (surface voxels of the mask,)
    back : ndarray of float, shape (surface voxels of the reference,)
    """

    forth: NDArray[np.float64]
    back: NDArray[np.float64]

    @classmethod
    def of(cls, prediction: NDArray[np.bool_], reference: NDArray[np.bool_], steps: Steps) -> "SurfaceDistances":
        """Measure the distances between the surfaces of two masks.

        Parameters
        ----------
        prediction, reference : ndarray of bool, shape (slices, rows, columns)
        steps : Steps
            Distances between slices, rows and columns in mm, or the steps of a sheared grid.
        """
        box = bounding_box(prediction | reference)
        if box is None or not (prediction.any() and reference.any()):
            return cls(np.empty(0), np.empty(0))
        one, other = (surface(box.crop(mask)) for mask in (prediction, reference))
        return cls(_distances(one, other, steps), _distances(other, one, steps))

    @property
    def _pooled(self) -> NDArray[np.float64]:
        return np.concatenate([self.forth, self.back])

    @property
    def average(self) -> float:
        """Average symmetric surface distance (ASSD): the mean over both directions pooled."""
        return float(self._pooled.mean()) if self.forth.size else nan

    @property
    def root_mean_square(self) -> float:
        """Root mean square symmetric surface distance (RMSD), both directions pooled."""
        return float(np.sqrt((self._pooled**2).mean())) if self.forth.size else nan

    @property
    def maximum(self) -> float:
        """Maximum symmetric surface distance (MSD): the Hausdorff distance."""
        return float(self._pooled.max()) if self.forth.size else nan

    @property
    def hausdorff_95(self) -> float:
        """Return the larger of the 95th percentiles of either direction (HD95)."""
        if not self.forth.size:
            return nan
        return float(max(np.percentile(self.forth, 95), np.percentile(self.back, 95)))


def surface(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the voxels of a mask that its erosion with the 18-neighbourhood removes.

    Parameters
    ----------
    mask : ndarray of bool, shape (slices, rows, columns)
        What lies outside of the array counts as background.

    Returns
    -------
    ndarray of bool, shape of `mask`
    """
    # The 18-neighbourhood is three squares of 3x3 voxels, one across each axis, and a square two lines.
    slices, rows = _eroded(mask, 0), _eroded(mask, 1)
    inner = _eroded(slices, 1) & _eroded(slices, 2) & _eroded(rows, 2)
    edge: NDArray[np.bool_] = mask & ~inner
    return edge


def _eroded(mask: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    """Erode a mask along one axis, by one voxel at either end of every run."""
    lines = np.moveaxis(mask, axis, 0)
    inner = np.zeros_like(mask)
    np.moveaxis(inner, axis, 0)[1:-1] = lines[:-2] & lines[1:-1] & lines[2:]
    return inner


def _distances(of: NDArray[np.bool_], to: NDArray[np.bool_], steps: Steps) -> NDArray[np.float64]:
    """Return how far each set voxel is from the nearest set voxel of another array, in mm."""
    distances = np.zeros(np.count_nonzero(of))
    places = np.flatnonzero(of & ~to)  # voxels that both surfaces share need no search
    if places.size == 0:
        return distances
    # A tree is the faster for surfaces close to each other. Far from large ones it looks at many of their voxels
    # for every point: minutes for a mask of everything, where the transform takes seconds.
    many = len(places) * np.count_nonzero(to) > _PAIRS_A_VOXEL * to.size
    # The transform knows perpendicular axes alone.
    nearest = nearest_by_transform(to, steps) if many and isinstance(steps, tuple) else nearest_by_tree(to, steps)
    apart = np.empty(len(places))
    for first in range(0, len(places), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        points = np.stack(np.unravel_index(places[some], of.shape), axis=1)
        apart[some] = np.sqrt((in_mm(points - nearest(points), steps) ** 2).sum(axis=1))
    distances[~to[of]] = apart
    return distances


_PAIRS_A_VOXEL = 2000
"""Pairs of points and targets for each voxel of the array beyond which the transform is used; by measurement."""

_AT_ONCE = 1 << 20
"""Points whose distances are measured at a time: noise over an exam has tens of millions of them."""

Nearest = Callable[[NDArray[np.int64]], NDArray[np.int64]]
"""Returns the set voxel nearest to each point, all as indices of voxels, shape (points, 3)."""


def nearest_by_tree(to: NDArray[np.bool_], steps: Steps) -> Nearest:
    """Prepare a search for the nearest set voxel in a tree of all of them."""
    targets = np.argwhere(to)
    # Unbalanced and with large leaves: on the voxels of surfaces it answers several times faster.
    tree = KDTree(in_mm(targets, steps), leafsize=32, balanced_tree=False, compact_nodes=False)
    return lambda points: targets[tree.query(in_mm(points, steps))[1]]


def nearest_by_transform(to: NDArray[np.bool_], spacing: Spacing) -> Nearest:
    """Prepare what `nearest_by_tree` does by finding the nearest set voxel of every voxel."""
    found = ndimage.distance_transform_edt(~to, spacing, return_distances=False, return_indices=True)
    return lambda points: np.stack([along[tuple(points.T)] for along in found], axis=1).astype(np.int64)
