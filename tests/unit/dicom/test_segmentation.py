"""The segmentation says the same of the same places in the patient, and is valid."""

from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
from dicom_series import ORIENTATIONS, Phantom, sorted_rows, validator_errors, write
from pydicom.sr.codedict import codes

from hepaflow.dicom.privacy import anonymised
from hepaflow.dicom.reading import read_series
from hepaflow.dicom.segmentation import write_segmentation
from hepaflow.dicom.series import choose_series, find_series


def _written(phantom: Phantom, folder: Path, labels: np.ndarray | None = None, **elements: Any) -> tuple[Any, Any]:
    """Write the phantom's labels as DICOM Segmentation; return it as read, and the series."""
    write(phantom.slices(**elements), folder / "dicom")
    _, grid, series = read_series(choose_series(find_series(folder / "dicom")))
    own = phantom.labels if labels is None else labels
    write_segmentation(folder / "seg.dcm", grid.canonicalise(own.transpose(2, 1, 0)), grid, series)
    return highdicom.seg.segread(folder / "seg.dcm"), series


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("name", ORIENTATIONS)
def test_segments_lie_where_the_labels_lie(tmp_path: Path, name: str, descending: bool) -> None:
    phantom = Phantom(orientation=ORIENTATIONS[name])
    segmentation, _ = _written(phantom, tmp_path, descending=descending)
    for number, mask in ((1, phantom.labels >= 1), (2, phantom.labels == 2)):
        volume = segmentation.get_volume(segment_numbers=[number])
        found = volume.map_indices_to_reference(np.argwhere(volume.array[..., 0]).astype(float))
        np.testing.assert_allclose(sorted_rows(found), phantom.places(mask), atol=1e-3)


