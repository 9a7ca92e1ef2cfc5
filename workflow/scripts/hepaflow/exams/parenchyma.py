"""How a liver looks in an exam, beside its lesions: what tells the contrast phase and the noise."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hepaflow.volumes.box import bounding_box

_EDGE = 2
"""Pixels at the rim of the liver, and of its lesions, that are left out: they are partly something else."""
_LEAST = 200
"""Voxels from which a median, and pairs of them from which the noise, is told."""
_KEPT = 0.75
"""Share of the differences, the smallest, that the noise follows from: the others may be edges of vessels."""
_VESSELS = 98
"""Percentile of the liver's blurred values that stands for its brightest vessels, a few percent of its volume."""
_BLUR = 1.5
"""Standard deviation in pixels of what takes the noise away before vessels are looked for."""


@dataclass(frozen=True)
class Parenchyma:
    """A liver without its lesions.

    Attributes
    ----------
    hu : float
        Median.
    noise : float or None
        Standard deviation of the noise in HU, as it shows from a pixel to the next: less than all of it where
        neighbours have noise in common. None where too few pixels lie side by side.
    brightest : float
        What the brightest vessels within it have, in HU.
    """

    hu: float
    noise: float | None
    brightest: float


def parenchyma(hu: NDArray[Any], labels: NDArray[np.uint8]) -> Parenchyma | None:
    """Look at a liver beside its lesions and its rim.

    Parameters
    ----------
    hu : ndarray, shape (slices, rows, columns)
    labels : ndarray of uint8, same shape
        0 background, 1 liver, 2 lesion.

    Returns
    -------
    Parenchyma or None
        None where less than some hundred voxels are left.
    """
    box = bounding_box(labels > 0)
    if box is None:
        return None
    values = box.crop(hu).astype(np.float32)
    inner = ndimage.binary_erosion(box.crop(labels) == 1, np.ones((1, 3, 3), bool), _EDGE)
    if np.count_nonzero(inner) < _LEAST:
        return None
    return Parenchyma(float(np.median(values[inner])), _noise(values, inner), _brightest(values, inner))


def _noise(values: NDArray[np.float32], inner: NDArray[np.bool_]) -> float | None:
    """Return the spread of the differences between neighbours within slices, by the square root of two.

    Values are whole numbers, often of little noise: a median of differences would be a whole number, too. So it is
    the mean of all but the largest that is taken, by what it would be of normal values.
    """
    pairs = []
    for axis in (1, 2):
        both = inner & np.roll(inner, -1, axis)  # what rolls over is no liver: its rim was taken away
        pairs.append(np.abs(np.roll(values, -1, axis) - values)[both])
    apart = np.sort(np.concatenate(pairs))
    if len(apart) < _LEAST:
        return None
    small = apart[: int(_KEPT * len(apart))]
    return float(small.mean() / _MEAN_OF_SMALL / np.sqrt(2))


_LARGEST_KEPT = NormalDist().inv_cdf((1 + _KEPT) / 2)
_MEAN_OF_SMALL = np.sqrt(2 / np.pi) * (1 - np.exp(-(_LARGEST_KEPT**2) / 2)) / _KEPT
"""Mean of the smallest so many of the absolute values of standard normal numbers."""


def _brightest(values: NDArray[np.float32], inner: NDArray[np.bool_]) -> float:
    """Return what the brightest vessels have, without the noise: a mean over neighbours in the liver."""
    sigmas = (0, _BLUR, _BLUR)
    weights = ndimage.gaussian_filter(inner.astype(np.float32), sigmas)
    blurred = ndimage.gaussian_filter(np.where(inner, values, 0), sigmas)[inner] / weights[inner]
    return float(np.percentile(blurred, _VESSELS))
