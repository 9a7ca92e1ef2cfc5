"""Warps: from where places come, that image and mask move alike, and that no slice folds over itself."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hepaflow.settings.augmentation import UNFOLDED
from hepaflow.training.warp import affine, bending, control_points, warped

SHAPE = (24, 32)
"""Rows and columns differ: angles and lengths are those of square pixels."""


def drawn(shape: tuple[int, int] = SHAPE, channels: int = 2) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    draw = np.random.default_rng(1)
    return draw.random((channels, *shape), np.float32), draw.random(shape) > 0.5


def moved(image: Any, mask: Any, **ways: Any) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    return warped(image, mask, affine(mask.shape, **ways))


def test_nothing_moved_is_what_it_was() -> None:
    image, mask = drawn()
    found = moved(image, mask)
    assert found[0] is image
    assert found[1] is mask


def test_an_interpolation_that_moves_nothing_gives_the_slice_back() -> None:
    image, mask = drawn()
    still = np.zeros((2, *SHAPE), np.float32)
    found = warped(image, mask, affine(SHAPE), still)
    np.testing.assert_allclose(found[0], image, atol=1e-5)
    assert np.array_equal(found[1], mask)


@pytest.mark.parametrize(("degrees", "quarters"), [(90, 1), (-90, 3), (180, 2)])
@pytest.mark.parametrize("size", [24, 25])
def test_quarters_are_turned_counterclockwise(degrees: int, quarters: int, size: int) -> None:
    image, mask = drawn((size, size))
    found = moved(image, mask, degrees=degrees)
    np.testing.assert_allclose(found[0], np.rot90(image, quarters, axes=(1, 2)), atol=1e-4)
    assert np.array_equal(found[1], np.rot90(mask, quarters))


def test_a_slice_that_is_not_square_is_turned_without_a_shear() -> None:
    mask = np.zeros(SHAPE, bool)
    mask[10:14, 20:26] = True  # to the right of the centre
    found = moved(mask[np.newaxis].astype(np.float32), mask, degrees=90)[1]
    expected = np.zeros(SHAPE, bool)
    expected[2:8, 14:18] = True  # above it
    assert np.array_equal(found, expected)


def test_a_shift_is_a_share_of_the_side() -> None:
    image, mask = drawn()
    found = moved(image, mask, shift=(0.25, -0.125))  # 6 down, 4 to the left
    np.testing.assert_allclose(found[0][:, 6:, :-4], image[:, :-6, 4:], atol=1e-4)
    assert np.array_equal(found[1][6:, :-4], mask[:-6, 4:])
    for beyond in (found[0][:, :6], found[0][:, :, -4:], found[1][:6], found[1][:, -4:]):
        assert not np.any(beyond > 1e-4)


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25])
def test_the_area_of_a_disc_grows_by_the_factor_squared(factor: float) -> None:
    rows, columns = np.indices((96, 96)) - 47.5
    mask = rows**2 + columns**2 < 30**2
    found = moved(mask[np.newaxis].astype(np.float32), mask, factor=factor)[1]
    assert found.sum() == pytest.approx(mask.sum() * factor**2, rel=0.01)


@pytest.mark.parametrize("place", [(0, 0), (1, 0), (0.5, 0.25)])
def test_a_part_is_enlarged_to_the_whole(place: tuple[float, float]) -> None:
    """Of a slope linear pieces are linear, so each pixel tells where it comes from."""
    side, share = 64, 0.5
    rows, columns = (np.indices((side, side)) + 0.5) / side
    image = np.stack([rows, columns]).astype(np.float32)
    found, mask = moved(image, np.ones((side, side), bool), crop=share, place=place)
    for slope, coordinate, begin in zip(found, (rows, columns), place, strict=True):
        expected = begin * (1 - share) + share * coordinate
        np.testing.assert_allclose(slope[1:-1, 1:-1], expected[1:-1, 1:-1], atol=1e-5)
    assert mask.all()


def test_a_slice_is_turned_and_scaled_about_its_centre_and_then_shifted() -> None:
    rows, columns = np.indices((64, 64)) - 31.5
    spot = np.exp(-((rows - 2) ** 2 + (columns - 10) ** 2) / 18)  # 2 below the centre, 10 to the right
    image, mask = spot[np.newaxis].astype(np.float32), spot > 0.5
    found = moved(image, mask, degrees=90, factor=1.5, shift=(0.125, 0))[0][0]
    assert np.average(rows, weights=found) == pytest.approx(-15 + 8, abs=0.01)
    assert np.average(columns, weights=found) == pytest.approx(3, abs=0.01)


def test_channels_and_mask_move_alike() -> None:
    image, mask = drawn()
    control = np.random.default_rng(2).uniform(-0.1, 0.1, (2, 7, 7))
    matrix, field = affine(SHAPE, degrees=20, factor=1.2, shift=(0.1, 0), crop=0.9), bending(SHAPE, control, 0.25)
    together = warped(np.stack([*image, mask.astype(np.float32)]), mask, matrix, field)
    for channel, one in enumerate(image):
        assert np.array_equal(together[0][channel], warped(one[np.newaxis], mask, matrix, field)[0][0])
    assert np.array_equal(together[0][-1] > 0.5, together[1])
    assert together[0].dtype == np.float32
    assert together[1].dtype == bool


# Bending.


@pytest.mark.parametrize(("spacing", "points"), [(1, 4), (0.5, 5), (0.25, 7), (0.1, 13), (0.3, 7)])
def test_control_points_reach_over_the_side(spacing: float, points: int) -> None:
    assert control_points(spacing) == points
    assert bending((16, 24), np.zeros((2, points, points)), spacing).shape == (2, 16, 24)


def test_control_points_that_move_alike_shift_the_slice() -> None:
    image, mask = drawn()
    control = np.empty((2, 7, 7))
    control[0], control[1] = 4 / 32, -6 / 24  # where a pixel comes from: 4 to the right, 6 above
    found = warped(image, mask, affine(SHAPE), bending(SHAPE, control, 0.25))
    expected = moved(image, mask, shift=(0.25, -0.125))
    np.testing.assert_allclose(found[0], expected[0], atol=1e-4)
    assert np.array_equal(found[1], expected[1])


def test_control_points_on_a_slope_make_a_slope() -> None:
    points = np.arange(13) - 1  # the first lies one spacing before the edge
    control = np.stack(np.broadcast_arrays(0.1 * points, 0.2 * points[:, np.newaxis])).astype(np.float64)
    across, down = bending((20, 20), control, 0.1)
    places = (np.arange(20) + 0.5) / 20 / 0.1
    np.testing.assert_allclose(across, np.broadcast_to(0.1 * places, (20, 20)), atol=1e-6)
    np.testing.assert_allclose(down, np.broadcast_to(0.2 * places[:, np.newaxis], (20, 20)), atol=1e-6)


@pytest.mark.parametrize("spacing", [0.1, 0.25])
def test_the_largest_displacements_fold_nothing(spacing: float) -> None:
    """Where places would change their order, the determinant of the derivatives is not above 0."""
    side, points, draw = 128, control_points(spacing), np.random.default_rng(3)
    alternating = np.where(np.indices((points, points)).sum(0) % 2, 1.0, -1.0)
    signs = [np.stack([alternating, alternating]), *np.sign(draw.uniform(-1, 1, (30, 2, points, points)))]
    for sign in signs:
        across, down = side * bending((side, side), UNFOLDED * spacing * sign, spacing)
        (across_rows, across_columns), (down_rows, down_columns) = np.gradient(across), np.gradient(down)
        assert ((1 + across_columns) * (1 + down_rows) - across_rows * down_columns).min() > 0
