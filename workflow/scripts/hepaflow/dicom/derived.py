"""What the objects made from a CT series share: their maker, their place in the patient, their numbers."""

import importlib.metadata
from typing import Any

import highdicom
import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from hepaflow.dicom.geometry import Plane, positions
from hepaflow.dicom.series import Series
from hepaflow.volume import Grid

MAKER = "hepaflow"

SERIAL_NUMBER = "none"
"""DICOM wants a device's serial number, which software has not."""

SEGMENTATION_RAISE, OVERLAY_RAISE = 1000, 2000
"""How far series numbers are raised above the CT's: beyond those that a scanner gives within a study."""

_SAME_AFFINE = 1e-4  # mm


def version() -> str:
    """Return the version of hepaflow, as objects made by it state it."""
    try:
        return importlib.metadata.version(MAKER)
    except importlib.metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return "unreleased"


def on_slices(array: NDArray[Any], grid: Grid, series: Series) -> NDArray[Any]:
    """Bring an array in canonical orientation onto the slices of a series, by their places in the patient.

    Parameters
    ----------
    array : ndarray of a number type, shape (slices, rows, columns)
        Canonical orientation.
    grid : Grid
        The exam's grid.
    series : Series
        In the order that `read_series` returns.

    Returns
    -------
    ndarray, shape (slices of the series, rows, columns)
        One image for each header, as its own pixels lie.

    Raises
    ------
    RuntimeError
        If the grid is not that of the series.
    """
    planes = [Plane.of(header) for header in series.headers]
    first, along = planes[0], positions(planes)
    frame = str(series.headers[0].FrameOfReferenceUID)
    target = highdicom.VolumeGeometry.from_attributes(
        image_position=first.position.tolist(),
        image_orientation=[*first.along_row, *first.along_column],
        rows=first.shape[0],
        columns=first.shape[1],
        pixel_spacing=first.spacing,
        spacing_between_slices=float(along[-1] - along[0]) / (len(along) - 1),
        number_of_frames=len(planes),
        coordinate_system="PATIENT",
        frame_of_reference_uid=frame,
    )
    image = nib.Nifti1Image(grid.restore(array), grid.affine)
    volume = highdicom.Volume.from_nibabel(image, frame_of_reference_uid=frame)
    return np.asarray(volume.match_geometry(target, tol=_SAME_AFFINE).array)
