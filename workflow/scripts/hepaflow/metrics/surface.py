"""Distances between the surfaces of a mask and of its reference, as the LiTS challenge measures them."""

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from hepaflow.box import bounding_box
from hepaflow.volume import Spacing


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
    def of(
        cls, prediction: NDArray[np.bool_], reference: NDArray[np.bool_], spacing: Spacing
    ) -> "SurfaceDistances":
        """Measure the distances between the surfaces of two masks.

        Parameters
        ----------
        prediction, reference : ndarray of bool, shape (slices, rows, columns)
        spacing : tuple of float
            Distances between slices, rows and columns in mm.
        """
        box = bounding_box(prediction | reference)
        if box is None or not (prediction.any() and reference.any()):
            return cls(np.empty(0), np.empty(0))
        one, other = (surface(box.crop(mask)) for mask in (prediction, reference))
        return cls(_distances(one, other, spacing), _distances(other, one, spacing))

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


def _distances(of: NDArray[np.bool_], to: NDArray[np.bool_], spacing: Spacing) -> NDArray[np.float64]:
    """Return how far each set voxel is from the nearest set voxel of another array, in mm."""
    distances = np.zeros(int(of.sum()))
    apart = ~to[of]  # voxels that both surfaces share need no search
    points, targets = np.argwhere(of)[apart], np.argwhere(to)
    if len(points):
        # A tree is the faster for surfaces close to each other. Far from large ones it looks at many of their
        # voxels for every point: minutes for a mask of everything, where the transform takes seconds.
        many = len(points) * len(targets) > _PAIRS_A_VOXEL * to.size
        nearest = nearest_by_transform(points, to, spacing) if many else nearest_by_tree(points, targets, spacing)
        distances[apart] = np.sqrt((((points - nearest) * np.asarray(spacing)) ** 2).sum(axis=1))
    return distances


_PAIRS_A_VOXEL = 2000
"""Pairs of points and targets for each voxel of the array beyond which the transform is used; by measurement."""


def nearest_by_tree(points: NDArray[np.int64], targets: NDArray[np.int64], spacing: Spacing) -> NDArray[np.int64]:
    """Return the target nearest to each point, all as indices of voxels, shape (points, 3)."""
    # Unbalanced and with large leaves: on the voxels of surfaces it answers several times faster.
    tree = KDTree(targets * np.asarray(spacing), leafsize=32, balanced_tree=False, compact_nodes=False)
    nearest: NDArray[np.int64] = targets[tree.query(points * np.asarray(spacing))[1]]
    return nearest


def nearest_by_transform(points: NDArray[np.int64], to: NDArray[np.bool_], spacing: Spacing) -> NDArray[np.int64]:
    """Return the set voxel of `to` nearest to each point, as `nearest_by_tree` does."""
    found = ndimage.distance_transform_edt(~to, spacing, return_distances=False, return_indices=True)
    return np.stack([along[tuple(points.T)] for along in found], axis=1).astype(np.int64)
