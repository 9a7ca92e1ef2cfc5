"""Synthetic CT series, written as scanners and archives write them."""

import random
import shutil
import subprocess
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

ORIENTATIONS = {
    "head first supine": (1, 0, 0, 0, 1, 0),
    "prone": (-1, 0, 0, 0, -1, 0),
    "seen from the head": (-1, 0, 0, 0, 1, 0),
    "oblique": (0.98480775, 0.17364818, 0, -0.16317591, 0.92541658, 0.34202014),
}
"""Directions of rows and columns in LPS; slices of the third are counted towards the feet."""

SHAPE = (7, 12, 10)


@dataclass
class Phantom:
    """An asymmetric volume on the slices of a series; slices are counted along their normal."""

    orientation: tuple[float, ...] = ORIENTATIONS["head first supine"]
    spacing: tuple[float, float] = (0.8, 0.7)
    gap: float = 2.5
    origin: tuple[float, float, float] = (-31.5, -120.25, 40.0)
    stored: np.ndarray = field(
        default_factory=lambda: np.random.default_rng(7).integers(0, 2500, SHAPE).astype(np.int16)
    )

    @property
    def lps(self) -> np.ndarray:
        """Affine from (column, row, slice) to millimetres in LPS."""
        row, column = np.array(self.orientation[:3]), np.array(self.orientation[3:])
        affine = np.eye(4)
        affine[:3, 0] = row * self.spacing[1]
        affine[:3, 1] = column * self.spacing[0]
        affine[:3, 2] = np.cross(row, column) * self.gap
        affine[:3, 3] = self.origin
        return affine

    @property
    def labels(self) -> np.ndarray:
        """An L-shaped liver with a lesion in one corner, on the stored slices."""
        labels = np.zeros(self.stored.shape, np.uint8)
        labels[1:5, 2:9, 1:4] = 1
        labels[1:3, 7:9, 1:8] = 1
        labels[2, 3:5, 1] = 2
        return labels

    def nifti(self, values: np.ndarray, path: Path) -> Path:
        """Write values on the slices as NIfTI."""
        affine = np.diag([-1.0, -1, 1, 1]) @ self.lps
        nib.save(nib.Nifti1Image(np.ascontiguousarray(values.transpose(2, 1, 0)), affine), path)
        return path

    def places(self, mask: np.ndarray) -> np.ndarray:
        """Return the positions of set voxels in LPS, in mm, in the order of their coordinates."""
        slices, rows, columns = np.nonzero(mask)
        return sorted_rows(np.stack([columns, rows, slices, np.ones_like(rows)], -1) @ self.lps[:3].T)

    def slices(self, *, descending: bool = False, intercept: float = -1024, **elements: Any) -> list[FileDataset]:
        """Return a data set a slice, with the elements of CT Image Storage that files usually have."""
        common = {
            "SOPClassUID": CTImageStorage,
            "Modality": "CT",
            "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
            "StudyInstanceUID": unused_uid(),
            "SeriesInstanceUID": unused_uid(),
            "FrameOfReferenceUID": unused_uid(),
            "PositionReferenceIndicator": "",
            "SeriesNumber": 3,
            "SeriesDescription": "Abdomen",
            "PatientName": "Phantom^One",
            "PatientID": "P1",
            "PatientBirthDate": "",
            "PatientSex": "O",
            "StudyDate": "20200102",
            "StudyTime": "101112",
            "StudyID": "1",
            "AccessionNumber": "A7",
            "ReferringPhysicianName": "",
            "PatientPosition": "HFS",
            "BodyPartExamined": "ABDOMEN",
            "PixelSpacing": list(self.spacing),
            "ImageOrientationPatient": list(self.orientation),
            "SliceThickness": self.gap,
            "RescaleSlope": 1,
            "RescaleIntercept": intercept,
            "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2",
            "BitsAllocated": 16,
            "BitsStored": 16,
            "HighBit": 15,
            "PixelRepresentation": int(self.stored.dtype.kind == "i"),
        } | elements
        made = []
        for index, pixels in enumerate(self.stored):
            meta = FileMetaDataset()
            meta.TransferSyntaxUID = ExplicitVRLittleEndian
            image = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
            for name, value in common.items():
                setattr(image, name, value)
            image.Rows, image.Columns = pixels.shape
            image.SOPInstanceUID = unused_uid()
            image.InstanceNumber = len(self.stored) - index if descending else index + 1
            image.ImagePositionPatient = [f"{one:.6f}" for one in (self.lps @ [0, 0, index, 1])[:3]]
            image.PixelData = pixels.tobytes()
            made.append(image)
        return made


def unused_uid() -> str:
    """Return a UID that no other data set of the tests has; not a random one, which may hold any digits."""
    return generate_uid(entropy_srcs=["test", str(next(_NUMBERS))])


_NUMBERS = count()


def write(images: list[FileDataset], folder: Path, *, seed: int = 0, **how: Any) -> Path:
    """Write data sets into a folder, in shuffled order under names that tell nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{number:08x}" for number in random.Random(seed).sample(range(1 << 31), len(images))]
    for image, name in zip(images, names, strict=True):
        image.save_as(folder / name, **({"enforce_file_format": True} | how))
    return folder


def raw(header: Dataset, name: str, value: bytes, *, vr: str = "") -> None:
    """Put bytes into an element as they are."""
    tag = Tag(name)
    value += b"\0" * (len(value) % 2 if (vr or dictionary_VR(tag)) == "UI" else 0)
    header._dict[tag] = RawDataElement(tag, vr or dictionary_VR(tag), len(value), value, 0, False, True)


def sorted_rows(points: np.ndarray) -> np.ndarray:
    """Sort points by their coordinates, so that sets of points can be compared."""
    rounded = np.round(points, 2) + 0.0
    return points[np.lexsort(rounded.T)]


def validator_errors(path: Path) -> list[str]:
    """Return the errors that dciodvfy finds; skip the test where it is not installed."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed: tests/dicom/install_dicom3tools.sh")
    found = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    lines = (found.stdout + found.stderr).splitlines()
    assert lines, "dciodvfy said nothing"
    return [line for line in lines if line.startswith("Error")]
