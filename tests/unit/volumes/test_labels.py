"""Label maps and the masks in them. What is refused of images as well is in `test_volume.py`."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from hepaflow.errors import UserError
from hepaflow.names import STRUCTURES
from hepaflow.volumes.labels import LABELS, label_map, read_labels, structure_mask
from hepaflow.volumes.volume import read_grid

AFFINE = np.diag([-0.7, -0.8, 2.5, 1])
"""Axes of a file in canonical orientation."""


def test_the_liver_includes_its_lesions() -> None:
    labels = np.array([[0, 1], [2, 1]], np.uint8)
    assert structure_mask(labels, "liver").tolist() == [[False, True], [True, True]]
    assert structure_mask(labels, "lesion").tolist() == [[False, False], [True, False]]


def test_every_structure_has_a_mask_and_nothing_else() -> None:
    labels = np.array([0, 1, 2], np.uint8)
    assert {structure: structure_mask(labels, structure).sum() for structure in STRUCTURES} == {
        "liver": 2,
        "lesion": 1,
    }
    for other in ("background", "spleen"):
        with pytest.raises(KeyError, match=other):
            structure_mask(labels, other)


def test_masks_of_a_label_map_give_it_back() -> None:
    labels = np.random.default_rng(0).integers(0, len(LABELS), (3, 4, 5)).astype(np.uint8)
    np.testing.assert_array_equal(
        label_map(structure_mask(labels, "liver"), structure_mask(labels, "lesion")), labels
    )


def test_label_map_joins_both_stages() -> None:
    liver = np.array([[[0, 0, 1, 1]]], bool)
    lesion = np.array([[[0, 1, 0, 1]]], bool)
    labels = label_map(liver, lesion)
    assert labels.dtype == np.uint8
    assert labels.tolist() == [[[0, 2, 1, 2]]]
    assert liver.tolist() == [[[0, 0, 1, 1]]]
    np.testing.assert_array_equal(labels >= 1, liver | lesion)


# read from files


def written(
    path: Path, stored: np.ndarray, affine: np.ndarray = AFFINE, scale: tuple[float, float] = (1, 0)
) -> Path:
    """A file of numbers given as (slices, rows, columns), with the slope and intercept that its header tells."""
    image = nib.Nifti1Image(stored.transpose(2, 1, 0), affine, dtype=stored.dtype)
    image.header.set_slope_inter(*scale)
    nib.save(image, path)
    return path


@pytest.mark.parametrize("affine", [AFFINE, np.diag([0.7, 0.8, 2.5, 1])], ids=["LPS", "RAS"])
def test_labels_are_read_into_canonical_orientation(tmp_path: Path, affine: np.ndarray) -> None:
    expected = np.random.default_rng(0).integers(0, 3, (2, 3, 4)).astype(np.uint8)
    own = expected if affine is AFFINE else expected[:, ::-1, ::-1]
    labels, grid = read_labels(written(tmp_path / "label.nii.gz", own, affine))
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_allclose(grid.affine, affine)


def test_beside_an_image_labels_lie_as_its_voxels_do(tmp_path: Path) -> None:
    """Whatever the label map's own affine says."""
    own = np.random.default_rng(0).integers(0, 3, (2, 3, 4)).astype(np.uint8)
    path = written(tmp_path / "label.nii", own, np.diag([0.7, 0.8, 2.5, 1]))
    image = read_grid(written(tmp_path / "image.nii", own.astype(np.int16)))
    labels, grid = read_labels(path, image=image)
    np.testing.assert_array_equal(labels, own)
    assert grid.axes == "RAS"


def test_labels_of_another_size_than_the_image_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "label.nii", np.zeros((2, 3, 4), np.uint8))
    image = read_grid(written(tmp_path / "image.nii", np.zeros((2, 3, 5), np.int16)))
    with pytest.raises(UserError, match=r"exam: seven\n(.*\n)*.*4×3×2 voxels along LPS\nexpected: 5×3×2"):
        read_labels(path, exam="seven", image=image)


@pytest.mark.parametrize(
    ("stored", "dtype", "scale", "expected"),
    [
        ([0, 1, 2], np.int8, (1, 0), [0, 1, 2]),
        ([0, 1, 0], np.uint8, (2, 0), [0, 2, 0]),
        ([-1, 0, 1], np.int8, (1, 1), [0, 1, 2]),
        ([1, 2, 3], np.uint8, (1, -1), [0, 1, 2]),
        ([0, 2, 4], np.int16, (0.5, 0), [0, 1, 2]),
        ([4, 2, 0], np.int16, (-0.5, 2), [0, 1, 2]),
        ([0, 1, 2], np.float32, (1, 0), [0, 1, 2]),
        ([0, 0.5, 1], np.float64, (2, 0), [0, 1, 2]),
        ([0.0095, 1.0095, 1.9905], np.float64, (1, 0), [0, 1, 2]),
        ([0, 127, 255], np.uint8, (2 / 255, 0), [0, 1, 2]),  # in 0.996 of a label
    ],
)
def test_labels_are_what_is_stored_times_slope_plus_intercept(
    tmp_path: Path, stored: list[float], dtype: type, scale: tuple[float, float], expected: list[int]
) -> None:
    path = written(tmp_path / "label.nii", np.array([[stored], [stored[::-1]]], dtype), scale=scale)
    assert read_labels(path)[0].tolist() == [[expected], [expected[::-1]]]


@pytest.mark.parametrize("value", [0.9895, 1.0105, 2.0105])
def test_a_label_further_from_a_whole_number_than_a_hundredth_is_refused(tmp_path: Path, value: float) -> None:
    with pytest.raises(UserError, match=f"label values {value:g}\n"):
        read_labels(written(tmp_path / "label.nii", np.array([[[0, 1, value]]])))


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_the_five_smallest_of_all_other_values_are_told(tmp_path: Path, dtype: type) -> None:
    """Each once, of all slices, however often the others are there and wherever they come first."""
    stored = np.array([[[9, 9, 9, 9, 9, 9, 9, 9]], [[8, 7, 6, 5, 4, 1, 0, 2]], [[-3, 9, 8, 0, 0, 3, 3, 3]]], dtype)
    with pytest.raises(UserError, match=r"label values -3, 3, 4, 5, 6\n"):
        read_labels(written(tmp_path / "label.nii", stored))


def test_many_times_the_same_wrong_value_hides_no_other(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"label values 3, 9\n"):
        read_labels(written(tmp_path / "label.nii", np.array([[[9, 9, 9, 9, 9, 9, 3, 0]]], np.uint8)))
