"""All files of an exam are written, agree with each other, and appear together or not at all."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_series import ORIENTATIONS, Phantom, validator_errors, write
from thresholds import LESION_HU, LIVER_HU, thresholds

from hepaflow import exam_output
from hepaflow.errors import UserError
from hepaflow.exam_output import write_exam
from hepaflow.exam_source import LoadedExam, read_exam
from hepaflow.labels import read_labels
from hepaflow.volume import read_image

NIFTI = {"segmentation.nii.gz", "measurements.json", "report.html"}
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


@pytest.mark.parametrize("last", ["write_overlay", "exam_page"])
def test_what_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("the disk is full")

    exam = _series(tmp_path, _phantom())
    before = _write(tmp_path, exam)
    kept = (before / "segmentation.dcm").read_bytes()
    monkeypatch.setattr(exam_output, last, fails)
    with pytest.raises(RuntimeError):
        _write(tmp_path, exam, overwrite=True)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["exam"]
    assert (before / "segmentation.dcm").read_bytes() == kept, "the earlier result is gone"


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
    with pytest.raises(UserError, match="something else than a folder"):
        _write(tmp_path, _nifti(tmp_path), overwrite=True)
    assert not list((tmp_path / "elsewhere").iterdir())
