"""Resampling between grids whose axes are parallel (`hepaflow.volumes.axes`), axis by axis."""

import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.ndimage import gaussian_filter1d

from hepaflow.volumes.axes import Axes, Axis, voxels_of

_EVEN = 1e-4
"""How far the threshold of a mask is from one half: more than rounding, less than most shares that are no half."""


def weights(own: Axis, onto: Axis, *, smooth: bool) -> sparse.csr_array:
    """Return the weights of one grid's voxels in those of another; each row adds up to 1.

    Values are interpolated linearly between centres of voxels; beyond the outermost centres they stay as there. So
    a linear ramp stays one in between.

    Parameters
    ----------
    own, onto : Axis
    smooth : bool
        Whether values are smoothed before, if the other grid is coarser: else finer structure would show up as
        structure that is not there. A Gaussian widens the point spread of voxels of the one side to that of the
        other, where a spread's full width at half maximum is the side (Cardoso et al. 2015, scale factor point
        spread function matching).

    Returns
    -------
    sparse array of float32, shape (onto.voxels, own.voxels)
    """
    centres = onto.place[0] + (np.arange(onto.voxels) + 0.5) * onto.step
    places = np.clip((centres - own.place[0]) / own.step - 0.5, 0, own.voxels - 1)
    below = np.minimum(places.astype(np.int64), max(own.voxels - 2, 0))
    share = places - below
    coarser = onto.step / own.step
    each = _smoothing(own.voxels, coarser) if smooth and coarser > 1 else np.eye(own.voxels)
    above = np.minimum(below + 1, own.voxels - 1)
    dense = each[below] * (1 - share)[:, None] + each[above] * share[:, None]
    return sparse.csr_array(dense.astype(np.float32))


def _smoothing(voxels: int, coarser: float) -> NDArray[np.float64]:
    """Return the weights of an axis' voxels in themselves, smoothed for a grid so many times coarser."""
    sigmas_of_width = 2 * math.sqrt(2 * math.log(2))
    sigma = math.sqrt(coarser**2 - 1) / sigmas_of_width
    smoothed: NDArray[np.float64] = gaussian_filter1d(np.eye(voxels), sigma, axis=0, mode="nearest")
    return smoothed


def resampled(
    slices: Iterable[NDArray[np.float32]], own: Axes, onto: Axes, *, smooth: bool
) -> Iterator[NDArray[np.float32]]:
    """Resample a volume, and yield the slices of the grid wanted one by one.

    Memory: the volume's slices with rows and columns of the grid wanted.

    Parameters
    ----------
    slices : iterable of ndarray of float32, shape (rows, columns)
        All slices of a volume, one after another; each is let go when the next is asked for.
    own : Axes
        Where they lie.
    onto : Axes
        The grid wanted.
    smooth : bool
        Whether what is too fine for a coarser grid is smoothed away before (`weights`).

    Yields
    ------
    ndarray of float32, shape (rows, columns) of `onto`
    """
    along, rows, columns = (weights(one, other, smooth=smooth) for one, other in zip(own, onto, strict=True))
    needed = np.unique(along.indices)
    first, last = int(needed[0]), int(needed[-1]) + 1
    planes = np.zeros((last - first, onto[1].voxels, onto[2].voxels), np.float32)
    for index, one in enumerate(slices):
        if first <= index < last and one.any():
            planes[index - first] = (columns @ np.ascontiguousarray((rows @ one).T)).T
    flat = planes.reshape(len(planes), -1)
    for number in range(onto[0].voxels):
        yield (along[[number], first:last] @ flat).reshape(planes.shape[1:])


def resampled_mask(mask: NDArray[np.bool_], own: Axes, onto: Axes) -> NDArray[np.bool_]:
    """Resample a mask: inside is where it is above one half, linearly interpolated between centres of its voxels.

    Of voxels that are exactly half inside, every second one is: halving the number of slices makes many of these,
    and all or none of them would change the mask's volume.
    """
    found = np.zeros(voxels_of(onto), bool)
    slices = resampled((one.astype(np.float32) for one in mask), own, onto, smooth=False)
    for number, one in enumerate(slices):
        found[number] = one > 0.5 + _EVEN * _chequered(number, one.shape)
    return found


def _chequered(number: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return 1 and -1 in turn along every axis, for one slice."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    found: NDArray[np.int64] = 1 - 2 * ((number + rows + columns) % 2)
    return found
