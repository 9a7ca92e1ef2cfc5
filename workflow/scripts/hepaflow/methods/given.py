"""Segmentations by other systems or by people, brought into our labels on the exam's own grid."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepaflow.errors import UserError
from hepaflow.settings.predictions import PredictionLabels
from hepaflow.volumes.grid_match import mismatch
from hepaflow.volumes.volume import Grid, read_stored, times
from hepaflow.words import counted

_NEAR_INTEGER = 0.1  # many labels saved as fractions of a scale miss their integers by more than three do
_MOST_LABELS = 150  # TotalSegmentator has 117
_BYTE = 255

log = logging.getLogger(__name__)


def read_prediction(
    path: Path, *, exam: str, image: Grid, values: PredictionLabels, trust_grid: bool = False
) -> NDArray[np.uint8]:
    """Read a label map of another system; where it lies along other axes than the image, it is turned.

    Parameters
    ----------
    path : Path
        NIfTI file, gzipped or not.
    exam : str
        Name of the exam, for messages.
    image : Grid
        Grid of the exam's image.
    values : PredictionLabels
        What the system's label values stand for; all other values are background.
    trust_grid : bool, optional
        Take the label map voxel by voxel, as the image is stored, whatever its affine says.

    Returns
    -------
    ndarray of uint8, shape (slices, rows, columns)
        0 background, 1 liver, 2 lesion.

    Raises
    ------
    UserError
        If the file is unreadable, its voxels are not the image's (another number, or other places), or it
        holds values that are not whole, or that stand for nothing.
    """
    stored, slope, intercept, grid = read_stored(path, exam)
    check_grid(grid, image, path, exam, trust_grid=trust_grid)
    if trust_grid:
        stored = image.canonicalise(grid.restore(stored))
    labels, others = np.zeros(stored.shape, np.uint8), set[int]()
    for index, one in enumerate(stored):
        given = one * slope + intercept
        found = np.rint(given)
        if (broken := given[~np.isfinite(given) | ~np.isclose(given, found, rtol=0, atol=_NEAR_INTEGER)]).size:
            raise UserError(
                f"{broken.size} voxels of slice {index} that are not whole, such as {broken[0]:g}",
                expected="label values",
                exam=exam,
                file=path,
                remedy="give the segmentation itself, not probabilities, and resample it without interpolation",
            )
        labels[index][np.isin(found, values.liver)] = 1
        labels[index][np.isin(found, values.lesion)] = 2
        others.update(np.unique(found[(labels[index] == 0) & (found != 0)]).astype(int).tolist())
    _check_others(sorted(others), labels, values, path, exam)
    return labels


def check_grid(grid: Grid, image: Grid, path: Path, exam: str, *, trust_grid: bool) -> None:
    """Refuse a label map whose voxels are not the image's.

    Raises
    ------
    UserError
        If there are others, or they lie elsewhere, so that a score would be one of two places in the body.
    """
    why = mismatch(grid, image)
    if trust_grid:
        why = "" if grid.shape == image.shape else "another number of voxels"
    if why:
        remedy = "resample the segmentation to the image's grid without interpolation"
        if grid.shape == image.shape:
            remedy += (
                "; where only its header is wrong, say so (`trust_grid: true` in `predictions`, --trust-grid)"
            )
        raise UserError(
            f"a segmentation of {times(grid.shape)} voxels along {grid.axes}: {why}",
            expected=f"{times(image.shape)} voxels along {image.axes}, as the image has, or the same ones turned",
            exam=exam,
            file=path,
            remedy=remedy,
        )


def _check_others(
    others: list[int], labels: NDArray[Any], values: PredictionLabels, path: Path, exam: str
) -> None:
    """Refuse what cannot be a segmentation with these label values, and tell of values that stand for nothing."""
    if not others:
        return
    told = f"{', '.join(map(str, others[:5]))}{', ...' if len(others) > 5 else ''}"
    # A mask of 0 and one other value; a system of many organs may have found another one alone.
    usual = PredictionLabels()
    as_usual = (values.liver, values.lesion) == (usual.liver, usual.lesion)  # `values` may be of a subclass
    one_value = len(others) == 1 and not labels.any() and (others[0] >= _BYTE or as_usual)
    if len(others) > _MOST_LABELS or one_value:
        raise UserError(
            f"{counted(len(others), 'label value')} without a meaning: {told}",
            expected=f"{_listed(values.liver)} for liver, {_listed(values.lesion)} for lesions",
            exam=exam,
            file=path,
            remedy="say what its label values stand for (`liver` and `lesion` in `predictions`, --liver and "
            "--lesion); probabilities and CT values are no segmentation",
        )
    nothing = "" if labels.any() else "; no voxel is liver or lesion"
    log.warning("%s: label values %s of %s are taken for background%s", exam, told, path.name, nothing)


def _listed(values: Iterable[int]) -> str:
    return ", ".join(map(str, values)) or "nothing"
