"""The colour series shows the right colours at the right places, and is valid."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_series import ORIENTATIONS, Phantom, validator_errors, write
from pydicom.uid import SecondaryCaptureImageStorage

from hepaflow.dicom.overlay import blend, patient_orientation, write_overlay
from hepaflow.dicom.privacy import anonymised
from hepaflow.dicom.reading import read_series
from hepaflow.dicom.series import choose_series, find_series
from hepaflow.settings.slices import WindowSettings


def _written(phantom: Phantom, folder: Path, *, anonymous: bool = False, **elements: Any) -> tuple[list[Any], Any]:
    write(phantom.slices(**elements), folder / "dicom")
    hu, grid, series = read_series(choose_series(find_series(folder / "dicom")))
    labels = grid.canonicalise(phantom.labels.transpose(2, 1, 0))
    paths = write_overlay(folder / "out", hu, labels, grid, anonymised(series) if anonymous else series)
    return [pydicom.dcmread(path) for path in paths], series


def test_colours_are_blended_as_in_the_thesis() -> None:
    hu = np.array([[-300, 0, 100, 400]])
    labels = np.array([[0, 1, 2, 1]], np.uint8)
    grey = 0.7 * 350 / 500 * 255
    expected = [[0, 0, 0], [89, 166, 89], [grey + 76.5, grey, grey], [178.5, 255, 178.5]]
    np.testing.assert_allclose(blend(hu, labels, WindowSettings())[0], expected, atol=1)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("name", ORIENTATIONS)
def test_each_image_shows_its_slice(tmp_path: Path, name: str, descending: bool) -> None:
    phantom = Phantom(orientation=ORIENTATIONS[name])
    images, series = _written(phantom, tmp_path, descending=descending)
    for index, (image, header) in enumerate(zip(images, series.headers, strict=True)):
        expected = blend(phantom.stored[index] - 1024, phantom.labels[index], WindowSettings())
        np.testing.assert_array_equal(image.pixel_array, expected)
        assert image.ImagePositionPatient == header.ImagePositionPatient
        assert image.InstanceNumber == header.InstanceNumber
        assert image.SourceImageSequence[0].ReferencedSOPInstanceUID == header.SOPInstanceUID


def test_what_an_image_says_of_itself(tmp_path: Path) -> None:
    images, series = _written(Phantom(), tmp_path)
    assert len({image.SOPInstanceUID for image in images}) == len(images)
    assert len({image.SeriesInstanceUID for image in images} - {series.uid}) == 1
    image, source = images[0], series.headers[0]
    assert image.SOPClassUID == image.file_meta.MediaStorageSOPClassUID == SecondaryCaptureImageStorage
    for name in (
        "PatientName",
        "StudyInstanceUID",
        "FrameOfReferenceUID",
        "ImageOrientationPatient",
        "PixelSpacing",
    ):
        assert image[name].value == source[name].value
    assert image.SeriesNumber > source.SeriesNumber
    assert (image.ConversionType, image.PhotometricInterpretation) == ("WSD", "RGB")
    assert (image.SamplesPerPixel, image.PlanarConfiguration) == (3, 0)
    assert (image.BitsAllocated, image.BitsStored, image.HighBit) == (8, 8, 7)
    assert list(image.ImageType) == ["DERIVED", "SECONDARY"]
    assert list(image.PatientOrientation) == ["L", "P"]
    assert image.BodyPartExamined == "ABDOMEN"


def test_the_overlay_is_not_taken_for_a_ct(tmp_path: Path) -> None:
    _written(Phantom(), tmp_path)
    assert len(find_series(tmp_path).series) == 1


@pytest.mark.parametrize("part", ["ABDOMEN", "CHEST", "WHOLEBODY", "PARTIALBODY", ""])
@pytest.mark.parametrize("anonymous", [False, True])
def test_the_validator_finds_no_error(tmp_path: Path, part: str, anonymous: bool) -> None:
    _written(Phantom(), tmp_path, BodyPartExamined=part, anonymous=anonymous)
    assert not validator_errors(sorted((tmp_path / "out").iterdir())[0])


def test_an_anonymised_series_leaves_no_trace_of_the_patient(tmp_path: Path) -> None:
    _, series = _written(Phantom(), tmp_path, anonymous=True)
    for path in (tmp_path / "out").iterdir():
        written = path.read_bytes()
        for secret in ("Phantom", "20200102", series.uid, series.study_uid):
            assert secret.encode() not in written


def test_orientation_in_letters() -> None:
    row, column = np.array([0.98, 0.17, 0]), np.array([-0.16, 0.93, 0.34])
    assert patient_orientation(row, column) == ["LP", "PHR"]
    assert patient_orientation(-row * [1, 0, 0], np.array([0.0, 0.0, -1.0])) == ["R", "F"]
