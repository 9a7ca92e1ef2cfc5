"""Whether a label map lies on its image's liver."""

import itertools

import numpy as np
import pytest
from nibabel.orientations import apply_orientation, axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform

from hepaflow.volumes.label_fit import LabelFit, label_fit
from hepaflow.volumes.volume import Grid

AFFINE = np.array([[-0.7, 0, 0, 90], [0, -0.8, 0, 110], [0, 0, 2.5, -300], [0, 0, 0, 1.0]])
SHIFTED = AFFINE.copy()
SHIFTED[0, 3] += 20
SHAPE = (12, 30, 30)  # slices, rows, columns
NOISE = np.random.default_rng(0).normal(0, 15, SHAPE)


def body() -> tuple[np.ndarray, np.ndarray]:
    """A liver to the patient's right, in front and above, in fat and air."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[6:10, 8:16, 4:14] = 1
    labels[7:9, 10:13, 6:9] = 2
    hu = np.full(SHAPE, -90.0)
    hu[:, :3] = hu[:, :, :2] = hu[:, :, -2:] = -1000
    hu[:2] = -800  # lung
    hu[labels == 1], hu[labels == 2] = 100, 50
    return hu + NOISE, labels


HU, LABELS = body()


def grid(affine: np.ndarray = AFFINE, shape: tuple[int, ...] = SHAPE[::-1]) -> Grid:
    return Grid((shape[0], shape[1], shape[2]), affine, None)


def stored_along(codes: str) -> tuple[np.ndarray, Grid]:
    """The label map as a file along other axes, read voxel by voxel as the image is; and the file's grid."""
    turn = ornt_transform(io_orientation(AFFINE), axcodes2ornt(codes))
    array = apply_orientation(LABELS.transpose(2, 1, 0), turn)
    return array.transpose(2, 1, 0), grid(AFFINE @ inv_ornt_aff(turn, SHAPE[::-1]), array.shape)


def test_a_label_on_its_liver_fits() -> None:
    fit = label_fit(HU, LABELS, grid(), grid())
    assert fit is not None
    assert fit.by_grid > 0.99
    assert fit.by_affine is None
    assert fit.warnings == []
    assert not fit.affine_is_right


@pytest.mark.parametrize(
    "codes", ["".join(codes) for codes in itertools.product("LR", "PA", "SI")] + ["PLS", "ARI"]
)
def test_a_label_along_other_axes_is_right_by_its_affine(codes: str) -> None:
    labels, label = stored_along(codes)
    fit = label_fit(HU, labels, grid(), label)
    assert fit is not None
    assert fit.affine_is_right == (codes != "LPS")
    assert fit.by_affine is None if codes == "LPS" else fit.by_affine > 0.99


@pytest.mark.parametrize(
    "affine",
    [
        AFFINE * [-1, -1, 1, 1],
        SHIFTED,
        AFFINE @ np.diag([1, 1, -1, 1]),
        np.eye(4),
        np.diag([1.4, 1.6, 5, 1]),
    ],
)
def test_the_voxel_grid_is_right_where_only_the_header_is_wrong(affine: np.ndarray) -> None:
    """As in LiTS, whose labels have headers that differ from their images'."""
    fit = label_fit(HU, LABELS, grid(), grid(affine))
    assert fit is not None
    assert fit.by_affine is not None
    assert not fit.affine_is_right
    assert fit.warnings == []


@pytest.mark.parametrize(
    "labels",
    [LABELS[:, :, ::-1], LABELS[:, ::-1], LABELS[::-1], np.roll(LABELS, 8, axis=2), np.roll(LABELS, -6, axis=0)],
    ids=["left to right", "front to back", "head to feet", "shifted in the slice", "shifted by slices"],
)
def test_a_label_beside_its_liver_is_told(labels: np.ndarray) -> None:
    fit = label_fit(HU, labels, grid(), grid())
    assert fit is not None
    assert "shifted or mirrored" in fit.warnings[0]
    assert not fit.affine_is_right


def test_a_fatty_liver_in_a_noisy_exam_is_one() -> None:
    fit = label_fit(np.where(LABELS > 0, 10 + 2 * NOISE, -90), LABELS, grid(), grid())
    assert fit is not None
    assert fit.warnings == []


def test_an_empty_label_has_no_fit() -> None:
    assert label_fit(HU, np.zeros_like(LABELS), grid(), grid()) is None


@pytest.mark.parametrize(
    ("by_grid", "by_affine", "right"),
    [
        (0.6, 0.98, True),
        (0.9, 0.998, True),
        (0.6, 0.85, True),
        (0.95, 0.99, False),
        (0.6, 0.7, False),
        (0, 0, False),
    ],
)
def test_the_affine_is_right_where_it_halves_what_is_wrong(by_grid: float, by_affine: float, right: bool) -> None:
    assert LabelFit(by_grid, by_affine, 60).affine_is_right == right
