"""The pixels of one slice: decoded, freed of what is no measurement, and brought to HU."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.pixels.processing import apply_modality_lut
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from hepaflow.dicom.values import number, whole

AIR = -1024
"""HU of pixels that the scanner did not reconstruct, outside its circular field of view."""

_TISSUE = (-150.0, 250.0)
"""HU from fat to enhanced organs: none of them stands for padding."""

_OVERLAYS = range(0x6000, 0x6020, 2)


def slice_hu(path: Path, header: Dataset) -> tuple[NDArray[Any], list[str]]:
    """Decode one slice: its stored bits, then the modality LUT, then air for padding.

    Parameters
    ----------
    path : Path
    header : Dataset
        Of the file, as `read_header` gives it.

    Returns
    -------
    hu : ndarray, shape (rows, columns)
    notes : list of str
        What the header says otherwise than the pixels do.

    Raises
    ------
    Exception
        Whatever a decoder raises on damaged pixels, and ValueError where they contradict the header.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they spell out values of the header, which may name the patient
        dataset = pydicom.dcmread(path, force=True)
        raw = _raw(dataset, header)
        stored, notes = _stored(raw, dataset, header)
        if header.get("ModalityLUTSequence"):
            hu: NDArray[Any] = np.asarray(apply_modality_lut(stored, dataset), np.float32)
        else:
            slope, intercept = rescale(header)
            hu = stored * slope + intercept
    padding, more = _padding(raw, stored, header)
    return (hu if padding is None else np.where(padding, AIR, hu)), notes + more


def rescale(header: Dataset) -> tuple[float, float]:
    """Return slope and intercept, which lead from stored values to HU."""
    slope, intercept = number(header, "RescaleSlope"), number(header, "RescaleIntercept")
    return (1.0 if slope is None else slope), (0.0 if intercept is None else intercept)


def _raw(dataset: FileDataset, header: Dataset) -> NDArray[Any]:
    """Return pixels with all their allocated bits, so far as the form in which they are packed keeps those."""
    if "TransferSyntaxUID" not in dataset.file_meta:  # no meta information: pixels are raw
        implicit, little = dataset.original_encoding
        plain = ExplicitVRLittleEndian if little or little is None else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else plain
    for name in ("Rows", "Columns", "BitsAllocated", "BitsStored", "PixelRepresentation"):
        setattr(dataset, name, int(header[name].value))  # which may have been in a form of their own
    syntax = dataset.file_meta.TransferSyntaxUID
    raw_bits = not syntax.is_encapsulated or syntax == RLELossless
    if not raw_bits and _lowest_bit(header):
        raise ValueError(f"compressed pixels whose bits end at HighBit {header.HighBit}")
    dataset.pixel_array_options(correct_unused_bits=not raw_bits)
    raw: NDArray[Any] = dataset.pixel_array
    if raw.shape != (dataset.Rows, dataset.Columns):
        raise ValueError(f"pixels of shape {raw.shape}")
    return raw


def _lowest_bit(header: Dataset) -> int:
    """Return where in a pixel's allocated bits its value begins; above 0 in old files, with overlays below.

    A HighBit that contradicts the two other numbers of bits says nothing.
    """
    stored, high = int(header.BitsStored), whole(header, "HighBit")
    follows = high is not None and stored <= high + 1 <= int(header.BitsAllocated)
    return high + 1 - stored if follows and high is not None else 0


def _stored(raw: NDArray[Any], dataset: Dataset, header: Dataset) -> tuple[NDArray[Any], list[str]]:
    """Return the values that pixels hold in their stored bits, with the sign that they have there."""
    bits, low = int(header.BitsStored), _lowest_bit(header)
    if raw.dtype.kind not in "iu" or 8 * raw.dtype.itemsize == bits:
        return raw, []
    ends = (-(1 << bits - 1), 1 << bits - 1) if raw.dtype.kind == "i" else (0, 1 << bits)
    if not low and ends[0] <= raw.min() and raw.max() < ends[1]:
        return raw, []
    notes = []
    if low and (raw & ((1 << low) - 1)).any() and not (raw >> bits).any():
        notes.append(f"values that end at bit {bits - 1}, not at HighBit {header.HighBit}: taken as they are")
        low = 0
    above = 8 * raw.dtype.itemsize - bits - low
    stored: NDArray[Any] = (raw << above) >> (above + low)
    # Bits above the stored ones are an overlay's, or nothing's where they stop short of a sign.
    overlays = any((group, 0x0102) in dataset and (group, 0x3000) not in dataset for group in _OVERLAYS)
    beyond = (raw != stored) & ((raw >> bits) != 0)
    if low or overlays or not beyond.any():
        return stored, notes
    padding, _ = _padding(raw, raw, header)
    if padding is None or (beyond & ~padding).any():
        notes.append(f"values beyond BitsStored {bits}: taken as they are")
    return np.where(beyond, raw, stored), notes


def _padding(
    raw: NDArray[Any], stored: NDArray[Any], header: Dataset
) -> tuple[NDArray[np.bool_] | None, list[str]]:
    """Return which pixels stand for no measurement (PixelPaddingValue and its range).

    The element has one sign and the pixels may have another: archives write -2000 as 63536, and 63536 as -2000.
    """
    value, limit = whole(header, "PixelPaddingValue"), whole(header, "PixelPaddingRangeLimit")
    if value is None:
        return None, []
    notes = []
    bits, signed = int(header.BitsStored), bool(header.PixelRepresentation)
    ends = [_with_sign(end, int(header.BitsAllocated), signed) for end in (value, limit) if end is not None]
    slope, intercept = rescale(header)
    in_hu = [end * slope + intercept for end in ends]
    if _TISSUE[0] < in_hu[0] < _TISSUE[1]:
        return None, [f"a PixelPaddingValue of {in_hu[0]:g} HU, which tissue has: not followed"]
    if min(in_hu) < _TISSUE[1] and max(in_hu) > _TISSUE[0]:
        ends = ends[:1]
        notes.append("a PixelPaddingRangeLimit that would take tissue for padding: not followed")
    own = [_with_sign(end, bits, signed) if 0 <= end < 1 << bits else end for end in ends]
    found = (raw >= min(ends)) & (raw <= max(ends)) | (stored >= min(own)) & (stored <= max(own))
    return np.asarray(found), notes


def _with_sign(value: int, bits: int, signed: bool) -> int:
    value %= 1 << bits
    return value - (1 << bits) if signed and value >> (bits - 1) else value
