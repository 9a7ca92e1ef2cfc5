"""Label maps: which voxels of an exam are liver, and which are lesion."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepaflow.errors import UserError
from hepaflow.volumes.volume import Grid, read_stored, times

LABELS = {0: "background", 1: "liver", 2: "lesion"}

_FROM = {name: value for value, name in LABELS.items() if value}
"""By structure, its own label; those above it are parts of it."""
_NEAR_INTEGER = 0.01  # a scaled label map misses its integers by up to half a step of its scale: 2/255 for a byte


def structure_mask(labels: NDArray[np.uint8], structure: str) -> NDArray[np.bool_]:
    """Return the mask of the liver, which includes its lesions, or of the lesions.

    Parameters
    ----------
    labels : ndarray of uint8
        0 background, 1 liver, 2 lesion.
    structure : {'liver', 'lesion'}
    """
    mask: NDArray[np.bool_] = labels >= _FROM[structure]
    return mask


def label_map(liver: NDArray[np.bool_], lesion: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Join the masks of both structures: 0 background, 1 liver, 2 lesion; lesions outside the liver stay lesions.

    Parameters
    ----------
    liver, lesion : ndarray of bool, shape (slices, rows, columns)
    """
    labels = liver.astype(np.uint8)
    labels[lesion] = 2
    return labels


def read_labels(path: Path, *, exam: str = "", image: Grid | None = None) -> tuple[NDArray[np.uint8], Grid]:
    """Read a LiTS label map: 0 background, 1 liver, 2 lesion.

    Parameters
    ----------
    path : Path
        NIfTI file, gzipped or not.
    exam : str, optional
        Name of the exam, for error messages.
    image : Grid, optional
        The grid of the exam's image. Where the two headers disagree the voxel grid is trusted: the label map is
        brought into canonical orientation as the image is, whatever its own affine says.

    Returns
    -------
    labels : ndarray of uint8, shape (slices, rows, columns)
    grid : Grid
        The file's own grid.

    Raises
    ------
    UserError
        If the file is missing or unreadable, holds another value than 0, 1 and 2, or another number of voxels
        than the image.
    """
    stored, slope, intercept, grid = read_stored(path, exam)
    if image is not None:
        if image.shape != grid.shape:
            raise UserError(
                f"a label of {times(grid.shape)} voxels along {grid.axes}",
                expected=f"{times(image.shape)} voxels along {image.axes}, as the image has",
                exam=exam,
                file=path,
                remedy="pair the image with its own label map, or resample the label to the image's grid",
            )
        stored = image.canonicalise(grid.restore(stored))
    labels = np.empty(stored.shape, np.uint8)
    wrong: set[float] = set()
    for index, one in enumerate(stored):
        values = one
        if (slope, intercept) != (1, 0) or one.dtype.kind == "f":  # saved as fractions: 0.996 stands for 1
            values = one * slope + intercept
            whole = np.rint(values)
            values = np.where(np.isclose(values, whole, rtol=0, atol=_NEAR_INTEGER), whole, values)
        known = np.isin(values, tuple(LABELS))
        if not known.all():
            wrong |= {float(value) for value in np.unique(values[~known])[:5]}
        labels[index] = np.where(known, values, 0)
    if wrong:
        raise UserError(
            f"label values {', '.join(f'{value:g}' for value in sorted(wrong)[:5])}",
            expected=", ".join(f"{value} {name}" for value, name in LABELS.items()),
            exam=exam,
            file=path,
            remedy="map the label values to these three, or leave the exam out of the sheet",
        )
    return labels, grid
