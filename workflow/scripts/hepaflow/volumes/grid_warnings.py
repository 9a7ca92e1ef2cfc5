"""What is odd about an exam's grid by its header, and what that means for measures in mm."""

from collections.abc import Iterable

import numpy as np

from hepaflow.volumes.nifti_header import USUAL_MM, qform_of, unit_of
from hepaflow.volumes.steps import shear
from hepaflow.volumes.volume import Grid

TOLERANCE_MM = 1e-2
_SAME_LENGTH = 1e-3  # part of a length
_SHEARED = 1e-2  # cosine of the angle between two axes, half a degree from a right one
_EMPTY = "measures in mm would be false and are left empty"


def grid_warnings(grid: Grid) -> list[str]:
    """Return what is odd about a grid; nothing of it forbids to use the exam."""
    return [*_directions(grid), *_lengths(grid)]


def _directions(grid: Grid) -> list[str]:
    warnings = []
    sform, sform_code = grid.header.get_sform(coded=True)
    qform, qform_code = qform_of(grid.header)
    if not sform_code and not qform_code:
        warnings.append(f"neither sform nor qform: which way is up is unknown, {grid.axes} is assumed")
    elif int(grid.header["qform_code"]) and not qform_code:
        warnings.append(f"a qform that is no rotation: the sform is trusted, {grid.axes}")
    elif sform_code and qform is not None and not np.allclose(sform, qform, atol=TOLERANCE_MM):
        warnings.append(f"sform and qform disagree: the sform is trusted, {grid.axes}")
    if (cosine := shear(grid.steps)) > _SHEARED:
        warnings.append(
            f"a sheared grid, {np.degrees(np.arcsin(min(cosine, 1))):.1f}° from right angles: lengths and volumes "
            "are measured along it, slices are shown as if it were not"
        )
    return warnings


def _lengths(grid: Grid) -> list[str]:
    if not grid.names_spacing:
        return [f"no spacing in the header: {_EMPTY}"]
    if grid.is_identity:
        return [f"identity affine and 1 mm spacing: {_EMPTY}"]
    unit, told = unit_of(grid.header), _told(grid.spacing)
    if grid.unit_mm is None:
        return [f"a spacing of {told}, in the unit {unit!r}, as no CT has: {_EMPTY}"]
    warnings = []
    low, high = USUAL_MM
    if grid.unit_mm != 1:
        warnings.append(f"lengths in the unit {unit!r}: measures are converted to mm ({told})")
    elif unit not in ("mm", "unknown") or not all(low <= length <= high for length in grid.spacing):
        warnings.append(f"a spacing of {told}, in the unit {unit!r}: measures in mm take it for mm")
    own = np.sqrt((grid.affine[:3, :3] ** 2).sum(axis=0))
    if grid.told is not None and all(grid.told) and not np.allclose(own, grid.told, rtol=_SAME_LENGTH, atol=0):
        warnings.append(
            f"two spacings in the header, {_told(own.tolist())} in its affine and {_told(grid.told)} in pixdim: "
            "the affine is trusted"
        )
    return warnings


def _told(lengths: Iterable[float]) -> str:
    return "×".join(f"{length:.6g}" for length in lengths)
