"""Steps between voxels: lengths and volumes on grids whose axes are not perpendicular."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from hepaflow.evaluation.exam import mask_scores
from hepaflow.evaluation.metrics.surface import SurfaceDistances, surface
from hepaflow.volumes.lesions import find_lesions
from hepaflow.volumes.steps import in_mm, in_plane, shear, steps_of, voxel_volume

PERPENDICULAR = np.array([[0, 0, 2.5], [0, -0.8, 0], [-0.7, 0, 0]])
SHEARED = np.array([[0.3, 1.2, 2.5], [0.2, -0.8, 0], [-0.7, 0, 0.1]])


def turned(vectors: np.ndarray) -> np.ndarray:
    """The same steps, seen along other axes."""
    rotation, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    return vectors @ rotation


def test_perpendicular_steps_are_the_spacing() -> None:
    assert steps_of(PERPENDICULAR) == (2.5, 0.8, 0.7)
    assert steps_of(turned(PERPENDICULAR)) == pytest.approx((2.5, 0.8, 0.7))
    assert steps_of(PERPENDICULAR + 1e-5) == pytest.approx((2.5, 0.8, 0.7), abs=1e-4)  # a rounded header


@pytest.mark.parametrize("vectors", [SHEARED, turned(SHEARED), SHEARED * [-1, 1, 1]])
def test_sheared_steps_keep_every_distance_and_the_volume(vectors: np.ndarray) -> None:
    steps = steps_of(vectors)
    points = np.random.default_rng(1).integers(0, 9, (20, 3))
    np.testing.assert_allclose(pdist(in_mm(points, steps)), pdist(points @ vectors))
    np.testing.assert_allclose(pdist(in_mm(points[:, 1:], in_plane(steps))), pdist(points[:, 1:] @ vectors[1:]))
    assert voxel_volume(steps) == pytest.approx(abs(np.linalg.det(vectors)))


def test_shear_is_the_cosine_farthest_from_a_right_angle() -> None:
    assert shear(PERPENDICULAR) == 0
    assert shear(np.array([[0, 1, 1], [0, 2, 0], [3, 0, 0]])) == pytest.approx(np.cos(np.pi / 4))


def test_volume_and_diameter_of_a_lesion_on_a_sheared_grid() -> None:
    mask = np.zeros((4, 6, 7), bool)
    mask[1:3, 1:5, 2:6] = True
    (lesion,) = find_lesions(mask, steps_of(turned(SHEARED)))
    assert lesion.volume == pytest.approx(32 * abs(np.linalg.det(SHEARED)) / 1000)
    sides = np.array([(0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5)])
    points = (np.argwhere(mask[1])[:, None] + sides).reshape(-1, 2) @ SHEARED[1:]
    assert lesion.diameter == pytest.approx(pdist(points).max())


@pytest.mark.parametrize("many", [False, True])
def test_distances_of_surfaces_on_a_sheared_grid(monkeypatch: pytest.MonkeyPatch, many: bool) -> None:
    """Whatever search is the faster: the transform cannot measure along axes that are not perpendicular."""
    monkeypatch.setattr("hepaflow.evaluation.metrics.surface._PAIRS_A_VOXEL", 0 if many else 1e9)
    one, other = np.zeros((2, 9, 10, 11), bool)
    one[2:7, 2:8, 2:7] = True
    other[3:8, 1:6, 4:9] = True
    found = SurfaceDistances.of(one, other, steps_of(turned(SHEARED)))
    apart = cdist(np.argwhere(surface(one)) @ SHEARED, np.argwhere(surface(other)) @ SHEARED)
    np.testing.assert_allclose(found.forth, apart.min(axis=1), atol=1e-12)
    np.testing.assert_allclose(np.sort(found.back), np.sort(apart.min(axis=0)), atol=1e-12)


def test_volumes_of_scores_on_a_sheared_grid() -> None:
    mask = np.zeros((4, 6, 7), bool)
    mask[1:3, 1:5, 2:6] = True
    scores = mask_scores(mask, mask, steps_of(SHEARED))
    millilitres = 32 * abs(np.linalg.det(SHEARED)) / 1000
    assert scores["volume_ml"] == scores["reference_volume_ml"] == pytest.approx(millilitres)
