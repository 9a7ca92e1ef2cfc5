"""What objects take over from the CT is in the right form, and its lengths are those of the grid."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_series import Phantom, validator_errors, write
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from hepaflow.dicom.overlay import write_overlay
from hepaflow.dicom.reading import read_series
from hepaflow.dicom.segmentation import write_segmentation
from hepaflow.dicom.series import Series, choose_series, find_series
from hepaflow.dicom.values import text
from hepaflow.volumes.volume import Grid

GAP = Phantom().gap


def _raw(image: Dataset, name: str, value: str) -> None:
    """Put a value into an element as it is, whatever its form."""
    tag, content = Tag(tag_for_keyword(name)), value.encode() + b" " * (len(value) % 2)
    image._dict[tag] = RawDataElement(tag, dictionary_VR(tag), len(content), content, 0, False, True)


def _read(folder: Path, images: list[Any]) -> tuple[np.ndarray, Grid, Series]:
    write(images, folder, enforce_file_format=False)
    return read_series(choose_series(find_series(folder)))


def _written(folder: Path, images: list[Any]) -> tuple[Dataset, list[Dataset], Series]:
    """Return the segmentation and the colour images of a series."""
    hu, grid, series = _read(folder / "ct", images)
    labels = grid.canonicalise(Phantom().labels.transpose(2, 1, 0))
    write_segmentation(folder / "seg.dcm", labels, grid, series)
    paths = write_overlay(folder / "overlay", hu, labels, grid, series)
    return pydicom.dcmread(folder / "seg.dcm"), [pydicom.dcmread(path) for path in paths], series


def _volume(segmentation: Dataset) -> tuple[float, float]:
    """Return the liver's millilitres as readers compute them: by either length, which alone some readers take."""
    frames = segmentation.PerFrameFunctionalGroupsSequence
    liver = [f.SegmentIdentificationSequence[0].ReferencedSegmentNumber == 1 for f in frames]
    voxels = segmentation.pixel_array[liver].sum()
    (measures,) = segmentation.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence
    area = float(np.prod([float(one) for one in measures.PixelSpacing]))
    return (
        voxels * area * float(measures.SpacingBetweenSlices) / 1000,
        voxels * area * float(measures.SliceThickness) / 1000,
    )


SPACINGS = [None, "", GAP, GAP / 2, GAP / 4, -GAP, 0, "abc", "2.5\\3"]
THICKNESSES = [GAP, 2 * GAP, GAP / 2, "", None, "0", "-5", "abc", "nan"]


@pytest.mark.parametrize(
    ("between", "thickness"),
    [*((one, GAP) for one in SPACINGS), *((None, one) for one in THICKNESSES), ("1", "9")],
)
def test_readers_get_the_volume_whatever_the_ct_says_of_its_slices(
    tmp_path: Path, between: object, thickness: object
) -> None:
    images = Phantom().slices()
    for image in images:
        del image.SliceThickness
        for name, value in (("SpacingBetweenSlices", between), ("SliceThickness", thickness)):
            if value is not None:
                _raw(image, name, str(value))
    segmentation, overlay, series = _written(tmp_path, images)
    expected = (Phantom().labels >= 1).sum() * 0.8 * 0.7 * GAP / 1000
    np.testing.assert_allclose(_volume(segmentation), expected)
    assert all(float(image.SpacingBetweenSlices) == GAP and image.SliceThickness > 0 for image in overlay)
    odd = between not in (None, "", GAP, -GAP)  # a sign is a scanner's habit
    assert any("SpacingBetweenSlices" in note for note in series.notes) == odd


WRONG = {
    "PatientBirthDate": ["19500231", "99999999", "1950"],
    "StudyDate": ["20201301", "today", "20200102-20200103"],
    "StudyTime": ["256199", "10:11:12x", "101112.1234567"],
    "AcquisitionDate": ["x", "20201399"],
    "AcquisitionTime": ["259999", "x"],
    "PatientSex": ["male", "f\\m"],
    "PatientAge": ["45", "45Y\\3"],
    "PatientSize": ["abc", "1,80", "1e400"],
    "PatientWeight": ["80kg", "80\\81"],
    "AcquisitionNumber": ["x", "1\\2"],
    "InstanceNumber": ["x"],
    "LossyImageCompression": ["not at all so"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in WRONG for value in WRONG[name]])
def test_a_value_of_the_wrong_form_is_left_out(tmp_path: Path, name: str, value: str) -> None:
    images = Phantom().slices()
    for image in images:
        _raw(image, name, value)
    segmentation, overlay, _ = _written(tmp_path, images)
    for written in (segmentation, *overlay):
        assert value.split("\\")[0] != str(written.get(name) or "")
    errors = validator_errors(tmp_path / "seg.dcm") + validator_errors(next((tmp_path / "overlay").iterdir()))
    assert errors == []


@pytest.mark.parametrize(("ratio", "method"), [("12.5", "ISO_10918_1"), ("12.5\\3.1", "ISO_10918_1\\ISO_15444_1")])
def test_each_of_several_compressions_with_loss_is_taken_over(tmp_path: Path, ratio: str, method: str) -> None:
    images = Phantom().slices(LossyImageCompression="01")
    for image in images:
        _raw(image, "LossyImageCompressionRatio", ratio)
        _raw(image, "LossyImageCompressionMethod", method)
    _, overlay, series = _written(tmp_path, images)
    assert series.notes == ()
    for one in overlay:
        assert one.LossyImageCompression == "01"
        assert text(one, "LossyImageCompressionRatio") == ratio
        assert text(one, "LossyImageCompressionMethod") == method