def test_segments_lie_on_slices_whose_directions_were_rounded(tmp_path: Path) -> None:
    phantom = Phantom(orientation=ORIENTATIONS["oblique"], stored=np.zeros((200, 12, 10), np.int16))
    labels = np.zeros((200, 12, 10), np.uint8)
    labels[3:190, 2:9, 1:4] = 1
    rounded = [round(one, 2) for one in phantom.orientation]
    segmentation, series = _written(phantom, tmp_path, labels, ImageOrientationPatient=rounded)
    assert "rounded directions" in "".join(series.warnings)
    mask = segmentation.pixel_array[: len(segmentation.PerFrameFunctionalGroupsSequence) // 2]
    assert segmentation.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[
        0
    ].ImageOrientationPatient == pytest.approx(rounded), "viewers compare it with the CT's"
    places = [list(header.ImagePositionPatient) for header in series.headers]
    for frame, pixels in zip(segmentation.PerFrameFunctionalGroupsSequence, mask, strict=False):
        index = places.index(list(frame.PlanePositionSequence[0].ImagePositionPatient))
        np.testing.assert_array_equal(pixels, labels[index])


def test_frames_refer_to_the_slices_they_were_made_from(tmp_path: Path) -> None:
    segmentation, series = _written(Phantom(), tmp_path, descending=True)
    places = {header.SOPInstanceUID: header.ImagePositionPatient for header in series.headers}
    frames = segmentation.PerFrameFunctionalGroupsSequence
    assert len(frames) == 5
    for frame in frames:
        source = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        assert frame.PlanePositionSequence[0].ImagePositionPatient == places[source]


def test_highdicom_gets_no_slices_beyond_the_marked_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = []

    class Watched(highdicom.seg.Segmentation):
        def __init__(self, **given: Any) -> None:
            shapes.append((len(given["source_images"]), given["pixel_array"].shape))
            super().__init__(**given)

    monkeypatch.setattr("hepaflow.dicom.segmentation.Segmentation", Watched)
    labels = np.where(np.arange(7)[:, None, None] == 2, Phantom().labels, 0).astype(np.uint8)
    segmentation, series = _written(Phantom(), tmp_path, labels)
    assert shapes == [(7, (1, 12, 10, 2))]
    for frame, mask in zip(segmentation.PerFrameFunctionalGroupsSequence, segmentation.pixel_array, strict=True):
        source = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        assert source == series.headers[2].SOPInstanceUID
        number = frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        np.testing.assert_array_equal(mask, labels[2] >= number)


def test_what_it_says_of_itself(tmp_path: Path) -> None:
    segmentation, series = _written(Phantom(), tmp_path)
    source = series.headers[0]
    for name in ("PatientName", "PatientID", "StudyInstanceUID", "AccessionNumber", "FrameOfReferenceUID"):
        assert segmentation[name].value == source[name].value
    assert segmentation.SeriesInstanceUID != source.SeriesInstanceUID
    assert segmentation.SeriesNumber > source.SeriesNumber
    assert segmentation.SegmentationType == "BINARY"
    assert segmentation.SegmentsOverlap == "YES"
    assert not segmentation.get("ContentCreatorName")
    liver, lesion = (segmentation.get_segment_description(number) for number in (1, 2))
    assert liver.segmented_property_type == codes.SCT.Liver
    assert lesion.segmented_property_type == codes.SCT.Lesion
    assert lesion.anatomic_regions[0] == codes.SCT.Liver
    assert liver.SegmentAlgorithmType == "AUTOMATIC"
    assert liver.SegmentationAlgorithmIdentificationSequence[0].AlgorithmName == "hepaflow"


@pytest.mark.parametrize(("empty", "slices"), [((2,), 4), ((1, 2), 7)])
def test_a_segment_without_a_voxel_is_described_and_has_frames(
    tmp_path: Path, empty: tuple[int, ...], slices: int
) -> None:
    phantom = Phantom()
    labels = np.where(np.isin(phantom.labels, empty), 0, phantom.labels).astype(np.uint8)
    segmentation, _ = _written(phantom, tmp_path, labels)
    assert segmentation.number_of_segments == 2
    assert segmentation.NumberOfFrames == 2 * slices
    assert segmentation.get_volume(segment_numbers=[2]).array.sum() == 0
    assert not validator_errors(tmp_path / "seg.dcm")


@pytest.mark.parametrize("part", ["ABDOMEN", "PARTIALBODY", ""])
def test_the_validator_finds_no_error(tmp_path: Path, part: str) -> None:
    _written(Phantom(), tmp_path, BodyPartExamined=part)
    assert not validator_errors(tmp_path / "seg.dcm")


def test_names_in_other_scripts_survive(tmp_path: Path) -> None:
    elements = {"SpecificCharacterSet": "ISO_IR 100", "PatientName": "Müller^Jörg"}
    segmentation, _ = _written(Phantom(), tmp_path, **elements)
    assert str(segmentation.PatientName) == "Müller^Jörg"
    assert not validator_errors(tmp_path / "seg.dcm")


def test_a_name_of_unusual_form_is_not_warned_of(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    _written(Phantom(), tmp_path, PatientName="Unusual-Name")
    assert not [one for one in recwarn if "Unusual" in str(one.message)]


def test_an_anonymised_series_leaves_no_trace_of_the_patient(tmp_path: Path) -> None:
    phantom = Phantom()
    write(phantom.slices(), tmp_path / "dicom")
    _, grid, series = read_series(choose_series(find_series(tmp_path / "dicom")))
    labels = grid.canonicalise(phantom.labels.transpose(2, 1, 0))
    write_segmentation(tmp_path / "seg.dcm", labels, grid, anonymised(series))
    written = (tmp_path / "seg.dcm").read_bytes()
    secrets = ["Phantom", "20200102", series.uid, series.study_uid, series.headers[0].FrameOfReferenceUID]
    for secret in [*secrets, *(header.SOPInstanceUID for header in series.headers)]:
        assert secret.encode() not in written
    assert str(series.headers[0].PatientName) == "Phantom^One", "the series itself was changed"
    assert not validator_errors(tmp_path / "seg.dcm")


def test_labels_of_another_place_are_not_written(tmp_path: Path) -> None:
    phantom, other = Phantom(), Phantom(origin=(0, 0, 0))
    write(phantom.slices(), tmp_path / "one")
    write(other.slices(), tmp_path / "other")
    _, grid, _ = read_series(choose_series(find_series(tmp_path / "one")))
    _, _, series = read_series(choose_series(find_series(tmp_path / "other")))
    with pytest.raises(ValueError, match="a grid whose centre lies"):
        write_segmentation(tmp_path / "seg.dcm", phantom.labels, grid, series)
