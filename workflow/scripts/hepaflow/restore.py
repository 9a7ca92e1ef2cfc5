"""From masks on the networks' grid back to the exam (thesis 4.9)."""

import numpy as np
from numpy.typing import NDArray

from hepaflow.box import Box
from hepaflow.resize import resize_masks


def restore(masks: NDArray[np.bool_], box: Box | None, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Upsample masks bilinearly to the box they were cut from, and put them back into the exam (thesis 4.9).

    Parameters
    ----------
    masks : ndarray of bool, shape (slices, size, size)
        Masks on the networks' grid.
    box : Box or None
        Where the slices lie in the exam: all of it for the liver, the volume of interest for lesions. None
        where the exam has no liver: the result is empty.
    shape : tuple of int
        Slices, rows and columns of the exam.

    Returns
    -------
    ndarray of bool, shape `shape`
    """
    if box is None:
        return np.zeros(shape, bool)
    if len(masks) != box.shape[0]:
        raise ValueError(f"{len(masks)} masks for a box of {box.shape[0]} slices")
    return box.place(resize_masks(masks, box.shape[1:]), shape)


def label_map(liver: NDArray[np.bool_], lesion: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Join the masks of both stages: 0 background, 1 liver, 2 lesion; a lesion outside the liver stays a lesion.

    Parameters
    ----------
    liver, lesion : ndarray of bool, shape (slices, rows, columns)
    """
    labels = liver.astype(np.uint8)
    labels[lesion] = 2
    return labels
