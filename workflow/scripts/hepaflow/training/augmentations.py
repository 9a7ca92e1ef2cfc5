"""Augmentations: random changes to a training slice or patch and its mask.

What is random is drawn from seed, epoch and number of the piece alone. So a piece is the same whichever process or
device loads it, and whether or not the training was interrupted before.

What moves pixels moves them within their slices, those of a patch all alike: it turns about the body's axis.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from hepaflow.settings import augmentation as kinds

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]
Pair = tuple[Image, Mask]

_DRAWN_FOR = 0xA06
"""Keeps these draws apart from others of the same seed and epoch."""


def augmented(
    image: Image,
    mask: Mask,
    changes: Sequence[kinds.Augmentation],
    *,
    regions: int = 0,
    seed: int,
    epoch: int,
    number: int,
) -> Pair:
    """Return a slice or patch and its mask after random changes.

    Parameters
    ----------
    image : ndarray of float32, shape (c, h, w) or (c, z, h, w)
        Pixels in [0, 1]. Channels are moved alike, and their intensities change alike.
    mask : ndarray of bool, shape (h, w) or (z, h, w)
    changes : sequence of settings
        One after another. Each draws for itself: one that is added at the end leaves what the others draw.
    regions : int, optional
        Last channels that are masks: they are moved like the image, and keep their values.
    seed, epoch : int
    number : int
        Of the slice or patch, among all of the training.

    Returns
    -------
    image, mask : ndarray
        As before; new arrays, views of the old ones, or these.
    """
    for place, chosen in enumerate(changes):
        draw = np.random.default_rng([seed, epoch, number, place, _DRAWN_FOR])
        if draw.random() < chosen.probability:
            change = AUGMENTATIONS[chosen.kind]
            if chosen.kind in MOVING or not regions:
                image, mask = change(image, mask, draw, chosen)
            else:
                found, mask = change(image[:-regions], mask, draw, chosen)
                image = np.concatenate([found, image[-regions:]])
    return image, mask


def _flip(image: Image, mask: Mask, draw: Generator, chosen: kinds.Flip) -> Pair:
    """Mirror image and mask."""
    axis = _AXES[chosen.direction]
    return np.flip(image, axis), np.flip(mask, axis)


_AXES = {"horizontal": -1, "vertical": -2, "axial": -3}


def _rotate(image: Image, mask: Mask, draw: Generator, chosen: kinds.Rotate) -> Pair:
    """Turn slice and mask about their centre, counterclockwise for angles above zero."""
    angle = math.radians(draw.uniform(*chosen.degrees))
    sine, cosine = math.sin(angle), math.cos(angle)
    return _warped(image, mask, [[cosine, sine], [-sine, cosine]])


def _scale(image: Image, mask: Mask, draw: Generator, chosen: kinds.Scale) -> Pair:
    """Enlarge or shrink slice and mask about their centre."""
    factor = draw.uniform(*chosen.factors)
    return _warped(image, mask, [[1 / factor, 0], [0, 1 / factor]])


def _spatial(image: Image, mask: Mask, draw: Generator, chosen: kinds.Spatial) -> Pair:
    """Move slice and mask in several ways, interpolated once.

    The same numbers are drawn whichever of them are chosen: one more leaves what the others draw.
    """
    from hepaflow.training.warp import affine, warped  # here: trainings without it follow no change of it

    shape = (image.shape[-2], image.shape[-1])
    one, none = (1.0, 1.0), (0.0, 0.0)
    ways = ((chosen.crop, one), (chosen.degrees, none), (chosen.factors, one), (chosen.shift, none))
    *met, is_bent = draw.random(len(ways) + 1) < chosen.part_probability
    crop, degrees, factors, shift = (
        ends if ends and hit else otherwise for (ends, otherwise), hit in zip(ways, met, strict=True)
    )
    matrix = affine(
        shape,
        crop=draw.uniform(*crop),
        place=(draw.random(), draw.random()),
        degrees=draw.uniform(*degrees),
        factor=draw.uniform(*factors),
        shift=(draw.uniform(*shift), draw.uniform(*shift)),
    )
    field = _field(shape, draw, chosen.elastic) if chosen.elastic and is_bent else None
    return warped(image, mask, matrix, field)


def _field(shape: tuple[int, int], draw: Generator, chosen: kinds.Elastic) -> NDArray[np.float32]:
    """Draw displacements along x and y, shape (2, h, w)."""
    from hepaflow.training.warp import bending, control_points  # as above

    largest, points = draw.uniform(*chosen.displacement), control_points(chosen.spacing)
    return bending(shape, draw.uniform(-largest, largest, (2, points, points)), chosen.spacing)


def _brightness(image: Image, mask: Mask, draw: Generator, chosen: kinds.Brightness) -> Pair:
    """Multiply the slice by one factor; what exceeds the window's upper end is at it."""
    return np.clip(image * np.float32(draw.uniform(*chosen.factors)), 0, 1), mask


