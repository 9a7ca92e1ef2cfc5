"""Where the slices of a series lie in the patient, and whether they make a regular volume."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from hepaflow.dicom.values import numbers, whole
from hepaflow.volumes.volume import times

MAX_TILT = 0.5
"""Degrees. Some scanners note a tenth of a degree where the gantry stands upright."""

_SAME_DIRECTION = 1e-3  # of direction cosines: files carry six digits, some only four
_SAME_SPACING = 1e-3  # mm, of pixels
_SAME_PLACE = 0.01  # mm, of slices
_EVEN = 0.02  # part of the slice spacing; positions rounded to 0.01 mm stay inside
_COARSEST = 0.1  # mm to which positions may have been rounded
_IN_LINE = 0.5  # pixels that a slice may lie beside the line through the first slice
_MOST_PIXELS = 32767  # along an axis; results are NIfTI files, too
_ROUNDED = (0.01, 0.001)
"""To what direction cosines may have been rounded so coarsely that the slices' normal leaves their stack."""
_OFF = 0.6  # parts of that by which a rounded cosine may be off; half, and some for positions that are rounded too
_AT_RIGHT_ANGLES = 0.01
"""Largest deviation of lengths from 1, and of products from 0."""
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

_TILTED = (
    "the scanner was leaned over, so each slice lies shifted against the one before it; taken as a straight "
    "stack, the body is slanted, and volumes, diameters and places of lesions are wrong"
)
_STRAIGHTEN = (
    "export another reconstruction of the scan, in upright axial slices, or let a program straighten this one "
    "(dcm2niix does, say) and name the NIfTI file that it writes; if the exam has another series, take that one"
)

Vector = NDArray[np.float64]


class GeometryError(ValueError):
    """A series that makes no regular volume; says what was found, and what to do where that is not the usual."""

    def __init__(self, found: str, remedy: str = "") -> None:
        super().__init__(found)
        self.remedy = remedy


@dataclass(frozen=True)
class Plane:
    """One slice in the patient: lengths in mm, directions in LPS.

    Attributes
    ----------
    position : ndarray, shape (3,)
        Centre of the first pixel.
    along_row, along_column : ndarray, shape (3,)
        Unit vectors in which the column index and the row index count up.
    spacing : tuple of float
        Distance between rows and distance between columns, as PixelSpacing gives them.
    shape : tuple of int
        Rows and columns.
    """

    position: Vector
    along_row: Vector
    along_column: Vector
    spacing: tuple[float, float]
    shape: tuple[int, int]

    @classmethod
    def of(cls, header: Dataset) -> "Plane":
        """Read the plane of a slice from its header.

        Raises
        ------
        GeometryError
            If a value is missing or makes no sense.
        """
        position = _vector(header, "ImagePositionPatient", 3)
        directions = _vector(header, "ImageOrientationPatient", 6)
        between_rows, between_columns = _vector(header, "PixelSpacing", 2)
        shape = (whole(header, "Rows") or 0, whole(header, "Columns") or 0)
        lengths = np.linalg.norm(directions.reshape(2, 3), axis=1)
        if between_rows <= 0 or between_columns <= 0 or not 1 <= min(shape) <= max(shape) <= _MOST_PIXELS:
            raise GeometryError(f"{times(shape)} pixels of {between_rows:g} × {between_columns:g} mm")
        # Each vector's cosines sum up to √3 at most; off by half a unit each, their product is off by √3 units.
        most = max(_AT_RIGHT_ANGLES, 3**0.5 * _unit(directions))
        if abs(lengths - 1).max() > _AT_RIGHT_ANGLES or abs(directions[:3] @ directions[3:]) > most:
            raise GeometryError(f"directions that are not at right angles: {directions.tolist()}")
        along_row = directions[:3] / lengths[0]
        along_column = directions[3:] - (directions[3:] @ along_row) * along_row
        along_column /= np.linalg.norm(along_column)
        return cls(position, along_row, along_column, (float(between_rows), float(between_columns)), shape)

    @property
    def normal(self) -> Vector:
        """Unit vector in which slices are counted; rows, columns and slices make a right-handed system."""
        return np.cross(self.along_row, self.along_column)

    @property
    def is_axial(self) -> bool:
        """Whether the slice is nearer to axial than to any other plane."""
        return bool(abs(self.normal).argmax() == 2)


