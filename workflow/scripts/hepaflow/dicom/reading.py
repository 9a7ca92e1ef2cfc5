"""From the slices of a CT series to a volume in HU on a grid, as `hepaflow.volumes.volume.read_image` gives it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from hepaflow.dicom.acquisitions import check_one_acquisition, check_one_patient
from hepaflow.dicom.completeness import what_disagrees, what_is_missing
from hepaflow.dicom.geometry import GeometryError, Plane, affine_of, planes_of, positions
from hepaflow.dicom.kinds import is_computed
from hepaflow.dicom.pixels import AIR, rescale, slice_hu
from hepaflow.dicom.series import Series
from hepaflow.dicom.source import in_form
from hepaflow.dicom.values import number
from hepaflow.errors import UserError
from hepaflow.volumes.volume import Grid

_A_FEW = 4  # values that a message lists

_INT16 = np.iinfo(np.int16)


def read_series(series: Series) -> tuple[NDArray[Any], Grid, Series]:
    """Read a CT series.

    Parameters
    ----------
    series : Series
        As `find_series` finds it; the order of its slices does not matter.

    Returns
    -------
    hu : ndarray of int16, int32 or float32, shape (slices, rows, columns)
        CT values in HU, slices counted from the feet, rows from anterior, columns from the patient's right.
        Padding is air.
    grid : Grid
        Axes (column, row, slice) of the series, slices in the order of their positions along the normal, with
        the header of a NIfTI file in mm.
    series : Series
        The same series in the order of the grid's slices, its headers in the form that objects made from it need
        (`hepaflow.dicom.source`).

    Raises
    ------
    UserError
        If the slices make no regular volume, or their pixels cannot be decoded.
    """
    if series.refused:
        raise UserError(
            series.refused,
            exam=series.name,
            file=series.files[0].parent,
            expected="CT slices that say where they lie and how their pixels become HU",
            remedy="export the series again from the archive or the scanner, with complete headers",
        )
    try:
        series, grid = _in_order(series)
    except GeometryError as error:
        folders = {path.parent for path in series.files}
        apart = f", or name one of its {len(folders)} folders alone" if len(folders) > 1 else ""
        usual = "export the series again and completely, or take another reconstruction of the scan" + apart
        raise UserError(
            str(error),
            exam=series.name,
            file=series.files[0].parent,
            expected="one complete CT volume: equal upright slices, evenly spaced",
            remedy=error.remedy or usual,
        ) from None
    own = np.empty(grid.shape, _value_type(series.headers), order="F")  # each slice lies in one piece
    found: Counter[str] = Counter()
    for index, (header, path) in enumerate(zip(series.headers, series.files, strict=True)):
        hu, notes = _decoded(path, header, series)
        found.update(notes)
        lowest, highest = float(hu.min()), float(hu.max())
        if lowest == highest:
            found[f"slices of nothing but {lowest:g} HU"] += 1
        if own.dtype == np.int16 and not (_INT16.min <= lowest and highest <= _INT16.max):
            own = own.astype(np.int32)  # values go beyond the bits that the header tells of
        own[:, :, index] = hu.T
    told = [f"{note} ({count} of {len(series.files)} slices)" for note, count in found.items()]
    return grid.canonicalise(own), grid, in_form(replace(series, warnings=(*series.warnings, *told)))


def _in_order(series: Series) -> tuple[Series, Grid]:
    odd = check_one_patient(series.headers)
    planes = planes_of(series.headers)
    order = np.argsort(positions(planes), kind="stable")
    headers = tuple(series.headers[place] for place in order)
    planes = [planes[place] for place in order]
    if (planes[0].normal != Plane.of(headers[0]).normal).any():
        odd.append("rounded directions (ImageOrientationPatient): made exact by the positions of the slices")
    affine = affine_of(planes, [number(header, "GantryDetectorTilt") or 0.0 for header in headers])
    odd += _check_rescale(headers)
    odd += check_one_acquisition(headers)
    odd += what_is_missing(headers) + what_disagrees(headers, positions(planes))
    odd += sorted({found for header in headers if (found := is_computed(header))})
    rows, columns = planes[0].shape
    shape = (columns, rows, len(planes))
    image = nib.Nifti1Image(np.broadcast_to(np.int16(0), shape), affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, "scanner")
    image.set_qform(affine, "scanner")
    files = tuple(series.files[place] for place in order)
    ordered = replace(series, headers=headers, files=files, warnings=(*series.warnings, *odd))
    return ordered, Grid(shape, affine, image.header.copy())


def _check_rescale(headers: Sequence[Dataset]) -> list[str]:
    """Refuse slices of which only some say how values become HU; note where none does, or they differ."""
    notes = []
    for name in ("RescaleSlope", "RescaleIntercept"):
        lacking = sum(number(header, name) is None for header in headers if not header.get("ModalityLUTSequence"))
        if 0 < lacking < len(headers):
            raise GeometryError(f"{lacking} of {len(headers)} slices without {name}: the others have one")
        if lacking and name == "RescaleIntercept":
            notes.append("no RescaleIntercept: stored values are taken for HU")
        found = Counter(number(header, name) for header in headers).most_common()
        if len(found) > 1:
            few = ", ".join(f"{value or 0:g} ({count} slices)" for value, count in found[:_A_FEW])
            notes.append(f"slices that differ: {name} {few}{', ...' if len(found) > _A_FEW else ''}")
    return notes


def _value_type(headers: tuple[Dataset, ...]) -> type[np.number[Any]]:
    """Return the smallest type that holds every value a slice may have."""
    lowest, highest = float(AIR), 0.0
    for header in headers:
        if header.get("ModalityLUTSequence"):
            return np.float32
        slope, intercept = rescale(header)
        if not (slope.is_integer() and intercept.is_integer()):
            return np.float32
        bits, signed = int(header.BitsStored), bool(header.PixelRepresentation)
        ends = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        values = [end * slope + intercept for end in ends]
        lowest, highest = min(lowest, *values), max(highest, *values)
    return np.int16 if _INT16.min <= lowest and highest <= _INT16.max else np.int32


def _decoded(path: Path, header: Dataset, series: Series) -> tuple[NDArray[Any], list[str]]:
    try:
        return slice_hu(path, header)
    except Exception as error:  # each decoder raises errors of its own
        raise UserError(
            f"pixels that cannot be decoded ({type(error).__name__}: {error})",
            exam=series.name,
            file=path,
            expected="all pixels of the slice: raw, or JPEG, JPEG-LS, JPEG 2000 or RLE compressed",
            remedy="copy the file again if it is cut or damaged, or export the series again, uncompressed",
        ) from None
