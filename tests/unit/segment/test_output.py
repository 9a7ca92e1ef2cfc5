"""All files of an exam are written, agree with each other, and appear together or not at all."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_series import ORIENTATIONS, Phantom, validator_errors, write
from PIL import Image
from thresholds import LESION_HU, LIVER_HU, thresholds

from hepaflow.errors import UserError
from hepaflow.model.origin import NOTICE, ONLY_SIMPLE, UNRECORDED, Origin
from hepaflow.model.seen import Seen
from hepaflow.segment import output as exam_output
from hepaflow.segment.output import rehearse, write_exam
from hepaflow.segment.outside_liver import Outside
from hepaflow.segment.source import LoadedExam, read_exam
from hepaflow.volumes.labels import read_labels
from hepaflow.volumes.volume import read_image

NIFTI = {"segmentation.nii.gz", "measurements.json", "report.html", "thumbnail.webp"}
DICOM = NIFTI | {"segmentation.dcm", "overlay"}
AXIAL = {
    "head first": (1, 0, 0, 0, 1, 0),
    "feet first": (-1, 0, 0, 0, 1, 0),
    "head first, prone": (-1, 0, 0, 0, -1, 0),
    "feet first, prone": (1, 0, 0, 0, -1, 0),
}
POSITIONS = {"head first": "HFS", "feet first": "FFS", "head first, prone": "HFP", "feet first, prone": "FFP"}


def _phantom(**how: Any) -> Phantom:
    phantom = Phantom(**how)
    phantom.stored = np.array([-1000, LIVER_HU, LESION_HU], np.int16)[phantom.labels]
    return phantom


def _nifti(folder: Path) -> LoadedExam:
    phantom = _phantom()
    return read_exam(phantom.nifti(phantom.stored, folder / "exam.nii.gz"), name="exam")


def _series(folder: Path, phantom: Phantom, **elements: Any) -> LoadedExam:
    return read_exam(write(phantom.slices(intercept=0, **elements), folder / "dicom"), name="exam")


def _write(folder: Path, exam: LoadedExam, **how: Any) -> Path:
    found = thresholds(exam.hu)
    write_exam(folder / "out" / exam.name, exam, found.labels, found.disagreement, **how)
    return folder / "out" / exam.name


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_nifti_exam_gives_a_label_map_measurements_and_a_page(tmp_path: Path) -> None:
    exam = _nifti(tmp_path)
    out = _write(tmp_path, exam, model={"model": "a1b2"})
    assert _names(out) == NIFTI
    labels, grid = read_labels(out / "segmentation.nii.gz")
    np.testing.assert_array_equal(labels, thresholds(exam.hu).labels)
    np.testing.assert_array_equal(grid.affine, exam.grid.affine)
    told = json.loads((out / "measurements.json").read_text())
    assert told["liver_voxels"] == np.count_nonzero(labels)
    assert told["liver_ml"] == pytest.approx(np.count_nonzero(labels) * 0.8 * 0.7 * 2.5 / 1000, abs=1e-4)
    assert told["lesions"][0]["voxels"] == 2
    assert told["model"] == {"model": "a1b2"}
    assert told["source"] == {"kind": "NIfTI"}
    assert "a1b2" in (out / "report.html").read_text()


ORIGINS = {
    "phantoms": Origin(True, "demo.tsv", 22, 4, {"liver": 0.905, "lesion": 0.651}),
    "exams": Origin(False, "größe\\" + 200 * "x" + ".tsv", 10**6, 10**5, {"liver": 0.95, "lesion": 0.7}),
    "unrecorded": None,
}


def test_doubts_are_told_in_the_file_and_on_the_page(tmp_path: Path) -> None:
    """By models that record what they have seen; of others nothing is compared."""
    exam = _series(tmp_path, _phantom())
    known = Origin(False, "a.tsv", 9, 2, {}, seen=Seen(slice_mm=(0.5, 1.0)))
    found = thresholds(exam.hu)
    note = "slices lie 2.5 mm apart; the model was trained with 0.5 to 1 mm"
    for origin, told in ((known, True), (replace(known, seen=None), False), (None, False)):
        written = write_exam(
            tmp_path / "out",
            exam,
            found.labels,
            found.disagreement,
            origin=origin,
            notes=["a note"],
            overwrite=True,
        )
        measurements = json.loads((tmp_path / "out/measurements.json").read_text())
        assert (note in written.measured.warnings) == (note in measurements["warnings"]) == told
        assert (f"<li>S{note[1:]}.</li>" in (tmp_path / "out/report.html").read_text()) == told
        assert "a note" in measurements["warnings"]
        assert measurements["model_origin"].get("seen") == ({"slice_mm": [0.5, 1.0]} if told else None)


@pytest.mark.parametrize("name", ORIGINS)
def test_every_result_says_what_the_model_was_made_from(tmp_path: Path, name: str) -> None:
    """Also one of a model with a long name; and objects of DICOM in the room that they have."""
    origin = ORIGINS[name]
    words = UNRECORDED if origin is None else origin.in_words
    out = _write(tmp_path, _series(tmp_path, _phantom()), origin=origin)
    told = json.loads((out / "measurements.json").read_text())
    assert (told["notice"], told["model_origin"]["in_words"]) == (NOTICE, words)
    if origin is not None:
        assert {key: told["model_origin"][key] for key in origin.as_json()} == origin.as_json()
    page = (out / "report.html").read_text()
    only = f" {ONLY_SIMPLE}" if name == "phantoms" else ""
    assert f"Model: {words}.{only} <strong>{NOTICE}</strong></p>" in page
    assert ('class="origin phantoms"' in page) == (name == "phantoms")
    segmentation = pydicom.dcmread(out / "segmentation.dcm")
    image = pydicom.dcmread(next((out / "overlay").iterdir()))
    texts = [*(one.SegmentDescription for one in segmentation.SegmentSequence), image.DerivationDescription]
    for text in texts:
        assert f"Model {words}. {NOTICE}" in text
        assert len(text) <= 1024
    short = {"phantoms": "phantoms alone", "exams": "1000000 exams", "unrecorded": "training unknown"}[name]
    for one in (segmentation, image):
        assert f"(hepaflow, research; {short})" in one.SeriesDescription
        assert len(one.SeriesDescription) <= 64
    assert segmentation.ContentDescription == f"Liver, lesions. {NOTICE}"
    assert [error for path in out.rglob("*.dcm") for error in validator_errors(path)] == []


def test_the_small_picture_shows_the_slice_with_most_lesion(tmp_path: Path) -> None:
    out = _write(tmp_path, _nifti(tmp_path))
    red, green, _ = np.moveaxis(np.asarray(Image.open(out / "thumbnail.webp").convert("RGB")).astype(int), -1, 0)
    assert (red - green > 60).any()


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("name", AXIAL)
def test_all_forms_of_the_result_say_the_same_of_every_voxel(tmp_path: Path, name: str, descending: bool) -> None:
    phantom = _phantom(orientation=AXIAL[name])
    exam = _series(tmp_path, phantom, descending=descending, PatientPosition=POSITIONS[name])
    assert exam.series is not None
    out = _write(tmp_path, exam)
    assert _names(out) == DICOM
    nifti, _ = read_image(out / "segmentation.nii.gz")
    _, grid = read_image(out / "segmentation.nii.gz")
    own = grid.restore(nifti)  # (column, row, slice) of the file
    segmentation = pydicom.dcmread(out / "segmentation.dcm")
    masks = np.zeros((2, *phantom.stored.shape), bool)
    heights = {float(header.ImagePositionPatient[2]): k for k, header in enumerate(exam.series.headers)}
    for frame, pixels in zip(segmentation.PerFrameFunctionalGroupsSequence, segmentation.pixel_array, strict=True):
        number = frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        masks[number - 1, heights[float(frame.PlanePositionSequence[0].ImagePositionPatient[2])]] = pixels
    by_hand = masks[0].astype(np.uint8) + masks[1]
    np.testing.assert_array_equal(own, by_hand.transpose(2, 1, 0))
    np.testing.assert_array_equal(by_hand, phantom.labels)
    for image in map(pydicom.dcmread, (out / "overlay").iterdir()):
        k = heights[float(image.ImagePositionPatient[2])]
        red, green, _ = np.moveaxis(image.pixel_array.astype(int), -1, 0)
        np.testing.assert_array_equal(red > green, phantom.labels[k] == 2)
        np.testing.assert_array_equal(green > red, phantom.labels[k] == 1)
    told = json.loads((out / "measurements.json").read_text())
    apart = phantom.places(phantom.labels == 2) - told["lesions"][0]["position_lps_mm"]
    assert np.linalg.norm(apart, axis=1).min() < 0.01  # places are told with two decimals


def test_the_validator_finds_no_error(tmp_path: Path) -> None:
    out = _write(tmp_path, _series(tmp_path, _phantom()), model={"model": "thresholds", "sha256": "ab" * 32})
    files = [out / "segmentation.dcm", *(out / "overlay").iterdir()]
    assert len(files) == 8
    assert [error for path in files for error in validator_errors(path)] == []


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_anonymous_objects_lie_where_the_others_lie(tmp_path: Path, name: str) -> None:
    phantom = _phantom(orientation=ORIENTATIONS[name])
    out = _write(tmp_path, _series(tmp_path, phantom), anonymise=True)
    segmentation = pydicom.dcmread(out / "segmentation.dcm")
    assert segmentation.PatientName == ""
    assert segmentation.PatientIdentityRemoved == "YES"
    images = [pydicom.dcmread(path) for path in (out / "overlay").iterdir()]
    assert {image.StudyInstanceUID for image in images} == {segmentation.StudyInstanceUID}
    assert {tuple(image.ImagePositionPatient) for image in images} == {
        tuple(image.ImagePositionPatient) for image in phantom.slices()
    }


def test_false_millimetres_are_not_told(tmp_path: Path) -> None:
    phantom = Phantom(orientation=(-1, 0, 0, 0, -1, 0), spacing=(1, 1), gap=1, origin=(0, 0, 0))
    phantom.stored = np.array([-1000, LIVER_HU, LESION_HU], np.int16)[phantom.labels]
    out = _write(tmp_path, read_exam(phantom.nifti(phantom.stored, tmp_path / "exam.nii"), name="exam"))
    told = json.loads((out / "measurements.json").read_text())
    assert told["liver_ml"] is told["lesions"][0]["diameter_mm"] is told["grid"]["spacing_mm"] is None
    assert "identity affine" in told["exam_warnings"][0]
    page = (out / "report.html").read_text()
    assert "Identity affine" in page
    assert "<small>ml</small>" not in page


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("a fault")])
def test_what_fails_leaves_nothing_and_the_earlier_result_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise error

    exam = _series(tmp_path, _phantom())
    before = _write(tmp_path, exam)
    kept = (before / "segmentation.dcm").read_bytes()
    monkeypatch.setattr(exam_output, "write_map", fails)
    expected = (
        (UserError, r"cannot be written \(No space") if isinstance(error, OSError) else (RuntimeError, "a fault")
    )
    with pytest.raises(expected[0], match=expected[1]):
        _write(tmp_path, exam, overwrite=True)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["exam"]
    assert (before / "segmentation.dcm").read_bytes() == kept, "the earlier result is gone"


@pytest.mark.parametrize(
    ("writer", "part"),
    [("write_segmentation", "segmentation.dcm"), ("write_overlay", "overlay"), ("exam_page", "report.html")],
)
def test_what_can_be_kept_is_kept_and_the_rest_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: str, part: str
) -> None:
    def fails(*given: Any, **_: Any) -> None:
        if writer == "write_overlay":
            given[0].mkdir()
        if writer != "exam_page":
            (given[0] / "0001.dcm" if given[0].is_dir() else given[0]).write_bytes(b"half of it")
        raise ValueError("nothing for Phantom^One")

    exam = _series(tmp_path, _phantom())
    monkeypatch.setattr(exam_output, writer, fails)
    found = thresholds(exam.hu)
    written = write_exam(tmp_path / "out/exam", exam, found.labels, found.disagreement)
    assert written.missing == (f"{part} could not be written (ValueError: nothing for ***^***)",)
    out = tmp_path / "out/exam"
    assert _names(out) == DICOM - {part}
    told = json.loads((out / "measurements.json").read_text())
    assert told["warnings"][-1:] == list(written.missing)
    if part != "report.html":
        page = (out / "report.html").read_text()
        assert f"{part.capitalize()} could not be written" in page
        assert f"<dt>{part}" not in page
        assert rehearse(out, exam) == list(written.missing)


def test_a_rehearsal_leaves_nothing_and_finds_nothing_in_sound_headers(tmp_path: Path) -> None:
    exam = _series(tmp_path, _phantom())
    (tmp_path / "out").mkdir()
    assert rehearse(tmp_path / "out/exam", exam) == rehearse(tmp_path / "out/exam", exam, anonymise=True) == []
    assert not _names(tmp_path / "out")
    assert rehearse(tmp_path / "out/exam", _nifti(tmp_path)) == []


@pytest.mark.parametrize(("kind", "bytes_of_a_voxel"), [("NIfTI", 0.5), ("DICOM", 3.75)])
def test_a_disk_without_room_is_told_before_the_networks_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, bytes_of_a_voxel: float
) -> None:
    exam = _nifti(tmp_path) if kind == "NIfTI" else _series(tmp_path, _phantom())
    (tmp_path / "out").mkdir()
    free = [bytes_of_a_voxel * 7 * 12 * 10]
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": free[0]}))
    assert rehearse(tmp_path / "out/exam", exam) == []
    free[0] -= 1
    with pytest.raises(UserError, match="MB for the result"):
        rehearse(tmp_path / "out/exam", exam)


def test_what_lay_outside_of_the_liver_is_told(tmp_path: Path) -> None:
    exam = _nifti(tmp_path)
    out = _write(tmp_path, exam, outside=Outside(12, 1, True), notes=("12 voxels lie outside",))
    told = json.loads((out / "measurements.json").read_text())
    assert told["outside_liver"] == {"margin_mm": 10.0, "voxels": 12, "regions": 1, "left_out": True}
    assert "12 voxels lie outside" in told["warnings"]
    assert "12 voxels lie outside" in (out / "report.html").read_text()


def test_an_earlier_result_is_replaced_when_asked(tmp_path: Path) -> None:
    exam = _nifti(tmp_path)
    _write(tmp_path, exam, model={"model": "first"})
    with pytest.raises(UserError, match="an earlier result"):
        _write(tmp_path, exam, model={"model": "second"})
    out = _write(tmp_path, exam, model={"model": "second"}, overwrite=True)
    assert json.loads((out / "measurements.json").read_text())["model"] == {"model": "second"}


def test_nothing_else_is_replaced(tmp_path: Path) -> None:
    exam, folder = _nifti(tmp_path), tmp_path / "out" / "exam"
    folder.mkdir(parents=True)
    _write(tmp_path, exam)  # into an empty folder
    (folder / "notes.txt").touch()
    with pytest.raises(UserError, match=r"not hepaflow's: notes\.txt"):
        _write(tmp_path, exam, overwrite=True)
    assert (folder / "notes.txt").exists()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "exam").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="something other than a folder"):
        _write(tmp_path, _nifti(tmp_path), overwrite=True)
    assert not list((tmp_path / "elsewhere").iterdir())
