"""The header of one DICOM file: read, and repaired where possible."""

import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pydicom
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
    generate_uid,
)

from hepaflow.dicom.character_sets import declare_character_set
from hepaflow.dicom.identity import undecoded
from hepaflow.dicom.kinds import unit_is_open
from hepaflow.dicom.values import settle, text, uid

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

TELLS_APART = (
    "ConvolutionKernel", "FilterType", "KVP", "ContrastBolusAgent", "AcquisitionDateTime", "ContentTime",
    "TemporalPositionIdentifier", "TemporalPositionIndex", "NominalPercentageOfCardiacPhase", "TriggerTime",
)  # fmt: skip
"""What, beside the acquisition's number and time, differs between phases, passes and reconstructions."""

_READ = (
    *PATIENT_AND_STUDY, *PLANE, "SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "Modality", "ImageType",
    "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "BodyPartExamined", "PatientPosition",
    "InstanceNumber", "AcquisitionNumber", "AcquisitionDate", "AcquisitionTime", "FrameOfReferenceUID",
    "PositionReferenceIndicator", "GantryDetectorTilt", "NumberOfFrames", "SamplesPerPixel",
    "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PixelPaddingValue", "PixelPaddingRangeLimit", "RescaleSlope", "RescaleIntercept", "RescaleType",
    "ModalityLUTSequence", *TELLS_APART, "ImagesInAcquisition", "LossyImageCompression",
    "LossyImageCompressionRatio", "LossyImageCompressionMethod",
)  # fmt: skip
"""All that is read of a header: what is not here cannot leak into a result."""

ALWAYS_THERE = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
    "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
"""What every object carries, if only empty (type 2 of the patient and the study module)."""


_SHARED_UIDS = ("StudyInstanceUID", "SeriesInstanceUID")

_NUMBERED = re.compile(r"\d$")


class Read(NamedTuple):
    """A header, as it was read.

    Attributes
    ----------
    header : FileDataset
        Every element of it is in the standard's form.
    wrong : frozenset of str
        Elements that were in none, and are left out.
    notes : tuple of str
        What was read in another form, or in characters that the header does not declare.
    """

    header: FileDataset
    wrong: frozenset[str]
    notes: tuple[str, ...]


def read_header(path: Path) -> Read | None:
    """Read a file's header without its pixels.

    Parameters
    ----------
    path : Path
        Any file; with or without the preamble of part 10.

    Returns
    -------
    Read or None
        None where the file is not DICOM, or an index of DICOM files (DICOMDIR).

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If the file begins as DICOM and then breaks off or contradicts itself, or by its name should be DICOM.
    """
    with path.open("rb") as stream:
        start = stream.read(132)
    # Without a preamble a data set begins at its first element, in group 2 or 8; big endian with its VR, too.
    bare = start[:4] in (b"\x02\x00\x00\x00", b"\x02\x00\x01\x00") or start[:2] == b"\x08\x00"
    bare |= start[:2] == b"\x00\x08" and start[4:6].isalpha() and start[4:6].isupper()
    if start[128:] != b"DICM" and not bare:
        if _named_as_a_slice(path.name):
            raise ValueError("an empty file" if not start else "not DICOM")
        return None
    try:
        with warnings.catch_warnings(), path.open("rb") as stream:
            warnings.simplefilter("ignore")  # they spell out values of the header, which may name the patient
            header = pydicom.dcmread(stream, stop_before_pixels=True, force=bare, specific_tags=list(_READ))
            ended = stream.tell() == os.fstat(stream.fileno()).st_size
            header.undecoded_names = undecoded(header)
            declared = declare_character_set(header)
            settle(header.file_meta)
            wrong, notes = settle(header)
        if header.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
            return None
        if not any(name in header for name in ("Modality", "SOPClassUID", "StudyInstanceUID")) and bare:
            return None
    except OSError:
        raise
    except InvalidDicomError:
        return None
    except Exception as error:  # pydicom raises nearly every built-in error on damaged files
        # What it says may quote the file, which may name the patient.
        raise ValueError(f"damaged: {type(error).__name__}") from None
    if ended and _has_pixels(header):  # it is cut: pydicom takes what is left of a value for the value
        raise ValueError("damaged: it ends before its pixels")
    return Read(header, wrong, (*declared, *notes))


