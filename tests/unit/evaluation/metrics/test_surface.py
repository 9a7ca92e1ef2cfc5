"""Distances between surfaces."""

from math import hypot, sqrt

import medpy.metric.binary as medpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage
from scipy.spatial.distance import cdist

from hepaflow.evaluation.metrics.surface import SurfaceDistances, nearest_by_transform, nearest_by_tree, surface

quick = settings(max_examples=60, deadline=None, derandomize=True)
shapes = array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=6)

SPACING = (2.5, 0.7, 0.8)
EIGHTEEN = ndimage.generate_binary_structure(3, 2)
MEASURES = ("average", "root_mean_square", "maximum", "hausdorff_95")


def measures(prediction: np.ndarray, reference: np.ndarray, spacing=SPACING) -> list[float]:
    found = SurfaceDistances.of(prediction, reference, spacing)
    return [getattr(found, name) for name in MEASURES]


def block(*ranges: tuple[int, int], shape: tuple[int, int, int] = (12, 24, 24)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[tuple(slice(*ends) for ends in ranges)] = True
    return mask


def blob(seed: int, *, shape: tuple[int, int, int] = (14, 20, 22), border: int = 0) -> np.ndarray:
    """A ragged region; with a border it keeps away from the array's."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 1.5)
    mask = noise > np.quantile(noise, 0.7)
    inside = np.zeros(shape, bool)
    inside[tuple(slice(border, length - border) for length in shape)] = True
    return mask & inside


# Surfaces


def peeled(mask: np.ndarray) -> np.ndarray:
    """The surface by definition: what the erosion with the 18-neighbourhood takes, background all around."""
    return mask & ~ndimage.binary_erosion(mask, EIGHTEEN, border_value=0)


@quick
@given(shapes.flatmap(lambda shape: arrays(bool, shape)))
def test_surface_of_any_mask_that_fits_the_array(mask: np.ndarray) -> None:
    np.testing.assert_array_equal(surface(mask), peeled(mask))


@quick
@given(shapes.flatmap(lambda shape: arrays(bool, shape, elements=st.integers(0, 9).map(bool))))
def test_surface_of_masks_that_are_nearly_full(mask: np.ndarray) -> None:
    """Dense masks have an inside, which sparse ones of random voxels lack."""
    np.testing.assert_array_equal(surface(mask), peeled(mask))


@pytest.mark.parametrize("axis", range(3))
def test_surface_of_one_slice_is_all_of_it(axis: int) -> None:
    shape = [7, 7, 7]
    shape[axis] = 1
    assert surface(np.ones(shape, bool)).all()


def test_edge_neighbours_count_and_corner_neighbours_do_not() -> None:
    mask = np.ones((5, 5, 5), bool)
    mask[1, 1, 1] = False  # shares a corner with the middle
    assert not surface(mask)[2, 2, 2]
    mask[2, 1, 1] = False  # shares an edge with it
    assert surface(mask)[2, 2, 2]


def test_surface_of_a_large_ragged_mask_leaves_the_mask_alone() -> None:
    mask = blob(0, shape=(20, 40, 41))
    before = mask.copy()
    np.testing.assert_array_equal(surface(mask), peeled(mask))
    np.testing.assert_array_equal(mask, before)


# Closed forms


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("step", [1, 4])
def test_parallel_planes(axis: int, step: int) -> None:
    """Every voxel of one is as far from the other as the planes are apart, in mm."""
    one, other = np.zeros((2, 9, 9, 9), bool)
    np.moveaxis(one, axis, 0)[2] = np.moveaxis(other, axis, 0)[2 + step] = True
    assert measures(one, other) == pytest.approx([step * SPACING[axis]] * 4)


def test_two_voxels() -> None:
    one, other = block((1, 2), (3, 4), (5, 6)), block((3, 4), (9, 10), (5, 6))
    assert measures(one, other) == pytest.approx([hypot(2 * 2.5, 6 * 0.7)] * 4)


def test_a_voxel_within_a_plane_pools_both_directions() -> None:
    """The voxel lies in the row, whose 21 voxels are 0 to 10 steps away from it: pooled, 22 distances."""
    row, voxel = block((4, 5), (4, 5), (1, 22)), block((4, 5), (4, 5), (11, 12))
    steps = np.abs(np.arange(-10, 11)) * 0.8
    expected = [steps.sum() / 22, sqrt((steps**2).sum() / 22), 8.0, np.percentile(steps, 95)]
    assert measures(voxel, row) == pytest.approx(expected)
    assert measures(row, voxel) == pytest.approx(expected)
    # The mean of the two directions' means, which others call ASSD, is another number.
    assert expected[0] != pytest.approx((0 + steps.mean()) / 2)


def test_a_block_one_slice_thicker() -> None:
    """Blocks of 6 and 7 slices, otherwise alike: no voxel is further away than a slice."""
    one, other = block((2, 8), (4, 20), (4, 20)), block((2, 9), (4, 20), (4, 20))
    average, root, largest, _ = measures(one, other)
    # Inner voxels of the two end planes (the rims lie on both surfaces, side by side): 14 x 14 forth, and
    # 16 x 16 back, whose rims stand one slice above the smaller block.
    assert largest == pytest.approx(2.5)
    forth = SurfaceDistances.of(one, other, SPACING).forth
    back = SurfaceDistances.of(one, other, SPACING).back
    assert (back > 0).sum() == 16 * 16
    assert (forth > 0).sum() == 14 * 14
    # Inside the smaller block's top the walls of the larger one are nearer than its top within 3 rows or columns.
    rows, columns = np.meshgrid(np.arange(1, 15), np.arange(1, 15), indexing="ij")
    near = np.minimum.reduce(
        [np.full(rows.shape, 2.5), 0.7 * rows, 0.7 * (15 - rows), 0.8 * columns, 0.8 * (15 - columns)]
    )
    total = near.sum() + 16 * 16 * 2.5
    assert average == pytest.approx(total / (forth.size + back.size))
    assert root == pytest.approx(sqrt(((near**2).sum() + 16 * 16 * 2.5**2) / (forth.size + back.size)))


def test_distances_scale_with_the_spacing() -> None:
    one, other = blob(1), blob(2)
    doubled = tuple(2 * length for length in SPACING)
    assert measures(one, other, doubled) == pytest.approx([2 * value for value in measures(one, other)])


# Properties


@pytest.mark.parametrize("seed", range(3))
def test_identical_masks_are_at_no_distance(seed: int) -> None:
    assert measures(blob(seed), blob(seed)) == [0, 0, 0, 0]


def test_empty_masks_have_no_distances() -> None:
    """A distance to nothing is undefined, and never a zero."""
    mask, empty = blob(0), np.zeros_like(blob(0))
    for pair in ((mask, empty), (empty, mask), (empty, empty)):
        assert np.isnan(measures(*pair)).all()
        found = SurfaceDistances.of(*pair, SPACING)
        assert found.forth.size == found.back.size == 0


@quick
@given(st.tuples(arrays(bool, (3, 5, 6)), arrays(bool, (3, 5, 6))).filter(lambda pair: all(map(np.any, pair))))
def test_measures_are_symmetric_and_in_order(pair: tuple[np.ndarray, np.ndarray]) -> None:
    forth, back = measures(*pair), measures(*reversed(pair))
    assert forth == pytest.approx(back)
    average, root, largest, percentile = forth
    assert average <= root * (1 + 1e-12)
    assert root <= largest * (1 + 1e-12)
    assert percentile <= largest


@quick
@given(st.tuples(arrays(bool, (3, 4, 5)), arrays(bool, (3, 4, 5))).filter(lambda pair: all(map(np.any, pair))))
def test_all_measures_against_their_definitions(pair: tuple[np.ndarray, np.ndarray]) -> None:
    """Every distance between two surface voxels, by brute force."""
    points = [np.argwhere(peeled(mask)) * SPACING for mask in pair]
    distances = cdist(*points)
    forth, back = distances.min(axis=1), distances.min(axis=0)
    pooled = np.concatenate([forth, back])
    expected = [
        pooled.mean(),
        sqrt((pooled**2).mean()),
        pooled.max(),
        max(np.percentile(forth, 95), np.percentile(back, 95)),
    ]
    assert measures(*pair) == pytest.approx(expected)


def test_what_lies_around_the_masks_does_not_matter() -> None:
    one, other = blob(3, border=2), blob(4, border=2)
    wide = [np.pad(mask, ((3, 0), (5, 9), (0, 7))) for mask in (one, other)]
    assert measures(*wide) == measures(one, other)


@pytest.mark.parametrize("seed", range(3))
def test_tree_and_transform_find_the_same_distances(seed: int) -> None:
    """They may name different voxels where two are equally near."""
    points, to = np.argwhere(blob(seed)), surface(blob(seed + 50))
    found = [search(to, SPACING)(points) for search in (nearest_by_tree, nearest_by_transform)]
    for nearest in found:
        assert to[tuple(nearest.T)].all()
    one, other = (np.linalg.norm((points - nearest) * SPACING, axis=1) for nearest in found)
    np.testing.assert_allclose(one, other, rtol=1e-12)


def test_a_mask_of_everything_is_measured_by_the_transform(monkeypatch: pytest.MonkeyPatch) -> None:
    """A voxel in the middle of a full array: the way to it, and from it to the closest wall."""
    shape = (31, 101, 101)
    middle = block((15, 16), (50, 51), (50, 51), shape=shape)
    monkeypatch.setattr("hepaflow.evaluation.metrics.surface._PAIRS_A_VOXEL", 0)
    monkeypatch.setattr("hepaflow.evaluation.metrics.surface.nearest_by_tree", None)
    found = SurfaceDistances.of(np.ones(shape, bool), middle, SPACING)
    assert found.back == pytest.approx([50 * 0.7])
    assert found.maximum == pytest.approx(sqrt((15 * 2.5) ** 2 + (50 * 0.7) ** 2 + (50 * 0.8) ** 2))


@pytest.mark.parametrize(
    ("side", "search", "other"),
    [(19, "nearest_by_tree", "nearest_by_transform"), (21, "nearest_by_transform", "nearest_by_tree")],
)
def test_the_transform_searches_where_pairs_are_many(
    monkeypatch: pytest.MonkeyPatch, side: int, search: str, other: str
) -> None:
    """Two chequered cubes that fill each other's gaps: a quarter of the voxels pairs for each voxel."""
    odd = np.indices((side,) * 3).sum(axis=0) % 2 == 1
    monkeypatch.setattr(f"hepaflow.evaluation.metrics.surface.{other}", None)
    assert measures(odd, ~odd) == pytest.approx([0.7] * 4)
    monkeypatch.setattr(f"hepaflow.evaluation.metrics.surface.{search}", None)
    with pytest.raises(TypeError):
        measures(odd, ~odd)


@pytest.mark.parametrize("pairs", [0, 2000])
def test_however_many_points_are_measured_at_a_time(monkeypatch: pytest.MonkeyPatch, pairs: int) -> None:
    expected = SurfaceDistances.of(blob(5), blob(6), SPACING)
    monkeypatch.setattr("hepaflow.evaluation.metrics.surface._PAIRS_A_VOXEL", pairs)
    monkeypatch.setattr("hepaflow.evaluation.metrics.surface._AT_ONCE", 100)
    found = SurfaceDistances.of(blob(5), blob(6), SPACING)
    assert found.forth.size > 1000
    np.testing.assert_allclose(found.forth, expected.forth, rtol=1e-12)
    np.testing.assert_allclose(found.back, expected.back, rtol=1e-12)


# Against medpy, whose surface with connectivity 2 is the challenge's


@pytest.mark.parametrize("border", [0, 2])
@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_medpy(seed: int, border: int) -> None:
    """Medpy takes what lies outside of the array for background as well, so masks may touch the border."""
    one, other = blob(seed, border=border), blob(seed + 100, border=border)
    average, _, largest, _ = measures(one, other)
    assert average == pytest.approx(medpy.assd(one, other, SPACING, connectivity=2))
    assert largest == pytest.approx(medpy.hd(one, other, SPACING, connectivity=2))
