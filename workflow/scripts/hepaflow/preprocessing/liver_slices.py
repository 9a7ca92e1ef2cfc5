"""From an exam to the slices that the liver networks see (thesis 4.2)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepaflow.preprocessing.slices import SliceStack, stored
from hepaflow.preprocessing.window import window
from hepaflow.settings.slices import LiverSlicesSettings
from hepaflow.volumes.box import Box
from hepaflow.volumes.resize import resize_image, resize_mask


def liver_slices(hu: NDArray[Any], liver: NDArray[np.bool_] | None, settings: LiverSlicesSettings) -> SliceStack:
    """Window and downsample every slice of an exam (thesis 4.2).

    Parameters
    ----------
    hu : ndarray, shape (slices, rows, columns)
        CT values in HU.
    liver : ndarray of bool, same shape, or None
        Reference liver, with lesions, of a training exam.

    Returns
    -------
    SliceStack
        As many slices as the exam has.
    """
    size = (settings.size, settings.size)
    image = np.empty((len(hu), *size), np.uint16)
    mask = None if liver is None else np.empty((len(hu), *size), bool)
    for index, one in enumerate(hu):
        image[index] = stored(resize_image(window(one, settings.window), size))
        if liver is not None and mask is not None:
            mask[index] = resize_mask(liver[index], size)
    slices, rows, columns = hu.shape
    shape = (slices, rows, columns)
    return SliceStack(image, mask, Box.whole(shape), shape)
