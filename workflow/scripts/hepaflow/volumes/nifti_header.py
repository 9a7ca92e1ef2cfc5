"""What a NIfTI header says of millimetres, where it says it in odd values or in two places."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepaflow.volumes.nibabel_alone import nib

_HeaderDataError = nib.spatialimages.HeaderDataError

USUAL_MM = (0.1, 20)
"""Distances between voxels of a CT of an abdomen."""
_POSSIBLE_MM = (0.05, 50)
"""Others are no millimetres: measures would be false by powers of ten."""

_UNITS = {1: ("meter", 1000.0), 2: ("mm", 1.0), 3: ("micron", 0.001)}  # NIfTI-1, `xyzt_units`
_TIMES = range(0, 56, 8)


def names_spacing(image: Any) -> bool:
    """Return whether a header says how far apart voxels are.

    nibabel takes 1 mm where a header has 0. And a header without any form and with 1 mm along all axes is what
    programs write that know nothing of millimetres.
    """
    if int(image.header["sform_code"]) > 0:
        return True
    lengths = told_lengths(image)
    return all(lengths) and (int(image.header["qform_code"]) > 0 or set(lengths) != {1.0})


def told_lengths(image: Any) -> tuple[float, float, float]:
    """Return the distances between voxels along the file's axes as its bytes say (`pixdim`), in its own unit."""
    holder = image.file_map.get("header", image.file_map["image"])
    with holder.get_prepare_fileobj("rb") as stream:
        header = type(image.header).from_fileobj(stream, check=False)
    one, two, three = np.abs(np.asarray(header["pixdim"][1:4], np.float64)).tolist()
    return one, two, three


def unit_of(header: Any) -> str:
    """Return the unit of a header's lengths: 'mm', 'meter', 'micron', 'unknown', or a code that means none."""
    code = int(header["xyzt_units"]) % 8
    return _UNITS[code][0] if code in _UNITS else f"code {code}" if code else "unknown"


def millimetres(lengths: NDArray[np.float64], header: Any) -> float | None:
    """Return how many millimetres one unit of a header is; None where its lengths can be no distances in a CT.

    A unit is believed where it makes distances between voxels that a CT can have: headers tell of metres, and mean
    millimetres.

    Parameters
    ----------
    lengths : ndarray, shape (3,)
        Distances between voxels, in the header's unit.
    header : nibabel header
    """
    told = _UNITS.get(int(header["xyzt_units"]) % 8, ("", 1.0))[1]
    low, high = _POSSIBLE_MM
    return next((one for one in (told, 1.0) if (lengths * one > low).all() and (lengths * one < high).all()), None)


def qform_of(header: Any) -> tuple[NDArray[np.float64] | None, int]:
    """Return the qform and its code; None and 0 where there is none, or its quaternion is no rotation."""
    try:
        qform, code = header.get_qform(coded=True)
    except (_HeaderDataError, ValueError):
        return None, 0
    return (None, 0) if qform is None or not np.isfinite(qform).all() else (qform, int(code))


def copy_form(target: Any, source: Any) -> None:
    """Give a new image the units, forms and codes of a header, as far as they are valid.

    Parameters
    ----------
    target : nibabel image
        With the affine that it is to have.
    source : nibabel header
    """
    header = target.header
    space, time = int(source["xyzt_units"]) % 8, int(source["xyzt_units"]) & ~7
    header["xyzt_units"] = (space if space in _UNITS else 0) + (time if time in _TIMES else 0)
    sform, code = source.get_sform(coded=True)
    target.set_sform(sform, int(code))
    target.set_qform(*qform_of(source))
    header["pixdim"][1:4] = source["pixdim"][1:4]