def _has_pixels(header: FileDataset) -> bool:
    """Tell whether a file must have pixels after the elements that were read; other objects have none."""
    meta = header.file_meta
    kind = str(meta.get("MediaStorageSOPClassUID") or text(header, "SOPClassUID"))
    inflated = meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian  # elsewhere than in the file
    return not inflated and CTImageStorage.startswith(kind) and text(header, "Modality") in ("", "CT")


def _named_as_a_slice(name: str) -> bool:
    """Tell whether a file is called as slices are: IM000123, 1.2.840.10008, x.dcm; hidden ones are notes."""
    stem, _, suffix = name.rpartition(".")
    if name.startswith("."):
        return False
    return suffix.lower() in ("dcm", "dicom", "ima", "dic") or (
        suffix.isdigit() if stem else bool(_NUMBERED.search(name))
    )


def repaired(
    header: FileDataset, place: str = "", studies: Mapping[str, str] = MappingProxyType({})
) -> tuple[FileDataset, list[str]]:
    """Fill in what some archives leave out of the data set, and say what that was.

    Class and instance are repeated in the file's meta information. What has no UID, or one that may not be
    written, gets one made from what is there: all files of a study or series get the same. A frame of reference is
    the whole series' (`hepaflow.dicom.instances.with_one_frame`).

    Parameters
    ----------
    header : FileDataset
    place : str, optional
        Folder of the file. Series without a UID are not one if they lie in two folders.
    studies : mapping of str to str, optional
        StudyInstanceUID by SeriesInstanceUID, where slices of the series have one.
    """
    notes = []
    if not uid(header, "SOPClassUID"):
        header.SOPClassUID = CTImageStorage
        notes.append("no SOPClassUID: taken for CT Image Storage")
    if not text(header, "Modality"):
        header.Modality = "CT"
        notes.append("no Modality: taken for CT")
    parts = (*_SHARED_UIDS, "FrameOfReferenceUID", "PatientID", "SeriesNumber")
    given = {name: text(header, name) for name in parts}
    alone = "" if given["SeriesInstanceUID"] else place
    study = studies.get(uid(header, "SeriesInstanceUID"))
    if study and not uid(header, "StudyInstanceUID"):
        header.StudyInstanceUID = study
        notes.append(
            f"{'a false' if given['StudyInstanceUID'] else 'no'} StudyInstanceUID: that of the other "
            "slices was taken"
        )
    for name in _SHARED_UIDS:
        if not uid(header, name):
            setattr(header, name, generate_uid(entropy_srcs=[name, *given.values(), alone]))
            notes.append(f"{'a false' if given[name] else 'no'} {name}: a new one was made")
    instance = uid(getattr(header, "file_meta", Dataset()), "MediaStorageSOPInstanceUID")
    if not uid(header, "SOPInstanceUID"):
        if instance:
            header.SOPInstanceUID = instance
            notes.append("no SOPInstanceUID: taken from the file's meta information")
        else:
            header.SOPInstanceUID = new_instance(header)
            notes.append("no SOPInstanceUID: a new one was made")
    if unit_is_open(header):
        notes.append(f"values in {text(header, 'RescaleType')} (RescaleType): taken for HU")
    if text(header, "PhotometricInterpretation") == "MONOCHROME1":
        notes.append("shown inverted (MONOCHROME1): values are taken as they are")
    header.SpecificCharacterSet = "ISO_IR 192"  # text is decoded by now; derivatives are written in UTF-8
    for name in ALWAYS_THERE:
        if name not in header:
            setattr(header, name, "")
    if text(header, "PatientSex") not in ("", "M", "F", "O"):
        header.PatientSex = ""
    for name, form in (("PatientBirthDate", r"\d{8}"), ("StudyDate", r"\d{8}"), ("StudyTime", r"\d{2,6}(\.\d*)?")):
        if not re.fullmatch(form, text(header, name)):  # a wrong date must not stop the result from being written
            setattr(header, name, "")
    return header, notes


def new_instance(header: Dataset) -> pydicom.uid.UID:
    """Return a SOPInstanceUID for a slice without one of its own, from its series and its place."""
    parts = ("SeriesInstanceUID", "SOPInstanceUID", "InstanceNumber", "AcquisitionNumber", "ImagePositionPatient")
    return generate_uid(entropy_srcs=[text(header, name) for name in parts])
