"""From an exam and its liver to the slices of the volume of interest as they are."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepaflow.preprocessing.slices import SliceStack, no_slices, stored
from hepaflow.preprocessing.voi import EmptyLiverError, volume_of_interest
from hepaflow.preprocessing.window import window
from hepaflow.settings.contrast import VoiSlicesSettings
from hepaflow.volumes.box import Box
from hepaflow.volumes.resize import resize_image, resize_masks


def voi_slices(
    hu: NDArray[Any],
    liver: NDArray[np.bool_],
    reference: NDArray[np.bool_] | None,
    settings: VoiSlicesSettings,
) -> SliceStack:
    """Crop an exam to its liver, window and resize it: what lies around the liver stays to be seen.

    Parameters
    ----------
    hu : ndarray, shape (slices, rows, columns)
        CT values in HU.
    liver : ndarray of bool, same shape
        The reference of a training exam; what was found in another.
    reference : ndarray of bool, same shape, or None
        Reference of a training exam.

    Returns
    -------
    SliceStack
        One slice for each slice of the volume of interest; none if the exam has no liver.
    """
    size = (settings.size, settings.size)
    slices, rows, columns = liver.shape
    shape = (slices, rows, columns)
    try:
        box = volume_of_interest(liver, settings.margin)
    except EmptyLiverError:
        return no_slices(
            settings.size, shape, with_mask=reference is not None, with_region=bool(settings.with_region)
        )
    plane = Box((0, 1), box.rows, box.columns)
    image = np.empty((box.shape[0], *size), np.uint16)
    for index, one in enumerate(hu[slice(*box.slices)]):
        (cut,) = plane.crop(window(one, settings.window)[None])  # beyond the exam is the window's lower end
        image[index] = stored(resize_image(cut, size))
    mask = None if reference is None else resize_masks(box.crop(reference), size)
    region = resize_masks(box.crop(liver), size) if settings.with_region else None
    return SliceStack(image, mask, box, shape, region=region)
