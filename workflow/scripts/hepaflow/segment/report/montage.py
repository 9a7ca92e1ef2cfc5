"""Slices as pictures: the CT in its window, liver green and lesions orange over it."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor
from scipy import ndimage

from hepaflow.colours import COLOURS
from hepaflow.names import STRUCTURES
from hepaflow.volumes.box import Box, bounding_box
from hepaflow.volumes.labels import structure_mask

WINDOW = (-160, 240)
"""HU that are black and white: width 400, level 40, as abdomens are looked at."""

_FILL = 0.18
_QUALITY = 85
_THUMBNAIL = 256  # pixels; about twice as it is shown, for dense screens
_MARGIN = 20.0  # mm around a lesion in its picture; pixels where millimetres are not to be trusted


def spread_slices(labels: NDArray[np.uint8], count: int) -> list[int]:
    """Return slices spread evenly over the liver, from the feet; over the exam where there is none.

    Parameters
    ----------
    labels : ndarray of uint8, shape (slices, rows, columns)
    count : int
        At most so many.
    """
    found = np.flatnonzero(labels.any(axis=(1, 2)))
    if not found.size:
        found = np.arange(len(labels))
    if len(found) <= count:
        return [int(index) for index in found]
    return [int(index) for index in found[((np.arange(count) + 0.5) * len(found) / count).astype(int)]]


def telling_slice(labels: NDArray[np.uint8]) -> int:
    """Return the slice that shows most lesion, or most liver where there is none; else the middle one."""
    for structure in reversed(STRUCTURES):
        areas = np.count_nonzero(structure_mask(labels, structure), axis=(1, 2))
        if areas.any():
            return int(areas.argmax())
    return len(labels) // 2


def thumbnail(hu: NDArray[Any], labels: NDArray[np.uint8], spacing: tuple[float, float]) -> bytes:
    """Draw the slice of an exam that tells most, small, as WebP.

    Parameters
    ----------
    hu : ndarray, shape (slices, rows, columns)
    labels : ndarray of uint8, same shape
    spacing : tuple of float
        Distance between rows and between columns.
    """
    box = body_box(hu)
    cut = telling_slice(labels), slice(*box.rows), slice(*box.columns)
    return picture(hu[cut], labels[cut], spacing, _THUMBNAIL)


def body_box(hu: NDArray[Any], *, above: float = -500) -> Box:
    """Return the box of the largest thing that is denser than air, seen along the patient: not of the table."""
    dense: NDArray[np.bool_] = np.any(hu > above, axis=0)
    labels, count = ndimage.label(dense)
    whole = Box.whole((len(hu), *dense.shape))
    if not count:
        return whole
    body = labels == 1 + np.bincount(labels[dense])[1:].argmax()
    box = bounding_box(body[np.newaxis])
    return Box(whole.slices, box.rows, box.columns) if box else whole


def lesion_box(box: Box, shape: tuple[int, ...], spacing: tuple[float, float]) -> Box:
    """Return the square around a lesion that its picture shows; it may be cut at the slice's sides.

    Parameters
    ----------
    box : Box
        Of the lesion.
    shape : tuple of int
        Of the exam: slices, rows, columns.
    spacing : tuple of float
        Distance between rows and between columns.
    """
    sides = [(stop - start) * step for (start, stop), step in zip((box.rows, box.columns), spacing, strict=True)]
    half = max(sides) / 2 + _MARGIN
    ranges = []
    for (start, stop), step, length in zip((box.rows, box.columns), spacing, shape[1:], strict=True):
        middle = (start + stop) / 2
        ranges.append((max(round(middle - half / step), 0), min(round(middle + half / step), length)))
    return Box(box.slices, *ranges)


def picture(hu: NDArray[Any], labels: NDArray[np.uint8], spacing: tuple[float, float], width: int) -> bytes:
    """Draw a slice, or a part of one, as WebP; pixels in their true proportions.

    Parameters
    ----------
    hu : ndarray, shape (rows, columns)
    labels : ndarray of uint8, same shape
        0 background, 1 liver, 2 lesion.
    spacing : tuple of float
        Distance between rows and between columns.
    width : int
        Pixels.
    """
    rows, columns = hu.shape
    size = width, max(1, round(width * rows * spacing[0] / (columns * spacing[1])))
    low, high = WINDOW
    grey = np.clip((hu.astype(np.float32) - low) / (high - low), 0, 1)
    shown = np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BICUBIC))
    colours = np.repeat(np.clip(shown, 0, 1)[..., None], 3, axis=-1)
    masks = [_enlarged(structure_mask(labels, structure), size) for structure in STRUCTURES]
    holes = [*masks[1:], np.zeros_like(masks[-1])]  # where the next structure is painted instead
    for structure, mask, hole in zip(STRUCTURES, masks, holes, strict=True):
        paint = np.array(ImageColor.getrgb(COLOURS[structure])) / 255
        inside = ndimage.binary_erosion(mask, iterations=2)
        filled = inside & ~hole
        colours[filled] = (1 - _FILL) * colours[filled] + _FILL * paint
        colours[mask & ~inside] = paint
    file = io.BytesIO()
    Image.fromarray(np.rint(255 * colours).astype(np.uint8)).save(file, "WEBP", quality=_QUALITY, method=4)
    return file.getvalue()


def _enlarged(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return a mask in the pixels of a picture; its steps are smoothed."""
    image = Image.fromarray(mask.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image) >= 0.5
