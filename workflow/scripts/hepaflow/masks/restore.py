"""From masks on the networks' grid back to the exam (thesis 4.9)."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepaflow.masks.file import Masks
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.volumes.box import Box
from hepaflow.volumes.resize import resize_masks


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


def read_restored(path: Path | str, exam: str, slices: SliceFile) -> NDArray[np.bool_]:
    """Read an exam's mask from a file of masks, and put it back into the exam.

    Parameters
    ----------
    path : Path or str
        File of masks, `.npz`.
    exam : str
    slices : SliceFile
        The slices that the mask was drawn on: they say where it lies.

    Returns
    -------
    ndarray of bool, shape (slices, rows, columns) of the exam
    """
    with Masks(path) as masks:
        return restore(masks[exam], slices.box, slices.shape)
