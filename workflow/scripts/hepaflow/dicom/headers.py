"""The header of one DICOM file: read, mended where it can be, and told apart by what it is."""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.tag import BaseTag
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
    MediaStorageDirectoryStorage,
    generate_uid,
)

_MULTI_FRAME_CT = (EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)

_NOT_SLICES = {
    "LOCALIZER": "localizer",
    "SCREEN SAVE": "screen save",
    "MIP": "projection (MIP)",
    "MAX_IP": "projection (MIP)",
    "MINIP": "projection (MinIP)",
    "MIN_IP": "projection (MinIP)",
    "PROJECTION IMAGE": "projection",
    "VRT": "volume rendering",
}
"""Values of ImageType that mark an image as something else than one slice of CT values."""

_IN_HU = {"", "HU", "HU_MOD", "US"}
"""Rescale types of CT values; US is 'unspecified'. Others are maps such as an iodine density."""

_GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns")

PATIENT_AND_STUDY = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "PatientAge", "PatientSize",
    "PatientWeight", "PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence",
    "StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber",
    "StudyDescription",
)  # fmt: skip
"""What makes an object one of the same patient and study."""

PLANE = (
    "Rows", "Columns", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "SliceThickness",
    "SpacingBetweenSlices", "SliceLocation",
)  # fmt: skip
"""Where an image lies."""

_READ = (
    *PATIENT_AND_STUDY, *PLANE, "SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "Modality", "ImageType",
    "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "BodyPartExamined", "PatientPosition",
    "InstanceNumber", "AcquisitionNumber", "AcquisitionDate", "AcquisitionTime", "FrameOfReferenceUID",
    "PositionReferenceIndicator", "GantryDetectorTilt", "NumberOfFrames", "SamplesPerPixel",
    "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PixelPaddingValue", "PixelPaddingRangeLimit", "RescaleSlope", "RescaleIntercept", "RescaleType",
    "ModalityLUTSequence", "LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod",
)  # fmt: skip
"""All that is read of a header: what is not here cannot leak into a result."""

ALWAYS_THERE = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
    "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
"""What every object carries, if only empty (type 2 of the patient and the study module)."""


def read_header(path: Path) -> FileDataset | None:
    """Read a file's header without its pixels.

    Parameters
    ----------
    path : Path
        Any file; with or without the preamble of part 10.

    Returns
    -------
    FileDataset or None
        None where the file is not DICOM, or an index of DICOM files (DICOMDIR).

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If the file begins as DICOM and then breaks off or contradicts itself.
    """
    with path.open("rb") as stream:
        start = stream.read(132)
    # Without a preamble a data set begins at its first element, in group 2 or 8.
    bare = start[:4] in (b"\x02\x00\x00\x00", b"\x02\x00\x01\x00") or start[:2] == b"\x08\x00"
    if start[128:] != b"DICM" and not bare:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they spell out values of the header, which may name the patient
            header = pydicom.dcmread(path, stop_before_pixels=True, force=bare, specific_tags=list(_READ))
            for tag in list(header.keys()):
                _decode(header, tag)
        if header.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
            return None
        if not any(name in header for name in ("Modality", "SOPClassUID", "StudyInstanceUID")):
            return None
    except OSError:
        raise
    except InvalidDicomError:
        return None
    except Exception as error:  # pydicom raises nearly every built-in error on damaged files
        # What it says may quote the file, which may name the patient.
        raise ValueError(f"damaged: {type(error).__name__}") from None
    return header


def _decode(header: Dataset, tag: BaseTag) -> None:
    """Decode an element, or drop it: a number in the wrong form is as good as none."""
    try:
        header[tag]
    except Exception:  # pydicom raises nearly every built-in error on a malformed value
        del header[tag]


def why_not(header: Dataset) -> str:
    """Say why an object is not a slice that could belong to a CT volume; an empty string where it is one."""
    modality, kind = _text(header, "Modality"), _kind(header)
    if kind in _MULTI_FRAME_CT or int(header.get("NumberOfFrames") or 1) > 1:
        return "multi-frame: convert it to one file a slice"
    if kind not in ("", CTImageStorage):
        return f"{kind.name}, not CT Image Storage"
    if modality != "CT":
        return f"modality {modality or 'unknown'}, not CT"
    for value in _values(header, "ImageType"):
        if reason := _NOT_SLICES.get(str(value).upper()):
            return reason
    if int(header.get("SamplesPerPixel") or 1) != 1:
        return "a colour image"
    if (unit := _text(header, "RescaleType").upper()) not in _IN_HU:
        return f"values in {unit}, not in HU"
    if missing := [name for name in _GEOMETRY if header.get(name) in (None, "")]:
        return f"no {', '.join(missing)}"
    if not _text(header, "SOPInstanceUID") and not header.file_meta.get("MediaStorageSOPInstanceUID"):
        return "no SOPInstanceUID"
    return ""


def mended(header: FileDataset) -> tuple[FileDataset, list[str]]:
    """Fill in what some archives leave out of the data set, and say what that was.

    Class and instance are repeated in the file's meta information. A study, a series or a frame of reference
    without a UID gets one made from the UIDs that are there, so that all files of it get the same one.
    """
    notes = []
    if not _text(header, "SOPClassUID"):
        header.SOPClassUID = CTImageStorage
        notes.append("no SOPClassUID: taken for CT Image Storage")
    if not _text(header, "SOPInstanceUID"):
        header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID
        notes.append("no SOPInstanceUID: taken from the file's meta information")
    known = [_text(header, name) for name in ("StudyInstanceUID", "FrameOfReferenceUID", "SeriesNumber")]
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        if not _text(header, name):
            setattr(header, name, generate_uid(entropy_srcs=[name, *known]))
            notes.append(f"no {name}: a new one was made")
    header.SpecificCharacterSet = "ISO_IR 192"  # text is decoded by now; derivatives are written in UTF-8
    for name in ALWAYS_THERE:
        if name not in header:
            setattr(header, name, "")
    if _text(header, "PatientSex") not in ("", "M", "F", "O"):
        header.PatientSex = ""
    for name, form in (("PatientBirthDate", r"\d{8}"), ("StudyDate", r"\d{8}"), ("StudyTime", r"\d{2,6}(\.\d*)?")):
        if not re.fullmatch(form, _text(header, name)):  # a wrong date must not stop the result from being written
            setattr(header, name, "")
    return header, notes


def _kind(header: Dataset) -> pydicom.uid.UID:
    meta = getattr(header, "file_meta", Dataset())
    return pydicom.uid.UID(_text(header, "SOPClassUID") or str(meta.get("MediaStorageSOPClassUID") or ""))


def _text(header: Dataset, name: str) -> str:
    value = header.get(name)
    return "" if value is None else str(value).strip()


def _values(header: Dataset, name: str) -> Sequence[object]:
    value = header.get(name)
    if value is None or isinstance(value, str):
        return [value or ""]
    return list(value)
