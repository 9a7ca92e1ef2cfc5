"""CT volumes in one canonical orientation, and the way back to the exam's own grid."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepaflow.errors import UserError
from hepaflow.volumes.nibabel_alone import nib
from hepaflow.volumes.nifti import open_nifti, read_voxels
from hepaflow.volumes.nifti_header import copy_form, millimetres, names_spacing, told_lengths
from hepaflow.volumes.steps import Spacing, Steps, steps_of

orientations = nib.orientations

CANONICAL = ("L", "P", "S")
"""Directions in which columns, rows and slices count up: a slice lies as radiologists look at it."""


@dataclass(frozen=True)
class Grid:
    """The grid of an exam as its file stores it.

    Attributes
    ----------
    shape : tuple of int
        Voxels along the file's three axes.
    affine : ndarray, shape (4, 4)
        From the file's voxel indices to millimetres in RAS+.
    header : nibabel header
        Of the file; carries units and form codes into what is written on this grid.
    names_spacing : bool
        Whether the header says how far apart voxels are.
    unit_mm : float or None
        How many millimetres one unit of the affine is; None where its steps can be no distances in a CT.
    told : tuple of float or None
        Distances between voxels along the file's three axes that the header tells beside its affine (`pixdim`).
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    header: Any
    names_spacing: bool = True
    unit_mm: float | None = 1.0
    told: Spacing | None = None

    @property
    def axes(self) -> str:
        """Directions in which the file's axes count up, for instance 'LPS'."""
        return "".join(map(str, orientations.aff2axcodes(self.affine)))

    @property
    def has_millimetres(self) -> bool:
        """Whether the spacing can be trusted: the 3D-IRCADb exams of LiTS have an identity affine."""
        return self.names_spacing and not self.is_identity and self.unit_mm is not None

    @property
    def is_identity(self) -> bool:
        """Whether millimetres are voxels, counted from a corner: what programs write that know none."""
        unit_steps = np.allclose(np.sort(np.abs(self.affine[:3, :3]), axis=0), [[0] * 3, [0] * 3, [1] * 3])
        corner = np.minimum(np.abs(self.affine[:3, 3]), np.abs(self._far_corner))
        return bool(unit_steps and np.allclose(corner, 0))

    @property
    def _far_corner(self) -> NDArray[np.float64]:
        far: NDArray[np.float64] = self.affine[:3] @ [*(length - 1 for length in self.shape), 1]
        return far

    @property
    def spacing(self) -> Spacing:
        """Distances between slices, rows and columns in mm, after canonicalisation."""
        sizes = np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0)) * (self.unit_mm or 1)
        columns, rows, slices = sizes[np.argsort(self._to_canonical()[:, 0])]
        return float(slices), float(rows), float(columns)

    @property
    def trusted_spacing(self) -> Spacing | None:
        """The spacing where it can be trusted, else None."""
        return self.spacing if self.has_millimetres else None

    @property
    def steps(self) -> NDArray[np.float64]:
        """Rows: where the next slice, row and column lie, in mm, after canonicalisation."""
        return canonical_affine(self)[:3, 2::-1].T * (self.unit_mm or 1)

    @property
    def trusted_steps(self) -> Steps | None:
        """What lengths and volumes are measured with; None where the spacing cannot be trusted."""
        if not self.has_millimetres:
            return None
        measured = steps_of(self.steps)
        return self.spacing if isinstance(measured, tuple) else measured

    @property
    def canonical_shape(self) -> tuple[int, int, int]:
        """Slices, rows and columns after canonicalisation."""
        columns, rows, slices = np.array(self.shape)[np.argsort(self._to_canonical()[:, 0])]
        return int(slices), int(rows), int(columns)

    def _to_canonical(self) -> NDArray[np.float64]:
        own, canonical = orientations.io_orientation(self.affine), orientations.axcodes2ornt(CANONICAL)
        transform: NDArray[np.float64] = orientations.ornt_transform(own, canonical)
        return transform

    def canonicalise(self, array: NDArray[Any]) -> NDArray[Any]:
        """Turn an array of the file into (slices, rows, columns); a view where that is possible."""
        turned: NDArray[Any] = orientations.apply_orientation(array, self._to_canonical())
        return turned.transpose(2, 1, 0)

    def restore(self, array: NDArray[Any]) -> NDArray[Any]:
        """Turn an array (slices, rows, columns) back into the file's axes; undoes `canonicalise`."""
        own, canonical = orientations.io_orientation(self.affine), orientations.axcodes2ornt(CANONICAL)
        back = orientations.ornt_transform(canonical, own)
        turned: NDArray[Any] = orientations.apply_orientation(array.transpose(2, 1, 0), back)
        return turned


