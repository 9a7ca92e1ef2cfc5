"""From the networks' grid back to the exam (thesis 4.9), and from the exam to the grid of a later stage."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepaflow.masks.file import Masks
from hepaflow.masks.map import MIDDLE, mask_of, with_mask
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.settings.postprocess import Restored
from hepaflow.volumes.axes import Axes, Axis, own_grid
from hepaflow.volumes.box import Box
from hepaflow.volumes.resample import resampled, resampled_mask
from hepaflow.volumes.resize import resize_image, resize_masks

Found = NDArray[np.bool_] | NDArray[np.uint8]
"""Masks, or maps: what is restored of a stage."""


def to_restore(map_: NDArray[np.uint8], mask: NDArray[np.bool_], how: Restored | None) -> Found:
    """Return what is brought back to the exam's grid.

    Parameters
    ----------
    map_ : ndarray of uint8, shape (slices, size, size)
        As it was drawn.
    mask : ndarray of bool, same shape
        Its mask, post-processed.
    how : {"masks", "maps"} or None
        `masks`, or None, for the mask (thesis 4.9); `maps` for the map that has this mask.
    """
    return with_mask(map_, mask) if how == "maps" else mask


def restore(
    found: Found, box: Box | None, shape: tuple[int, int, int], grid: Axes | None = None
) -> NDArray[np.bool_]:
    """Resize masks bilinearly to the box they were cut from, and put them back into the exam (thesis 4.9).

    Of a map, probabilities are resized, and the mask is taken of these: its edge lies where the probability passes
    one half, between the pixels of the networks' grid.

    Parameters
    ----------
    found : ndarray of bool or uint8, shape (slices, size, size), or that of `grid`
        Masks, or maps, on the networks' grid.
    box : Box or None
        Where the slices lie in the exam: all of it for the liver, the volume of interest for lesions. None
        where the exam has no liver: the result is empty.
    shape : tuple of int
        Slices, rows and columns of the exam.
    grid : Axes or None, optional
        Where the voxels of a resampled exam lie; None for slices, which fill the box.

    Returns
    -------
    ndarray of bool, shape `shape`
    """
    if box is None:
        return np.zeros(shape, bool)
    if grid is not None:
        return box.place(_resampled(found, grid, box), shape)
    if len(found) != box.shape[0]:
        raise ValueError(f"{len(found)} masks for a box of {box.shape[0]} slices")
    return box.place(_resized(found, box.shape[1:]), shape)


def _resized(found: Found, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return masks of another size: resized, or of resized maps."""
    if found.dtype == bool:
        return resize_masks(found.view(bool), shape)
    masks = np.zeros((len(found), *shape), bool)
    above = mask_of(found.view(np.uint8)).any(axis=(1, 2))
    for index in np.flatnonzero(above):  # weights are not negative: of pixels below one half, no mean is above
        masks[index] = resize_image(found[index].astype(np.float32), shape) > MIDDLE
    return masks


def _resampled(found: Found, grid: Axes, box: Box) -> NDArray[np.bool_]:
    """Return the masks of a resampled exam, or of its maps, in the exam's own voxels of a box."""
    slices, rows, columns = (Axis(length, ends) for length, ends in zip(box.shape, box.ranges, strict=True))
    onto = (slices, rows, columns)
    if found.dtype == bool:
        return resampled_mask(found.view(bool), grid, onto)
    masks = np.zeros(box.shape, bool)
    planes = (one.astype(np.float32) for one in found)
    for number, one in enumerate(resampled(planes, grid, onto, smooth=False)):
        masks[number] = one > MIDDLE
    return masks


def region_on(
    region: NDArray[np.bool_], box: Box | None, size: int, grid: Axes | None = None
) -> NDArray[np.bool_]:
    """Bring the mask of an earlier stage onto the grid of a later one.

    Parameters
    ----------
    region : ndarray of bool, shape (slices, rows, columns) of the exam
    box : Box or None
        Where the later stage's slices lie in the exam; None where it has none.
    size : int
        Rows and columns of these slices.
    grid : Axes or None, optional
        Where the voxels of a later stage's resampled exam lie; None for slices.

    Returns
    -------
    ndarray of bool, shape (slices of the box, size, size), or that of `grid`
    """
    if box is None:
        return np.zeros((0, size, size), bool)
    if grid is not None:
        return resampled_mask(region, own_grid(region), grid)
    return resize_masks(box.crop(region), (size, size))


def read_restored(
    path: Path | str, exam: str, slices: SliceFile, like: Path | str | None = None
) -> NDArray[np.bool_]:
    """Read what a file of masks or maps holds of an exam, and put the mask back into the exam.

    Parameters
    ----------
    path : Path or str
        File of masks or of maps, `.npz`.
    exam : str
    slices : SliceFile
        The slices that the mask was drawn on: they say where it lies.
    like : Path or str, optional
        File of what was post-processed, which says whether masks or maps are restored; the file itself by default.

    Returns
    -------
    ndarray of bool, shape (slices, rows, columns) of the exam
    """
    with Masks(path) as masks:
        as_map = masks.restores_map(exam) if like is None else _restores_map(like, exam)
        found: Found = masks.map(exam) if as_map else masks[exam]
    return restore(found, slices.box, slices.shape, slices.grid)


def _restores_map(path: Path | str, exam: str) -> bool:
    with Masks(path) as masks:
        return masks.restores_map(exam)


def read_region(path: Path | str, exam: str, around: SliceFile, own: SliceFile) -> NDArray[np.bool_]:
    """Read an exam's mask of an earlier stage, and bring it onto the grid of a later one.

    Parameters
    ----------
    path : Path or str
        File of what was post-processed of the earlier stage, `.npz`.
    exam : str
    around : SliceFile
        The slices that the mask was drawn on.
    own : SliceFile
        The slices of the later stage.

    Returns
    -------
    ndarray of bool, shape (slices, size, size) of the later stage
    """
    return region_on(read_restored(path, exam, around), own.box, own.size, own.grid)
