"""Segmentations by other systems or by people, brought into our labels on the exam's own grid."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepaflow.errors import UserError
from hepaflow.settings.predictions import PredictionLabels
from hepaflow.volume import Grid, read_stored, times

SUFFIXES = (".nii.gz", ".nii")

_NEAR_INTEGER = 0.1  # many labels saved as fractions of a scale miss their integers by more than three do


def prediction_file(folder: Path, exam: str) -> Path | None:
    """Return the label map of an exam in a folder; None if there is none."""
    return next((path for suffix in SUFFIXES if (path := folder / f"{exam}{suffix}").exists()), None)


def check_predictions(name: str, folder: Path, exams: Iterable[str]) -> None:
    """Refuse a folder that does not have a label map for every test exam.

    Raises
    ------
    UserError
        If any is missing; it names all of them.
    """
    missing = [exam for exam in exams if prediction_file(folder, exam) is None]
    if missing:
        raise UserError(
            f"no label map of predictions.{name} for {len(missing)} test exam(s): {', '.join(missing)}",
            file=folder,
            expected="{exam}.nii.gz or {exam}.nii for every test exam of the sheet",
            remedy="put the files there under the exams' names, or remove this entry of `predictions`",
        )


def read_prediction(path: Path, *, exam: str, image: Grid, values: PredictionLabels) -> NDArray[np.uint8]:
    """Read a label map of another system.

    Parameters
    ----------
    path : Path
        NIfTI file, gzipped or not.
    exam : str
        Name of the exam, for error messages.
    image : Grid
        Grid of the exam's image.
    values : PredictionLabels
        What the system's label values stand for; all other values are background.

    Returns
    -------
    ndarray of uint8, shape (slices, rows, columns)
        0 background, 1 liver, 2 lesion.

    Raises
    ------
    UserError
        If the file is unreadable, its voxels are not the image's (another number, or other directions), or it
        holds values that are not whole.
    """
    stored, slope, intercept, grid = read_stored(path, exam)
    if grid.shape != image.shape or grid.axes != image.axes:
        raise UserError(
            f"a segmentation of {times(grid.shape)} voxels along {grid.axes}",
            expected=f"{times(image.shape)} voxels along {image.axes}, as the image has",
            exam=exam,
            file=path,
            remedy="resample the segmentation to the image's grid",
        )
    labels = np.zeros(stored.shape, np.uint8)
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
    return labels
