"""The result as a series of colour images: liver green and lesions red over the CT (thesis 4.10)."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from hepaflow.dicom.derived import MAKER, OVERLAY_RAISE, SERIAL_NUMBER, Remarks, on_slices
from hepaflow.dicom.geometry import Plane, Vector
from hepaflow.dicom.headers import PATIENT_AND_STUDY, PLANE
from hepaflow.dicom.series import Series
from hepaflow.dicom.source import in_silence, instance_numbers, raised
from hepaflow.preprocessing.window import window
from hepaflow.settings.slices import WindowSettings
from hepaflow.version import version
from hepaflow.volumes.volume import Grid

ALPHA = 0.3
"""Weight of the colour (thesis 4.10)."""

COLOURS = {1: (0, 255, 0), 2: (255, 0, 0)}
"""Liver green, lesion red (thesis 4.10)."""

_COPIED = (
    *PATIENT_AND_STUDY, *PLANE, "SpecificCharacterSet", "PatientPosition", "FrameOfReferenceUID",
    "PositionReferenceIndicator", "AcquisitionNumber", "AcquisitionDate", "AcquisitionTime",
    "LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod",
)  # fmt: skip
"""What a colour image takes over from its slice."""

_TRUNK = {"ABDOMEN", "ABDOMENPELVIS", "CHEST", "CHESTABDOMEN", "CHESTABDPELVIS", "LIVER", "PELVIS", "WHOLEBODY"}
_BODY_PART = "ABDOMEN"
"""Where the CT names no part of DICOM's list: for a part it does not know, DICOM asks for a laterality."""

_OBLIQUE = 0.1  # smaller direction cosines do not enter the letters of PatientOrientation


def write_overlay(
    folder: Path,
    hu: NDArray[Any],
    labels: NDArray[np.uint8],
    grid: Grid,
    series: Series,
    *,
    shown: WindowSettings | None = None,
    pixels: bool = True,
    remarks: Remarks | None = None,
) -> list[Path]:
    """Write each slice as a colour image, a Secondary Capture in a series of its own.

    Parameters
    ----------
    folder : Path
        Folder to write to; made where it is missing.
    hu : ndarray of int or float, shape (slices, rows, columns)
        CT values in HU, canonical orientation.
    labels : ndarray of uint8, shape (slices, rows, columns)
        0 background, 1 liver, 2 lesion.
    grid : Grid
        The grid of the series.
    series : Series
        The CT series, as `read_series` returns it.
    shown : WindowSettings, optional
        Range of CT values between black and white; the thesis' window unless given.
    pixels : bool, optional
        False for headers alone, to see whether they can be written.
    remarks : Remarks, optional
        What the model was made from; stands in the descriptions of the series and of its derivation.

    Returns
    -------
    list of Path
        A file a slice, in the order of the series; named by their instance numbers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    grey, masks = on_slices(hu, grid, series), on_slices(labels, grid, series)
    common = _common(series, datetime.now(), remarks or Remarks())
    numbers = instance_numbers(series.headers)
    paths = []
    for header, ct, mask, number in zip(series.headers, grey, masks, numbers, strict=True):
        path = folder / f"{number:04d}.dcm"
        with in_silence():
            image = _image(header, common, number)
            image.PixelData = blend(ct, mask, shown or WindowSettings()).tobytes() if pixels else b""
            if len(image.PixelData) % 2:
                image.PixelData += b"\0"  # values of DICOM elements have an even length
            image.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def blend(hu: NDArray[Any], labels: NDArray[np.uint8], shown: WindowSettings) -> NDArray[np.uint8]:
    """Lay the colours over a windowed slice (thesis 4.10).

    Parameters
    ----------
    hu : ndarray, shape (rows, columns)
    labels : ndarray of uint8, shape (rows, columns)
    shown : WindowSettings

    Returns
    -------
    ndarray of uint8, shape (rows, columns, 3)
        Grey, and in masks `(1 - ALPHA) · grey + ALPHA · colour`.
    """
    grey = window(hu, shown) * np.float32(255)
    image = np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=-1)
    for label, colour in COLOURS.items():
        mask = labels == label
        mixed = (1 - ALPHA) * grey[mask][:, None] + ALPHA * np.array(colour, np.float32)
        image[mask] = np.rint(mixed).astype(np.uint8)
    return image


def patient_orientation(along_row: Vector, along_column: Vector) -> list[str]:
    """Return where in the patient the columns and the rows of an image count up: L and P if axial."""
    letters = (("L", "R"), ("P", "A"), ("H", "F"))
    return [
        "".join(
            letters[axis][int(direction[axis] < 0)]
            for axis in np.argsort(-abs(direction), kind="stable")
            if abs(direction[axis]) > _OBLIQUE
        )
        for direction in (along_row, along_column)
    ]


def _common(series: Series, now: datetime, remarks: Remarks) -> Dataset:
    """Return the elements that all images of the series share."""
    date, time = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    new = Dataset()
    new.SOPClassUID = SecondaryCaptureImageStorage
    new.SeriesInstanceUID = generate_uid()
    new.SeriesNumber = raised(series, OVERLAY_RAISE)
    new.SeriesDescription = remarks.line("Liver green, lesions red")
    new.SeriesDate = new.ContentDate = new.InstanceCreationDate = new.DateOfSecondaryCapture = date
    new.SeriesTime = new.ContentTime = new.InstanceCreationTime = new.TimeOfSecondaryCapture = time
    new.Modality = "OT"
    new.ConversionType = "WSD"
    new.Manufacturer = new.SecondaryCaptureDeviceManufacturer = MAKER
    new.ManufacturerModelName = new.SecondaryCaptureDeviceManufacturerModelName = MAKER
    new.SoftwareVersions = new.SecondaryCaptureDeviceSoftwareVersions = version()
    new.DeviceSerialNumber = SERIAL_NUMBER
    part = str(series.headers[0].get("BodyPartExamined") or "").upper()
    new.BodyPartExamined = part if part in _TRUNK else _BODY_PART
    new.ImageType = ["DERIVED", "SECONDARY"]
    new.DerivationDescription = remarks.text("Liver and lesions segmented by hepaflow, laid in colour over the CT")
    new.BurnedInAnnotation = "NO"
    new.SamplesPerPixel = 3
    new.PhotometricInterpretation = "RGB"
    new.PlanarConfiguration = 0
    new.BitsAllocated = new.BitsStored = 8
    new.HighBit = 7
    new.PixelRepresentation = 0
    return new


def _image(header: Dataset, common: Dataset, number: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    for name in _COPIED:
        if name in header:
            image[name] = header[name]
    image.update(common)
    image.SOPInstanceUID = generate_uid()
    image.InstanceNumber = number
    plane = Plane.of(header)
    image.PatientOrientation = patient_orientation(plane.along_row, plane.along_column)
    source = Dataset()
    source.ReferencedSOPClassUID = header.SOPClassUID
    source.ReferencedSOPInstanceUID = header.SOPInstanceUID
    purpose = Dataset()
    code = codes.DCM.SourceImageForImageProcessingOperation
    purpose.CodeValue, purpose.CodingSchemeDesignator, purpose.CodeMeaning = code.value, "DCM", code.meaning
    source.PurposeOfReferenceCodeSequence = [purpose]
    image.SourceImageSequence = [source]
    return image
