"""Lesions of closed form, measured."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import pdist

from hepaflow.volumes.box import Box
from hepaflow.volumes.lesions import find_lesions, label_lesions

SPACING = (2.5, 0.7, 0.8)


def sphere(radius: float, spacing: tuple[float, float, float]) -> np.ndarray:
    axes = [np.arange(-math.ceil(radius / step) - 1, math.ceil(radius / step) + 2) * step for step in spacing]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return z**2 + y**2 + x**2 <= radius**2


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), SPACING])
def test_a_sphere_has_its_volume_and_diameter(spacing: tuple[float, float, float]) -> None:
    mask = sphere(15, spacing)
    (lesion,) = find_lesions(mask, spacing)
    assert lesion.volume == pytest.approx(4 / 3 * math.pi * 1.5**3, rel=0.01)
    assert lesion.diameter == pytest.approx(30, abs=1.01 * max(spacing[1:]))
    assert lesion.voxels == mask.sum()
    assert lesion.place == tuple(length // 2 for length in mask.shape)


def test_a_bar_is_measured_from_side_to_side() -> None:
    mask = np.zeros((3, 9, 9), bool)
    mask[1, 4, 2:7] = True
    (lesion,) = find_lesions(mask, SPACING)
    assert lesion.diameter == pytest.approx(5 * 0.8)
    assert lesion.volume == pytest.approx(5 * 2.5 * 0.7 * 0.8 / 1000)
    assert lesion.box == Box((1, 2), (4, 5), (2, 7))


def test_one_voxel_is_as_long_as_its_longer_side() -> None:
    mask = np.zeros((1, 3, 3), bool)
    mask[0, 1, 1] = True
    (lesion,) = find_lesions(mask, SPACING)
    assert lesion.diameter == pytest.approx(0.8)


def test_the_diameter_lies_within_one_slice() -> None:
    mask = np.zeros((20, 5, 5), bool)
    mask[:, 2, 2] = True  # 50 mm from slice to slice
    (lesion,) = find_lesions(mask, SPACING)
    assert lesion.diameter == pytest.approx(0.8)


def test_lesions_know_their_voxels_wherever_they_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    mask = np.zeros((9, 30, 40), bool)
    mask[3, 10:14, 20:22] = mask[5:7, 12, 25] = mask[6, 12:15, 26] = True
    seen: list[tuple[int, ...]] = []
    monkeypatch.setattr(
        "hepaflow.volumes.lesions.label_lesions", lambda cut: seen.append(cut.shape) or label_lesions(cut)
    )
    lesions = find_lesions(mask, SPACING)
    assert seen == [(4, 5, 7)], "labels are of the box around all lesions"
    assert [(lesion.label, lesion.box) for lesion in lesions] == [
        (1, Box((3, 4), (10, 14), (20, 22))),
        (2, Box((5, 7), (12, 15), (25, 27))),
    ]
    back = sum(lesion.box.place(lesion.mask, mask.shape).astype(int) for lesion in lesions)
    np.testing.assert_array_equal(back, mask)
    assert all(mask[lesion.place] for lesion in lesions)


def test_voxels_that_touch_at_an_edge_are_two_lesions() -> None:
    mask = np.zeros((2, 4, 4), bool)
    mask[0, 1, 1] = mask[0, 2, 2] = True
    assert label_lesions(mask)[1] == 2
    assert len(find_lesions(mask, SPACING)) == 2


def test_voxels_that_share_a_face_across_slices_are_one() -> None:
    mask = np.zeros((2, 4, 4), bool)
    mask[:, 1, 1] = True
    assert len(find_lesions(mask, SPACING)) == 1


def test_the_largest_comes_first_and_labels_lead_back() -> None:
    mask = np.zeros((4, 20, 20), bool)
    mask[0, 1, 1] = mask[1:3, 5:9, 5:9] = mask[3, 15:17, 15] = True
    lesions = find_lesions(mask, SPACING)
    assert [lesion.voxels for lesion in lesions] == [32, 2, 1]
    labels, _ = label_lesions(mask)
    for lesion in lesions:
        assert np.count_nonzero(labels == lesion.label) == lesion.voxels
        assert labels[lesion.place] == lesion.label


def test_a_crescent_is_pointed_at_inside() -> None:
    y, x = np.mgrid[-20:21, -20:21]
    ring = (y**2 + x**2 <= 400) & (y**2 + x**2 > 250) & (x > -5)
    mask = np.stack([ring & (x > 10), ring])
    (lesion,) = find_lesions(mask, SPACING)
    assert lesion.place[0] == 1
    assert mask[lesion.place]


def test_no_lesion() -> None:
    assert find_lesions(np.zeros((3, 4, 5), bool), SPACING) == []
    assert label_lesions(np.zeros((3, 4, 5), bool))[1] == 0


def test_without_spacing_only_voxels_are_counted() -> None:
    mask = np.ones((2, 3, 4), bool)
    (lesion,) = find_lesions(mask, None)
    assert (lesion.voxels, lesion.volume, lesion.diameter) == (24, None, None)


@given(arrays(bool, (1, 7, 6)))
def test_the_diameter_is_the_largest_of_all_distances(mask: np.ndarray) -> None:
    labels, _ = label_lesions(mask)
    for lesion in find_lesions(mask, SPACING):
        pixels = np.argwhere(labels[0] == lesion.label)
        sides = np.array([(0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5)])
        points = (pixels[:, None] + sides).reshape(-1, 2) * SPACING[1:]
        assert lesion.diameter == pytest.approx(pdist(points).max())
        assert mask[lesion.place]