def canonical_affine(grid: Grid) -> NDArray[np.float64]:
    """Return the affine of the canonical (columns, rows, slices) array of a grid."""
    turned: NDArray[np.float64] = grid.affine @ orientations.inv_ornt_aff(grid._to_canonical(), grid.shape)
    return turned


def _grid_of(image: Any, path: Path, exam: str) -> Grid:
    shape = tuple(int(length) for length in image.shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3 or min(shape) < 1:
        raise UserError(
            f"an image of shape {image.shape}",
            expected="three axes",
            exam=exam,
            file=path,
            remedy="extract the one volume that is to be segmented",
        )
    affine = np.asarray(image.affine, dtype=np.float64)
    if not np.isfinite(affine).all() or np.isnan(orientations.io_orientation(affine)).any():
        raise UserError(
            f"an affine that gives no direction for an axis: {affine.tolist()}",
            exam=exam,
            file=path,
            expected="an invertible affine",
            remedy="correct the header (sform or qform)",
        )
    return Grid(
        (shape[0], shape[1], shape[2]),
        affine,
        image.header.copy(),
        names_spacing=names_spacing(image),
        unit_mm=millimetres(np.sqrt((affine[:3, :3] ** 2).sum(axis=0)), image.header),
        told=told_lengths(image),
    )


def read_grid(path: Path, *, exam: str = "") -> Grid:
    """Read only the header of a NIfTI file."""
    return _grid_of(open_nifti(path, exam), path, exam)


def read_stored(path: Path, exam: str) -> tuple[NDArray[Any], float, float, Grid]:
    """Return a file's stored values in canonical orientation, their slope and intercept, and its grid."""
    image = open_nifti(path, exam)
    grid = _grid_of(image, path, exam)
    stored = read_voxels(image, path, exam).reshape(grid.shape)
    slope, intercept = float(image.dataobj.slope), float(image.dataobj.inter)
    return grid.canonicalise(stored), slope, intercept, grid


def times(shape: tuple[int, ...]) -> str:
    """Return a shape in words: 512×512×80."""
    return "×".join(str(length) for length in shape)


def read_image(path: Path, *, exam: str = "") -> tuple[NDArray[Any], Grid]:
    """Read a CT volume.

    Parameters
    ----------
    path : Path
        NIfTI file, gzipped or not.
    exam : str, optional
        Name of the exam, for error messages.

    Returns
    -------
    hu : ndarray of int or float32, shape (slices, rows, columns)
        CT values in HU, slices counted from the feet, rows from anterior, columns from the patient's right.
    grid : Grid
        The file's own grid.

    Raises
    ------
    UserError
        If the file is missing, unreadable, not three-dimensional, or holds values that are not finite.
    """
    hu, slope, intercept, grid = read_stored(path, exam)
    if (slope, intercept) != (1, 0):
        stored, hu = hu, np.empty(hu.shape, np.float32)
        with np.errstate(over="ignore"):  # an infinity is told below
            for index, one in enumerate(stored):  # slice by slice: no copy of the volume in double precision
                hu[index] = one * np.float32(slope) + np.float32(intercept)
    bad = sum(int((~np.isfinite(one)).sum()) for one in hu) if hu.dtype.kind == "f" else 0
    if bad:
        raise UserError(
            f"{bad} voxels that are NaN or infinite",
            expected="finite CT values in HU",
            exam=exam,
            file=path,
            remedy="convert the exam again from its source",
        )
    return hu, grid


def write_map(path: Path, labels: NDArray[np.uint8], grid: Grid) -> None:
    """Write a label map, or another map of small whole numbers, on an exam's own grid.

    Parameters
    ----------
    path : Path
        File to write, `.nii.gz`.
    labels : ndarray of uint8, shape (slices, rows, columns)
        Canonical orientation.
    grid : Grid
        The exam's grid; shape, affine, units and form codes are carried over.
    """
    own = np.ascontiguousarray(grid.restore(labels), dtype=np.uint8)
    image = nib.Nifti1Image(own, grid.affine)
    copy_form(image, grid.header)
    nib.save(image, path)
