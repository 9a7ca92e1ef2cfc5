"""Cases of images whose header tells of millimetres in an odd way: each says what a voxel's volume is to be."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from cases import ACCEPTED, WARNED, Case, Table
from made import AFFINE, forms, number, write, zooms
from numpy.typing import NDArray


class Measured(NamedTuple):
    """An image, and the volume of one voxel of it in mm³; None where nothing is to be told in mm."""

    path: Path
    volume: float | None


def headed(*edits: Any, affine: NDArray[Any] = AFFINE, volume: float | None = 0.7 * 0.8 * 2.5) -> Any:
    return lambda folder: Measured(write(folder / "image.nii", affine=affine, edits=edits), volume)


def sheared(*steps: tuple[int, int, float]) -> NDArray[np.float64]:
    affine = AFFINE.copy()
    for row, column, value in steps:
        affine[row, column] = value
    return affine


def times(factor: float) -> NDArray[np.float64]:
    return np.vstack([AFFINE[:3] * factor, AFFINE[3]])


def unit(code: int) -> Any:
    return number(123, code, kind="b")


def mirrored_identity() -> NDArray[np.float64]:
    """An identity affine after its array was turned, as programs do that bring all exams into one orientation."""
    affine = np.diag([-1, -1, 1, 1.0])
    affine[:2, 3] = 19, 23
    return affine


EMPTY = "measures in mm would be false and are left empty"
TRUSTED = "the sform is trusted, LPS"

FIELDS = Case(
    "each field of a NIfTI-1 and a NIfTI-2 header, with odd values in turn",
    "accepted, warned of or refused",
    (),
    mended="tracebacks from unit codes, quaternions and an endless offset",
)
ODD: dict[str, tuple[Any, ...]] = {
    "i": (-1, 7, 32767),
    "u": (7, 255),
    "f": (-1, np.nan, np.inf),
    "S": (b"\xff",),
}
"""Odd values by kind of number."""

GEOMETRY = Table(
    "Measures in mm",
    "Volumes, diameters and distances of the exam's label map, on grids with unusual headers. The volume of a "
    "voxel is the determinant of the affine, distances are measured along the real axes, and units are converted "
    "if this gives a spacing that a CT can have. If no spacing can be trusted, volumes, distances, diameters and "
    "places are empty, and the number of voxels is given.",
    (
        Case(
            "slices stacked aslant (gantry tilt)",
            WARNED,
            ("a sheared grid, 19.8° from right angles",),
            headed(affine=sheared((1, 2, 0.9))),
            mended="volumes 6 % too large, without a word: the slanted step was taken for the distance",
        ),
        Case(
            "rows and columns not perpendicular",
            WARNED,
            ("a sheared grid",),
            headed(affine=sheared((0, 1, 0.3))),
            mended="volumes 7 % too large, diameters and distances wrong, without a word",
        ),
        Case(
            "sheared by what single precision leaves",
            ACCEPTED,
            (),
            headed(affine=sheared((1, 2, 1e-6))),
        ),
        Case(
            "lengths in microns, and told so",
            WARNED,
            ("unit 'micron'", "converted to mm"),
            headed(forms(0, 1), unit(3), affine=times(1000)),
            mended="a billion times the volume, with a warning",
        ),
        Case(
            "lengths in metres, and told so",
            WARNED,
            ("unit 'meter'", "converted to mm"),
            headed(forms(0, 1), unit(1), affine=times(0.001)),
            mended="a billionth of the volume, with a warning",
        ),
        Case(
            "lengths in microns, and not told so",
            WARNED,
            ("as no CT has", EMPTY),
            headed(forms(0, 1), unit(2), affine=times(1000), volume=None),
            mended="a billion times the volume, with a warning",
        ),
        Case(
            "lengths in mm that are called microns",
            WARNED,
            ("unit 'micron'", "take it for mm"),
            headed(unit(3)),
        ),
        Case(
            "unit code 7, which NIfTI does not have",
            WARNED,
            ("unit 'code 7'", "take it for mm"),
            headed(unit(7)),
            mended="a traceback (KeyError)",
        ),
        Case(
            "qform that is no rotation beside a good sform",
            WARNED,
            ("a qform that is no rotation", TRUSTED),
            headed(forms(1, 1), number(256, 0.8, 0.8, 0.1)),
            mended="a traceback (HeaderDataError), or one after all was computed",
        ),
        Case(
            "qform of NaN beside a good sform",
            WARNED,
            ("a qform that is no rotation", TRUSTED),
            headed(forms(1, 1), number(256, np.nan, np.nan, np.nan)),
            mended="a traceback, or one after all was computed",
        ),
        Case(
            "pixdim that is not the affine's spacing",
            WARNED,
            ("0.7×0.8×2.5 in its affine and 1.4×1.6×5 in pixdim", "the affine is trusted"),
            headed(forms(0, 1), zooms(1.4, 1.6, 5)),
            mended="no warning, though readers that believe pixdim have eight times the volume",
        ),
        Case(
            "identity affine that was mirrored with its array",
            WARNED,
            ("identity affine", EMPTY),
            headed(affine=mirrored_identity(), volume=None),
            mended="measures were taken, with 1 mm for a voxel",
        ),
        Case("negative zooms, qform alone", ACCEPTED, (), headed(forms(1, 0), zooms(-0.7, -0.8, -2.5))),
        Case("qform whose handedness is 0", ACCEPTED, (), headed(forms(1, 0), number(76, 0))),
        FIELDS,
    ),
)