def _contrast(image: Image, mask: Mask, draw: Generator, chosen: kinds.Contrast) -> Pair:
    """Multiply the distances of pixels from their mean by one factor (Isensee et al. 2021)."""
    mean, factor = image.mean(), np.float32(draw.uniform(*chosen.factors))
    ends = (image.min(), image.max()) if chosen.keep_range else (0, 1)
    return np.clip((image - mean) * factor + mean, *ends), mask


def _gamma(image: Image, mask: Mask, draw: Generator, chosen: kinds.Gamma) -> Pair:
    """Raise pixels, or their distances from 1, to a power (Isensee et al. 2021)."""
    exponent = np.float32(draw.uniform(*chosen.exponents))
    found: Image = 1 - (1 - image) ** exponent if chosen.inverted else image**exponent
    if chosen.keep_statistics and (deviation := found.std()) > 0:
        found -= found.mean()
        found *= image.std() / deviation
        found += image.mean()
    return np.clip(found, 0, 1, out=found), mask


def _noise(image: Image, mask: Mask, draw: Generator, chosen: kinds.Noise) -> Pair:
    """Add normal noise to the slice, to each pixel its own; what leaves the window is at its ends."""
    deviation = np.float32(draw.uniform(*chosen.standard_deviation))
    return np.clip(image + deviation * draw.standard_normal(image.shape, np.float32), 0, 1), mask


def _blur(image: Image, mask: Mask, draw: Generator, chosen: kinds.Blur) -> Pair:
    """Smooth the slice, as if its edge went on for ever."""
    from scipy.ndimage import gaussian_filter

    sigma = draw.uniform(*chosen.sigma)
    smooth: Image = gaussian_filter(image, (0, *[sigma] * (image.ndim - 1)), mode="nearest")
    return np.clip(smooth, 0, 1), mask


def _low_resolution(image: Image, mask: Mask, draw: Generator, chosen: kinds.LowResolution) -> Pair:
    """Bring each slice to fewer pixels, each a mean of those around it, and back."""
    factor = draw.uniform(*chosen.factors)
    rows, columns = image.shape[-2:]
    fewer = [max(1, round(factor * side)) for side in (rows, columns)]
    whole = torch.from_numpy(np.ascontiguousarray(image)).view(1, -1, rows, columns)
    small = interpolate(whole, fewer, mode="bilinear", antialias=True)
    found = interpolate(small, [rows, columns], mode="bilinear").clamp_(0, 1)
    return found.view(image.shape).numpy(), mask


def _cut_out(image: Image, mask: Mask, draw: Generator, chosen: kinds.CutOut) -> Pair:
    """Set rectangles, or cuboids, which lie within the image, to its mean (DeVries and Taylor 2017)."""
    found = image.copy()
    for _ in range(chosen.count):
        where = []
        for side in image.shape[1:]:
            length = max(1, round(draw.uniform(*chosen.sides) * side))
            first = draw.integers(side - length, endpoint=True)
            where.append(slice(first, first + length))
        found[:, *where] = image.mean()
    return found, mask


def _warped(image: Image, mask: Mask, matrix: list[list[float]]) -> Pair:
    """Return slices and masks whose pixels come from where a matrix takes them; 0 beyond the edge.

    It takes them about the centre. A slice is interpolated linearly, the mask takes its nearest pixel.
    """
    from scipy.ndimage import affine_transform

    plane = mask.shape[-2:]
    centre = (np.array(plane) - 1) / 2
    offset = centre - np.array(matrix) @ centre

    def moved(slices: NDArray[Any], order: Literal[0, 1]) -> NDArray[Any]:
        each = [
            affine_transform(one, matrix, offset, order=order, mode="grid-constant")
            for one in slices.reshape(-1, *plane)
        ]
        return np.stack(each).reshape(slices.shape)

    return moved(image, 1), moved(mask, 0)


AUGMENTATIONS: dict[str, Callable[..., Pair]] = {
    "flip": _flip,
    "rotate": _rotate,
    "scale": _scale,
    "spatial": _spatial,
    "brightness": _brightness,
    "contrast": _contrast,
    "gamma": _gamma,
    "noise": _noise,
    "blur": _blur,
    "low_resolution": _low_resolution,
    "cut_out": _cut_out,
}
"""The augmentations by the names they have in the settings."""

MOVING = frozenset({"flip", "rotate", "scale", "spatial"})
"""Those that move pixels; the others change their values."""