def _vector(header: Dataset, name: str, count: int) -> Vector:
    found = numbers(header, name, count)
    if found is None:
        raise GeometryError(f"a slice without usable geometry (no {count} numbers in {name})")
    return np.array(found)


def _unit(directions: Vector) -> float:
    """Return to what direction cosines were rounded; 0 where they are finer, or whole, which needs no rounding."""
    if np.array_equal(directions, directions.round()):
        return 0.0
    units = (unit for unit in _ROUNDED if np.allclose(directions / unit, (directions / unit).round(), 0, 1e-6))
    return next(units, 0.0)


def planes_of(headers: Sequence[Dataset]) -> list[Plane]:
    """Read the planes of a series' slices; directions that were rounded are made exact where positions allow it.

    Rounded to two decimals, directions are off by up to half a degree, and slices that were stacked along their
    normal seem to be sheared. The positions tell the normal better: directions at right angles to it are taken if
    they round to those in the headers. A tilted gantry is none of that: its slices lie farther off their normal.

    Raises
    ------
    GeometryError
        If a value is missing or makes no sense.
    """
    planes = [Plane.of(header) for header in headers]
    stated = np.array([numbers(header, "ImageOrientationPatient", 6) for header in headers])
    unit, along = _unit(stated[0]), positions(planes)
    stack = planes[int(along.argmax())].position - planes[int(along.argmin())].position
    if not unit or (stated != stated[0]).any() or not stack.any():
        return planes
    normal = stack / np.linalg.norm(stack)
    row = stated[0, :3] - (stated[0, :3] @ normal) * normal
    row /= np.linalg.norm(row)
    angles = np.linspace(-2 * unit, 2 * unit, 401)[:, None]  # how slices are turned in their plane
    rows = np.cos(angles) * row + np.sin(angles) * np.cross(normal, row)
    columns = np.cross(normal, rows)
    off = abs(np.hstack([rows, columns]) - stated[0]).max(axis=1)
    best = int(off.argmin())
    if off[best] > _OFF * unit:
        return planes
    return [replace(plane, along_row=rows[best], along_column=columns[best]) for plane in planes]


def positions(planes: Sequence[Plane]) -> Vector:
    """Return where slices lie along the normal of the first one, in mm."""
    return np.array([plane.position @ planes[0].normal for plane in planes])


def affine_of(planes: Sequence[Plane], tilts: Sequence[float]) -> NDArray[np.float64]:
    """Check that slices make a regular volume, and return the affine of (column, row, slice).

    Parameters
    ----------
    planes : sequence of Plane
        In the order of their positions along the normal.
    tilts : sequence of float
        What the slices' headers say of the gantry's tilt, in degrees.

    Returns
    -------
    ndarray, shape (4, 4)
        To millimetres in RAS+, as NIfTI has it.

    Raises
    ------
    GeometryError
        If slices differ in size, pixels or orientation, are tilted, missing, doubled or unevenly spaced.
    """
    first = planes[0]
    if len(planes) < 2:
        raise GeometryError("a single slice, whose thickness in the volume is unknown")
    _check_alike(planes)
    along = positions(planes)
    _check_upright(planes, along, tilts)
    _check_even(along, _rounded_to(planes))
    step = (along[-1] - along[0]) / (len(along) - 1)
    affine = np.eye(4)
    affine[:3, 0] = first.along_row * first.spacing[1]
    affine[:3, 1] = first.along_column * first.spacing[0]
    affine[:3, 2] = first.normal * step
    affine[:3, 3] = first.position
    return np.asarray(_LPS_TO_RAS @ affine, np.float64)


