"""From an exam to the slices that the networks see (thesis 4.2, 4.3)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepaflow.box import Box
from hepaflow.contrast import equalise, fill_background
from hepaflow.resize import resize_image, resize_mask
from hepaflow.settings.slices import LesionSlicesSettings, LiverSlicesSettings
from hepaflow.slices import FULL, SliceStack
from hepaflow.voi import EmptyLiverError, volume_of_interest
from hepaflow.window import window


def _stored(image: NDArray[np.float32]) -> NDArray[np.uint16]:
    return np.rint(np.clip(image, 0, 1) * FULL).astype(np.uint16)


def liver_slices(hu: NDArray[Any], labels: NDArray[np.uint8] | None, settings: LiverSlicesSettings) -> SliceStack:
    """Window and downsample every slice of an exam (thesis 4.2).

    Parameters
    ----------
    hu : ndarray, shape (slices, rows, columns)
        CT values in HU.
    labels : ndarray of uint8, same shape, or None
        Reference labels of a training exam; its liver (with lesions) becomes the mask.

    Returns
    -------
    SliceStack
        As many slices as the exam has.
    """
    size = (settings.size, settings.size)
    image = np.empty((len(hu), *size), np.uint16)
    mask = None if labels is None else np.empty((len(hu), *size), bool)
    for index, one in enumerate(hu):
        image[index] = _stored(resize_image(window(one, settings.window), size))
        if labels is not None and mask is not None:
            mask[index] = resize_mask(labels[index] >= 1, size)
    slices, rows, columns = hu.shape
    shape = (slices, rows, columns)
    return SliceStack(image, mask, Box.whole(shape), shape)


def lesion_slices(
    hu: NDArray[Any],
    liver: NDArray[np.bool_],
    lesion: NDArray[np.bool_] | None,
    settings: LesionSlicesSettings,
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

    Returns
    -------
    SliceStack
        One slice for each slice of the volume of interest; none if the exam has no liver.
    """
    size = (settings.size, settings.size)
    slices, rows, columns = liver.shape
    shape = (slices, rows, columns)
    try:
        box = volume_of_interest(liver)
    except EmptyLiverError:
        empty = np.empty((0, *size))
        none = None if lesion is None else empty.astype(bool)
        return SliceStack(empty.astype(np.uint16), none, None, shape)
    inside_box = box.crop(liver)
    image = np.empty((len(inside_box), *size), np.uint16)
    for index, one in enumerate(box.crop(hu)):
        resized = resize_image(window(one, settings.window), size)
        inside = resize_mask(inside_box[index], size)
        if settings.contrast.background == "zero":
            inside &= resized > 0
        image[index] = _stored(equalise(fill_background(resized, inside), settings.contrast))
    mask = None
    if lesion is not None:
        mask = np.stack([resize_mask(one, size) for one in box.crop(lesion)])
    return SliceStack(image, mask, box, shape)
