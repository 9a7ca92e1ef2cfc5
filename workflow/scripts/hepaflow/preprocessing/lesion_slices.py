"""From an exam and its liver to the slices that the lesion networks see (thesis 4.3)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepaflow.preprocessing.contrast import equalise, fill_background
from hepaflow.preprocessing.slices import SliceStack, no_slices, stored
from hepaflow.preprocessing.voi import EmptyLiverError, volume_of_interest
from hepaflow.preprocessing.window import window
from hepaflow.settings.contrast import LesionSlicesSettings
from hepaflow.volumes.resize import resize_image, resize_mask, resize_masks

_AT_ONCE = 4
"""Slices that are equalised together: fewer calls, and all of it stays in the processor's caches."""


def lesion_slices(
    hu: NDArray[Any],
    liver: NDArray[np.bool_],
    lesion: NDArray[np.bool_] | None,
    settings: LesionSlicesSettings,
    *,
    threads: int = 1,
) -> SliceStack:
    """Crop an exam to its liver, downsample it and enhance its contrast (thesis 4.3).

    Parameters
    ----------
    hu : ndarray, shape (slices, rows, columns)
        CT values in HU.
    liver : ndarray of bool, same shape
        The reference of a training exam; the fused, post-processed mask of another.
    lesion : ndarray of bool, same shape, or None
        Reference lesions of a training exam.
    threads : int
        Slices of how many groups are worked on at once; what comes out does not depend on it.

    Returns
    -------
    SliceStack
        One slice for each slice of the volume of interest; none if the exam has no liver.
    """
    size = (settings.size, settings.size)
    slices, rows, columns = liver.shape
    shape = (slices, rows, columns)
    try:
        box = volume_of_interest(liver, settings.margin or 0)
    except EmptyLiverError:
        return no_slices(settings.size, shape, with_mask=lesion is not None)
    inside_box, hu_in_box = box.crop(liver), box.crop(hu)
    image = np.empty((len(inside_box), *size), np.uint16)

    def enhance(first: int) -> None:
        some = slice(first, first + _AT_ONCE)
        filled = [_filled(*one, settings) for one in zip(hu_in_box[some], inside_box[some], strict=True)]
        image[some] = stored(equalise(np.stack(filled), settings.contrast))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(enhance, range(0, len(image), _AT_ONCE)))  # an error of any is raised here
    mask = None if lesion is None else resize_masks(box.crop(lesion), size)
    return SliceStack(image, mask, box, shape)


def _filled(hu: NDArray[Any], liver: NDArray[np.bool_], settings: LesionSlicesSettings) -> NDArray[np.float32]:
    """Return one slice of the volume of interest as the networks see it, before its contrast is enhanced."""
    size = (settings.size, settings.size)
    image, inside = resize_image(window(hu, settings.window), size), resize_mask(liver, size)
    if settings.contrast.background == "zero":
        inside = inside & (image > 0)  # not in place: without resizing, it is the caller's mask
    return fill_background(image, inside)
