"""Augmentations: random changes to a training slice and its mask.

What is random is drawn from seed, epoch and number of the slice alone. So a slice is the same whichever process or
device loads it, and whether or not the training was interrupted before.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from hepaflow.settings import augmentation as kinds

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]
Pair = tuple[Image, Mask]

_DRAWN_FOR = 0xA06
"""Keeps these draws apart from others of the same seed and epoch."""


def augmented(
    image: Image, mask: Mask, changes: Sequence[kinds.Augmentation], *, seed: int, epoch: int, number: int
) -> Pair:
    """Return a slice and its mask after random changes.

    Parameters
    ----------
    image : ndarray of float32, shape (h, w)
        Pixels in [0, 1].
    mask : ndarray of bool, shape (h, w)
    changes : sequence of settings
        One after another. Each draws for itself: one that is added at the end leaves what the others draw.
    seed, epoch : int
    number : int
        Of the slice, among all of the training.

    Returns
    -------
    image, mask : ndarray
        As before; new arrays, views of the old ones, or these.
    """
    for place, chosen in enumerate(changes):
        draw = np.random.default_rng([seed, epoch, number, place, _DRAWN_FOR])
        if draw.random() < chosen.probability:
            image, mask = AUGMENTATIONS[chosen.kind](image, mask, draw, chosen)
    return image, mask


def _flip(image: Image, mask: Mask, draw: Generator, chosen: kinds.Flip) -> Pair:
    """Mirror slice and mask."""
    if chosen.direction == "horizontal":
        return image[:, ::-1], mask[:, ::-1]
    return image[::-1], mask[::-1]


def _rotate(image: Image, mask: Mask, draw: Generator, chosen: kinds.Rotate) -> Pair:
    """Turn slice and mask about their centre, counterclockwise for angles above zero."""
    angle = math.radians(draw.uniform(*chosen.degrees))
    sine, cosine = math.sin(angle), math.cos(angle)
    return _warped(image, mask, [[cosine, sine], [-sine, cosine]])


def _scale(image: Image, mask: Mask, draw: Generator, chosen: kinds.Scale) -> Pair:
    """Enlarge or shrink slice and mask about their centre."""
    factor = draw.uniform(*chosen.factors)
    return _warped(image, mask, [[1 / factor, 0], [0, 1 / factor]])


def _brightness(image: Image, mask: Mask, draw: Generator, chosen: kinds.Brightness) -> Pair:
    """Multiply the slice by one factor; what exceeds the window's upper end is at it."""
    return np.clip(image * np.float32(draw.uniform(*chosen.factors)), 0, 1), mask


def _noise(image: Image, mask: Mask, draw: Generator, chosen: kinds.Noise) -> Pair:
    """Add normal noise to the slice; what leaves the window is at its ends."""
    deviation = np.float32(draw.uniform(*chosen.standard_deviation))
    return np.clip(image + deviation * draw.standard_normal(image.shape, np.float32), 0, 1), mask


def _warped(image: Image, mask: Mask, matrix: list[list[float]]) -> Pair:
    """Return slice and mask whose pixels come from where a matrix takes them, about the centre; 0 beyond the edge.

    The slice is interpolated linearly, the mask takes its nearest pixel.
    """
    from scipy.ndimage import affine_transform

    centre = (np.array(image.shape) - 1) / 2
    offset = centre - np.array(matrix) @ centre
    warped: Image = affine_transform(image, matrix, offset, order=1, mode="grid-constant")
    nearest: Mask = affine_transform(mask, matrix, offset, order=0, mode="grid-constant")
    return warped, nearest


AUGMENTATIONS: dict[str, Callable[..., Pair]] = {
    "flip": _flip,
    "rotate": _rotate,
    "scale": _scale,
    "brightness": _brightness,
    "noise": _noise,
}
"""The augmentations by the names they have in the settings."""