def _check_alike(planes: Sequence[Plane]) -> None:
    first = planes[0]
    for plane in planes[1:]:
        if plane.shape != first.shape:
            raise GeometryError(f"slices of {times(first.shape)} and of {times(plane.shape)} pixels")
        if not np.allclose(plane.spacing, first.spacing, rtol=0, atol=_SAME_SPACING):
            raise GeometryError(
                f"pixels of {first.spacing[0]:g} × {first.spacing[1]:g} mm and "
                f"of {plane.spacing[0]:g} × {plane.spacing[1]:g} mm"
            )
        turned = plane.along_row - first.along_row, plane.along_column - first.along_column
        if abs(np.array(turned)).max() > _SAME_DIRECTION:
            raise GeometryError("slices of different orientation")


def _check_upright(planes: Sequence[Plane], along: Vector, tilts: Sequence[float]) -> None:
    """Refuse a sheared volume; its slices are stacked along another direction than their normal."""
    first = planes[0]
    moved = np.array([plane.position - first.position for plane in planes])
    beside = moved - np.outer(along - along[0], first.normal)
    distance = np.linalg.norm(beside, axis=1)
    noted = max((abs(tilt) for tilt in tilts), default=0.0)
    if distance.max() > _IN_LINE * min(first.spacing):
        angle = np.degrees(np.arctan2(distance[-1], along[-1] - along[0]))
        if angle > MAX_TILT and distance.argmax() in (0, len(planes) - 1):
            raise GeometryError(f"a gantry tilt of {angle:.1f}°: {_TILTED}", _STRAIGHTEN)
        place = int(distance.argmax())
        raise GeometryError(
            f"a slice shifted in its plane by {distance[place]:.2f} mm, at {along[place]:.2f} mm along the normal"
        )
    if noted > MAX_TILT:
        raise GeometryError(
            f"a gantry tilt of {noted:g}° in the header (GantryDetectorTilt), which the slices' positions do not "
            "show: one of the two is wrong, and with it perhaps every length and volume",
            _STRAIGHTEN,
        )


def _rounded_to(planes: Sequence[Plane]) -> float:
    """Return to how many mm the positions are rounded; 0 where they are finer than `_COARSEST`."""
    axis = int(abs(planes[0].normal).argmax())
    places = np.array([plane.position[axis] for plane in planes]) / _COARSEST
    return _COARSEST if np.allclose(places, places.round(), rtol=0, atol=1e-4) else 0.0


def _strays(along: Vector) -> float:
    """Return within how many mm slices lie evenly: the narrowest band around a line through all of them."""
    index, mean = np.arange(len(along)), (along[-1] - along[0]) / (len(along) - 1)
    low, high = mean - 1.0, mean + 1.0
    for _ in range(50):  # the band's width has one minimum
        third = (high - low) / 3
        left, right = (float(np.ptp(along - step * index)) for step in (low + third, high - third))
        low, high = (low, high - third) if left < right else (low + third, high)
    return float(np.ptp(along - low * index))


def _check_even(along: Vector, rounded_to: float) -> None:
    gaps = np.diff(along)
    doubled = np.flatnonzero(gaps < _SAME_PLACE)
    if doubled.size:
        raise GeometryError(
            f"duplicate positions: {doubled.size} of {len(along)} slices lie where another one lies, "
            f"the first at {along[doubled[0]]:.2f} mm along the normal"
        )
    usual = float(np.median(gaps))
    uneven = np.flatnonzero(abs(gaps - usual) > max(_EVEN * usual, 2 * _SAME_PLACE))
    if not uneven.size or _strays(along) <= rounded_to * (1 + 1e-4):
        return
    where = int(uneven[abs(gaps[uneven] - usual).argmax()])
    between = f"between {along[where]:.2f} and {along[where + 1]:.2f} mm along the normal"
    multiples = gaps[uneven] / usual
    if (abs(multiples - multiples.round()) < 0.1).all() and (multiples.round() >= 2).all():
        lost = int((multiples.round() - 1).sum())
        raise GeometryError(
            f"{lost} missing slice{'s' if lost > 1 else ''}: a gap of {gaps[where]:.2f} mm {between}, "
            f"where slices are {usual:.2f} mm apart"
        )
    raise GeometryError(
        f"uneven slice spacing: from {gaps.min():.2f} to {gaps.max():.2f} mm; farthest from the usual "
        f"{usual:.2f} mm is the gap {between}"
    )
