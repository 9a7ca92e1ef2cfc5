"""From the slices of a CT series to a volume in HU on a grid, as `hepaflow.volume.read_image` gives it."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from hepaflow.dicom.geometry import GeometryError, Plane, affine_of, positions
from hepaflow.dicom.series import Series
from hepaflow.errors import UserError
from hepaflow.volume import Grid

AIR = -1024
"""HU of pixels that the scanner did not reconstruct, outside its circular field of view."""


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
        The same series in the order of the grid's slices.

    Raises
    ------
    UserError
        If the slices make no regular volume, or their pixels cannot be decoded.
    """
    try:
        series, grid = _in_order(series)
    except GeometryError as error:
        raise UserError(
            str(error),
            exam=series.name,
            file=series.files[0].parent,
            expected="one complete CT volume: equal upright slices, evenly spaced",
            remedy="export the series again and completely, or choose another reconstruction with --series",
        ) from None
    own = np.empty(grid.shape, _value_type(series.headers), order="F")  # each slice lies in one piece
    for index, (header, path) in enumerate(zip(series.headers, series.files, strict=True)):
        own[:, :, index] = _slice_hu(path, header, series).T
    return grid.canonicalise(own), grid, series


def _in_order(series: Series) -> tuple[Series, Grid]:
    planes = [Plane.of(header) for header in series.headers]
    order = np.argsort(positions(planes), kind="stable")
    headers = tuple(series.headers[place] for place in order)
    planes = [planes[place] for place in order]
    affine = affine_of(planes, [float(header.get("GantryDetectorTilt") or 0) for header in headers])
    rows, columns = planes[0].shape
    shape = (columns, rows, len(planes))
    image = nib.Nifti1Image(np.broadcast_to(np.int16(0), shape), affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, "scanner")
    image.set_qform(affine, "scanner")
    ordered = replace(series, headers=headers, files=tuple(series.files[place] for place in order))
    return ordered, Grid(shape, affine, image.header.copy())


def _value_type(headers: tuple[Dataset, ...]) -> type[np.number[Any]]:
    """Return the smallest type that holds every value a slice may have."""
    lowest, highest = float(AIR), 0.0
    for header in headers:
        if header.get("ModalityLUTSequence"):
            return np.float32
        slope, intercept = _rescale(header)
        if not (slope.is_integer() and intercept.is_integer()):
            return np.float32
        bits, signed = int(header.BitsStored), bool(header.PixelRepresentation)
        ends = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        values = [end * slope + intercept for end in ends]
        lowest, highest = min(lowest, *values), max(highest, *values)
    limits = np.iinfo(np.int16)
    return np.int16 if limits.min <= lowest and highest <= limits.max else np.int32


def _rescale(header: Dataset) -> tuple[float, float]:
    slope, intercept = header.get("RescaleSlope"), header.get("RescaleIntercept")
    return (1.0 if slope in (None, "") else float(slope)), (0.0 if intercept in (None, "") else float(intercept))


def _slice_hu(path: Path, header: Dataset, series: Series) -> NDArray[Any]:
    """Decode one slice: modality LUT, then air for padding."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they spell out values of the header, which may name the patient
            dataset = pydicom.dcmread(path, force=True)
        if "TransferSyntaxUID" not in dataset.file_meta:  # no meta information: pixels are raw
            implicit = dataset.original_encoding[0]
            dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        stored = dataset.pixel_array
        if stored.shape != (header.Rows, header.Columns):
            raise ValueError(f"pixels of shape {stored.shape}")
        hu: NDArray[Any]
        if header.get("ModalityLUTSequence"):
            hu = np.asarray(apply_modality_lut(stored, dataset), np.float32)
        else:
            slope, intercept = _rescale(header)
            hu = stored * slope + intercept
    except Exception as error:  # each decoder raises errors of its own
        raise UserError(
            f"pixels that cannot be decoded ({type(error).__name__}: {error})",
            exam=series.name,
            file=path,
            expected="raw pixels, or JPEG, JPEG-LS, JPEG 2000 or RLE compressed ones",
            remedy="export the series again, uncompressed",
        ) from None
    padding = _padding(stored, header)
    return hu if padding is None else np.where(padding, AIR, hu)


def _padding(stored: NDArray[Any], header: Dataset) -> NDArray[np.bool_] | None:
    """Return which stored values stand for no measurement (PixelPaddingValue and its range)."""
    if header.get("PixelPaddingValue") in (None, ""):
        return None
    ends = [header.PixelPaddingValue]
    if header.get("PixelPaddingRangeLimit") not in (None, ""):
        ends.append(header.PixelPaddingRangeLimit)
    # Some scanners write -2000 into an unsigned element as 63536.
    wrapped = 1 << int(header.BitsAllocated)
    signed = bool(header.PixelRepresentation)
    values = [int(end) - wrapped if signed and int(end) >= wrapped // 2 else int(end) for end in ends]
    return np.asarray((stored >= min(values)) & (stored <= max(values)))
