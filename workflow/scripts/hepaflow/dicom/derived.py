"""What the objects made from a CT series share: their maker, their place in the patient, their numbers."""

from dataclasses import dataclass
from typing import Any

import highdicom
import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from hepaflow.dicom.geometry import planes_of
from hepaflow.dicom.series import Series
from hepaflow.volumes.volume import Grid

MAKER = "hepaflow"

SERIAL_NUMBER = "none"
"""DICOM wants a device's serial number, which software has not."""

SEGMENTATION_RAISE, OVERLAY_RAISE = 1000, 2000
"""How far series numbers are raised above the CT's: beyond those that a scanner gives within a study."""

_LINE, _TEXT = 64, 1024
"""Characters that DICOM has room for in a line (LO) and in a short text (ST)."""

_SAME_PLACE = 0.1  # mm
_TOLERANCE = 1e-2  # parts of a voxel and of direction cosines by which two affines of one series may differ


@dataclass(frozen=True)
class Remarks:
    """What objects say of the model that made them, in the room that each element has.

    Attributes
    ----------
    model : str
        What it was made from, in a sentence.
    short : str
        The same in a few letters.
    notice : str
        What the objects are not for.
    """

    model: str = ""
    short: str = ""
    notice: str = ""

    def line(self, what: str) -> str:
        """Return the description of a series: what it shows, and in a few letters what made it."""
        made = f"{MAKER}, research; {self.short}" if self.short else MAKER
        return f"{what} ({made})"[:_LINE]

    def noticed(self, what: str) -> str:
        """Return a line that says what an object shows, and what it is not for."""
        return (f"{what}. {self.notice}" if self.notice else what)[:_LINE]

    def text(self, what: str) -> str:
        """Return a text that says all of it."""
        model = f"Model {self.model}." if self.model else ""
        return " ".join(filter(None, (f"{what}.", model, self.notice)))[:_TEXT]


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
    RuntimeError, ValueError
        If the grid is not that of the series.
    """
    planes = planes_of(series.headers)
    first, last = planes[0], planes[-1]
    affine = np.eye(4)  # in LPS, of (slice, row, column)
    # Along the normal, as the grid: places that are rounded lie a little beside it, at angles that are none.
    affine[:3, 0] = first.normal * ((last.position - first.position) @ first.normal) / (len(planes) - 1)
    affine[:3, 1] = first.along_column * first.spacing[0]
    affine[:3, 2] = first.along_row * first.spacing[1]
    affine[:3, 3] = first.position
    frame = str(series.headers[0].FrameOfReferenceUID)
    target = highdicom.VolumeGeometry(affine, (len(planes), *first.shape), "PATIENT", frame)
    image = nib.Nifti1Image(grid.restore(array), grid.affine)
    volume = highdicom.Volume.from_nibabel(image, frame_of_reference_uid=frame)
    # Matching pads what lies elsewhere with zeros, without a word: so look first.
    apart = np.linalg.norm(np.subtract(volume.center_position, target.center_position))
    if apart > _SAME_PLACE or sorted(volume.spatial_shape) != sorted(target.spatial_shape):
        raise ValueError(f"a grid whose centre lies {apart:.2f} mm from that of {series.name}")
    return np.asarray(volume.match_geometry(target, tol=_TOLERANCE).array)
