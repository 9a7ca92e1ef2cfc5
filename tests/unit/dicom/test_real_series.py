"""Real series, where they are at hand: `shared/data` beside the checkout, or the folder that HEPAFLOW_CT names.

The whole command is run on them, with masks that are given instead of networks.
"""

import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_series import validator_errors
from thresholds import Thresholded

from hepaflow.dicom.series import find_series
from hepaflow.segment.command import Failure, Model, segment_exams
from hepaflow.segment.source import read_exam
from hepaflow.volumes.volume import canonical_affine, read_image

DATA = Path(os.environ.get("HEPAFLOW_CT") or Path(__file__).parents[4] / "shared" / "data")


def _unpacked(name: str, folder: Path) -> Path:
    archive = DATA / f"{name}.tar.xz"
    if not archive.is_file():
        pytest.skip(f"{archive.name} is not at hand")
    with tarfile.open(archive) as stream:
        stream.extractall(folder / "ct", filter="data")
    return folder / "ct"


def _segmented(folder: Path, labels: Callable[[np.ndarray], np.ndarray]) -> list[Failure]:
    def segment(hu: np.ndarray, _: object) -> Thresholded:
        found = labels(hu)
        undisputed = {"liver": np.zeros_like(found), "lesion": np.zeros_like(found)}
        return Thresholded(found >= 1, found == 2, undisputed)

    return segment_exams([folder / "ct"], folder / "out", lambda: Model({}, segment), keep_names=True)


def _check(out: Path, ct: Path, labels: np.ndarray) -> None:
    """Every form of the result holds the labels, voxel for voxel, and every object is valid."""
    found, grid = read_image(out / "segmentation.nii.gz")
    np.testing.assert_array_equal(found, labels)
    positions = {}  # of all slices, in the order of the file's third axis
    for header in find_series(ct).series[0].headers:
        position = np.array(header.ImagePositionPatient, float)
        index = np.linalg.solve(grid.affine, [*(position * [-1, -1, 1]), 1])[2]
        assert index == pytest.approx(round(index), abs=0.01)
        positions[tuple(position)] = round(index)
    segmentation = pydicom.dcmread(out / "segmentation.dcm")
    masks = np.zeros((2, len(positions), segmentation.Rows, segmentation.Columns), np.uint8)
    frames = segmentation.PerFrameFunctionalGroupsSequence
    for frame, pixels in zip(frames, segmentation.pixel_array, strict=True):
        segment = frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        masks[segment - 1, positions[tuple(frame.PlanePositionSequence[0].ImagePositionPatient)]] = pixels
    np.testing.assert_array_equal(masks.sum(axis=0).transpose(2, 1, 0), grid.restore(labels))
    objects = [out / "segmentation.dcm", *(out / "overlay").iterdir()]
    assert len(objects) == 1 + len(positions)
    assert [error for path in objects for error in validator_errors(path)] == []
    measured = json.loads((out / "measurements.json").read_text())
    voxel = abs(np.linalg.det(grid.affine[:3, :3])) / 1000
    assert measured["liver_ml"] == pytest.approx(np.count_nonzero(labels) * voxel, abs=1e-4)
    assert measured["lesion_ml"] == pytest.approx(np.count_nonzero(labels == 2) * voxel, abs=1e-4)


def test_jpeg_2000_and_incomplete_headers(tmp_path: Path) -> None:
    ct = _unpacked("totalsegmentator_dicom_20slices", tmp_path)
    organs, its_grid = read_image(DATA / "totalsegmentator_dicom_20slices_labels.nii.gz")
    exam = read_exam(ct, name="exam")
    assert exam.hu.shape == organs.shape
    np.testing.assert_allclose(canonical_affine(exam.grid), canonical_affine(its_grid), atol=1e-2)
    liver = organs == 5
    assert 60 < np.median(exam.hu[liver]) < 160, "the liver of the label map is not where the CT's is"
    labels = liver.astype(np.uint8)
    labels[5:8, 200:240, 150:170][labels[5:8, 200:240, 150:170] == 1] = 2
    assert (labels == 2).any()
    assert _segmented(tmp_path, lambda _: labels) == []
    _check(tmp_path / "out" / "dicom", ct, labels)


def test_a_whole_abdomen(tmp_path: Path) -> None:
    ct = _unpacked("pancreas_ct_cb_001_dicom", tmp_path)
    labels = np.zeros((134, 512, 512), np.uint8)
    labels[50:90, 150:300, 60:250] = 1
    labels[60:63, 200:240, 100:130] = 2
    assert _segmented(tmp_path, lambda hu: labels.reshape(hu.shape)) == []
    (out,) = (path for path in (tmp_path / "out").iterdir() if path.is_dir())
    _check(out, ct, labels)
    measured = json.loads((out / "measurements.json").read_text())
    assert measured["grid"]["spacing_mm"] == pytest.approx((3, 1.074219, 1.074219))


def test_a_tilted_head_is_refused(tmp_path: Path) -> None:
    _unpacked("dcmqa_GE_tilt_head_dicom", tmp_path)
    (failure,) = _segmented(tmp_path, np.zeros_like)
    assert "gantry tilt of 18.5°" in failure.found
    assert list((tmp_path / "out").iterdir()) == []
