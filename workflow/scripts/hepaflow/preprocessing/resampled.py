"""From an exam to one whose voxels lie a set distance apart: all of it, or the part around the liver."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepaflow.errors import UserError
from hepaflow.preprocessing.slices import SliceStack, no_slices, stored
from hepaflow.preprocessing.window import window
from hepaflow.settings.resampled import ResampledSettings, ResampledVoiSettings
from hepaflow.volumes.axes import covering, own_grid, voxels_of
from hepaflow.volumes.box import Box, bounding_box
from hepaflow.volumes.resample import resampled, resampled_mask
from hepaflow.volumes.steps import Spacing

Mask = NDArray[np.bool_]


def resampled_exam(
    hu: NDArray[Any], reference: Mask | None, settings: ResampledSettings, spacing: Spacing | None
) -> SliceStack:
    """Window an exam and resample it.

    The new grid has exactly the distances of the settings. It covers the exam, and lies around its middle.

    Parameters
    ----------
    hu : ndarray, shape (slices, rows, columns)
        CT values in HU.
    reference : ndarray of bool, same shape, or None
        Reference of a training exam.
    settings : ResampledSettings
    spacing : Spacing or None
        The exam's distances between slices, rows and columns in mm; None where they cannot be trusted.

    Raises
    ------
    UserError
        If there is no spacing.
    """
    return _resampled(hu, reference, Box.whole(_shape(hu)), settings, _known(spacing))


def resampled_voi(
    hu: NDArray[Any],
    liver: Mask,
    reference: Mask | None,
    settings: ResampledVoiSettings,
    spacing: Spacing | None,
) -> SliceStack:
    """Window the part of an exam around its liver, and resample it.

    Parameters
    ----------
    hu : ndarray, shape (slices, rows, columns)
        CT values in HU.
    liver : ndarray of bool, same shape
        The reference of a training exam; what was found in another.
    reference, settings, spacing
        See :func:`resampled_exam`.

    Returns
    -------
    SliceStack
        Without a voxel, if the exam has no liver.

    Raises
    ------
    UserError
        If there is no spacing.
    """
    known, found = _known(spacing), bounding_box(liver)
    if found is None:
        return no_slices(0, _shape(hu), with_mask=reference is not None, with_region=bool(settings.with_region))
    ends = (
        _with_margin(*one, settings.margin / own)
        for one, own in zip(zip(found.ranges, liver.shape, strict=True), known, strict=True)
    )
    made = _resampled(hu, reference, Box(*ends), settings, known)
    if made.grid is None or not settings.with_region:
        return made
    return replace(made, region=resampled_mask(liver, own_grid(hu), made.grid))


def _known(spacing: Spacing | None) -> Spacing:
    if spacing is None:
        raise UserError(
            "an exam whose header gives no spacing that could be trusted",
            expected="the distances between voxels in millimetres, as the exam is to be resampled to others",
            remedy="correct the header (`pixdim`, sform or qform), leave the exam out, or use a method whose data "
            "are slices",
        )
    return spacing


def _with_margin(ends: tuple[int, int], length: int, voxels: float) -> tuple[int, int]:
    width = math.ceil(voxels)
    return max(ends[0] - width, 0), min(ends[1] + width, length)


def _resampled(
    hu: NDArray[Any],
    reference: Mask | None,
    box: Box,
    settings: ResampledSettings | ResampledVoiSettings,
    spacing: Spacing,
) -> SliceStack:
    """Resample the part of an exam in a box; where the new grid reaches beyond it, it shows what is there."""
    own = own_grid(hu)
    slices, rows, columns = (covering(*one) for one in zip(box.ranges, spacing, settings.spacing, strict=True))
    onto = (slices, rows, columns)
    image = np.empty(voxels_of(onto), np.uint16)
    windowed = (window(one, settings.window) for one in hu)
    for number, one in enumerate(resampled(windowed, own, onto, smooth=True)):
        image[number] = stored(one)
    mask = None if reference is None else resampled_mask(reference, own, onto)
    return SliceStack(image, mask, box, _shape(hu), onto)


def _shape(volume: NDArray[Any]) -> tuple[int, int, int]:
    slices, rows, columns = volume.shape
    return slices, rows, columns