@pytest.mark.parametrize("name", ["LossyImageCompressionRatio", "LossyImageCompressionMethod"])
def test_one_malformed_value_of_several_is_too_many(tmp_path: Path, name: str) -> None:
    images = Phantom().slices(LossyImageCompression="01")
    for image in images:
        _raw(image, name, "12\\not a value")
    _, overlay, series = _written(tmp_path, images)
    assert any(name in note for note in series.notes)
    assert not any(name in one for one in overlay)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("StudyInstanceUID", "1.02.3"),
        ("PatientID", "x" * 100),
        ("PatientID", "a\\b"),
        ("PatientName", "a^b^c^d^e^f"),
        ("AccessionNumber", "A" * 40),
    ],
)
def test_what_tells_whose_it_is_stays_as_it_is(tmp_path: Path, name: str, value: str) -> None:
    images = Phantom().slices()
    for image in images:
        _raw(image, name, value)
    segmentation, overlay, series = _written(tmp_path, images)
    for written in (segmentation, *overlay):
        assert written[name].value == series.headers[0][name].value
        assert str(written[name].value).replace(", ", "\\").strip("[]").replace("'", "") == value


def test_frames_of_reference_that_differ_are_one_in_the_results(tmp_path: Path) -> None:
    images = Phantom().slices()
    for number, image in enumerate(images):
        image.FrameOfReferenceUID = f"1.2.3.{number}"
    segmentation, overlay, series = _written(tmp_path, images)
    assert len({one.FrameOfReferenceUID for one in (segmentation, *overlay, *series.headers)}) == 1


def test_directions_and_pixels_that_differ_in_the_last_digit_are_alike_in_the_results(tmp_path: Path) -> None:
    images = Phantom().slices()
    images[2].ImageOrientationPatient = [1, 0, 0, 0, 1, "0.00001"]
    images[3].PixelSpacing = ["0.80001", "0.7"]
    segmentation, overlay, series = _written(tmp_path, images)
    assert series.notes == ()
    assert {tuple(one.ImageOrientationPatient) for one in overlay} == {(1, 0, 0, 0, 1, 0)}
    assert {tuple(one.PixelSpacing) for one in overlay} == {(0.8, 0.7)}
    (plane,) = segmentation.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence
    assert list(plane.ImageOrientationPatient) == [1, 0, 0, 0, 1, 0]


@pytest.mark.parametrize("beside", [(0.1, 0, 0), (0, 0.05, 0), (0, -0.3, 0)])
def test_places_that_lie_a_little_beside_the_normal_are_written(tmp_path: Path, beside: Sequence[float]) -> None:
    images = Phantom().slices()
    plain, _, _ = _written(tmp_path / "plain", images)
    for index, image in enumerate(images):
        moved = np.array(image.ImagePositionPatient, float) + np.multiply(beside, index / len(images))
        image.ImagePositionPatient = [f"{one:.4f}" for one in moved]
    segmentation, overlay, series = _written(tmp_path / "moved", images)
    np.testing.assert_array_equal(segmentation.pixel_array, plain.pixel_array)
    places = {one.SOPInstanceUID: list(one.ImagePositionPatient) for one in series.headers}
    for frame in segmentation.PerFrameFunctionalGroupsSequence:
        source = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        assert list(frame.PlanePositionSequence[0].ImagePositionPatient) == places[source]
    assert sorted(list(one.ImagePositionPatient) for one in overlay) == sorted(places.values())


@pytest.mark.parametrize(
    ("number", "raised"), [("3", 1003), ("-2000", 1000), ("", 1000), ("2147483647", 2147483647)]
)
def test_series_numbers_are_those_that_dicom_can_hold(tmp_path: Path, number: str, raised: int) -> None:
    images = Phantom().slices()
    for image in images:
        _raw(image, "SeriesNumber", number)
    segmentation, overlay, _ = _written(tmp_path, images)
    assert segmentation.SeriesNumber == raised
    assert raised <= overlay[0].SeriesNumber < 1 << 31


def test_sound_headers_are_taken_over_without_a_note(tmp_path: Path) -> None:
    _, _, series = _read(
        tmp_path, Phantom().slices(SpacingBetweenSlices=-GAP, PatientAge="045Y", PatientWeight=70)
    )
    assert series.notes == ()
    assert series.headers[0].PatientAge == "045Y"
    assert series.headers[0].PatientWeight == 70
    assert series.headers[0].PatientName == "Phantom^One"


def test_libraries_do_not_name_the_patient(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    images = Phantom().slices()
    for image in images:
        _raw(image, "PatientName", "Zebulon")  # without a separator, of which a library warns
        _raw(image, "PatientID", "Zebulon" * 20)
    recwarn.clear()
    _written(tmp_path, images)
    assert "Zebulon" not in caplog.text
    assert not [one for one in recwarn if "Zebulon" in str(one.message)]
