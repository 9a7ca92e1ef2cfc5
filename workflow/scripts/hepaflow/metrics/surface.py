"""Distances between the surfaces of a mask and of its reference, as the LiTS challenge measures them."""

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray
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
    if apart.any():
        points = np.argwhere(of)[apart] * np.asarray(spacing)
        distances[apart] = KDTree(np.argwhere(to) * np.asarray(spacing)).query(points)[0]
    return distances
