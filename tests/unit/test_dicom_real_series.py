"""Real series, where they are at hand: `shared/data` beside the checkout, or the folder that HEPAFLOW_CT names."""

import os
import tarfile
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
from dicom_series import validator_errors

from hepaflow.dicom.overlay import write_overlay
from hepaflow.dicom.reading import read_series
from hepaflow.dicom.segmentation import write_segmentation
from hepaflow.dicom.series import choose_series, find_series
from hepaflow.errors import UserError
from hepaflow.volume import canonical_affine, read_image

DATA = Path(os.environ.get("HEPAFLOW_CT") or Path(__file__).parents[3] / "shared" / "data")


def _read(name: str, folder: Path) -> Any:
    archive = DATA / f"{name}.tar.xz"
    if not archive.is_file():
        pytest.skip(f"{archive.name} is not at hand")
    with tarfile.open(archive) as stream:
        stream.extractall(folder, filter="data")
    return read_series(choose_series(find_series(folder)))


def _check_outputs(folder: Path, labels: np.ndarray, hu: np.ndarray, grid: Any, series: Any) -> None:
    """Write both objects; they are valid, and the masks come back onto the CT's grid voxel for voxel."""
    write_segmentation(folder / "seg.dcm", labels, grid, series)
    overlay = write_overlay(folder / "overlay", hu, labels, grid, series)
    volume = highdicom.seg.segread(folder / "seg.dcm").get_volume()
    affine = np.linalg.inv(np.diag([-1.0, -1, 1, 1]) @ grid.affine)
    own = grid.restore(labels)
    for number, mask in ((1, own >= 1), (2, own == 2)):
        found = np.argwhere(volume.array[..., number - 1]).astype(float)
        places = volume.map_indices_to_reference(found)
        voxels = places @ affine[:3, :3].T + affine[:3, 3]
        back = np.zeros(own.shape, bool)
        back[tuple(np.rint(voxels).astype(int).T)] = True
        np.testing.assert_allclose(voxels, np.rint(voxels), atol=0.01)
        np.testing.assert_array_equal(back, mask)
    assert not validator_errors(folder / "seg.dcm")
    assert [error for path in overlay for error in validator_errors(path)] == []


def test_jpeg_2000_and_incomplete_headers(tmp_path: Path) -> None:
    hu, grid, series = _read("totalsegmentator_dicom_20slices", tmp_path / "ct")
    organs, its_grid = read_image(DATA / "totalsegmentator_dicom_20slices_labels.nii.gz")
    assert hu.shape == organs.shape
    np.testing.assert_allclose(canonical_affine(grid), canonical_affine(its_grid), atol=1e-2)
    liver = organs == 5
    assert 60 < np.median(hu[liver]) < 160, "the liver of the label map is not where the CT's is"
    labels = liver.astype(np.uint8)
    labels[5:8, 200:240, 150:170][labels[5:8, 200:240, 150:170] == 1] = 2
    assert (labels == 2).any()
    _check_outputs(tmp_path, labels, hu, grid, series)


def test_a_whole_abdomen(tmp_path: Path) -> None:
    hu, grid, series = _read("pancreas_ct_cb_001_dicom", tmp_path / "ct")
    assert hu.shape == (134, 512, 512)
    assert grid.spacing == pytest.approx((3, 1.07421875, 1.07421875))
    labels = np.zeros(hu.shape, np.uint8)
    labels[50:90, 150:300, 60:250] = 1
    labels[60:63, 200:240, 100:130] = 2
    _check_outputs(tmp_path, labels, hu, grid, series)


def test_a_tilted_head_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gantry tilt: slices are stacked 18\.5°"):
        _read("dcmqa_GE_tilt_head_dicom", tmp_path)
