"""Means of maps: of those on one grid the mean of their bytes, of others what they say of the same places."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from small_exams import MapGrid

from hepaflow.masks.average import average
from hepaflow.masks.map import mask_of
from hepaflow.volumes.box import Box

WHOLE = MapGrid(Box((0, 3), (0, 40), (0, 40)), 8)


def drawn(seed: int, grid: MapGrid = WHOLE) -> NDArray[np.uint8]:
    slices = 0 if grid.box is None else grid.box.shape[0]
    return np.random.default_rng(seed).integers(0, 256, (slices, grid.size, grid.size), np.uint8)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(count=st.integers(1, 5), seed=st.integers(0, 100))
def test_on_one_grid_it_is_the_mean_of_the_bytes(count: int, seed: int) -> None:
    maps = [drawn(seed + number) for number in range(count)]
    found = average([(one, WHOLE) for one in maps], WHOLE)
    exact = np.mean([one.astype(float) for one in maps], axis=0)
    assert np.abs(found - exact).max() <= 0.5
    np.testing.assert_array_equal(mask_of(found), exact > 127.5)


def test_a_single_map_and_equal_maps_stay_as_they_are() -> None:
    one = drawn(1)
    np.testing.assert_array_equal(average([(one, WHOLE)], WHOLE), one)
    np.testing.assert_array_equal(average([(one, WHOLE)] * 3, WHOLE), one)


def test_a_tie_is_background() -> None:
    one = np.full((3, 8, 8), 200, np.uint8)
    assert not mask_of(average([(one, WHOLE), (255 - one, WHOLE)], WHOLE)).any()


def test_the_surer_map_decides() -> None:
    """A vote of masks would be a tie."""
    sure, unsure = np.full((3, 8, 8), 250, np.uint8), np.full((3, 8, 8), 100, np.uint8)
    assert mask_of(average([(sure, WHOLE), (unsure, WHOLE)], WHOLE)).all()
    assert not mask_of(average([(255 - sure, WHOLE), (255 - unsure, WHOLE)], WHOLE)).any()


def ramp(grid: MapGrid) -> NDArray[np.uint8]:
    """Return a map that grows along rows and columns of the exam, sampled at the centres of its pixels."""
    assert grid.box is not None
    rows, columns = (
        ends[0] + (np.arange(grid.size) + 0.5) * (ends[1] - ends[0]) / grid.size for ends in grid.box.ranges[1:]
    )
    one = 3 * rows[:, None] + 2 * columns
    return np.broadcast_to(np.rint(one), (grid.box.shape[0], grid.size, grid.size)).astype(np.uint8)


@pytest.mark.parametrize(
    "grid",
    [
        MapGrid(Box((0, 3), (0, 40), (0, 40)), 40),
        MapGrid(Box((0, 3), (0, 40), (0, 40)), 20),
        MapGrid(Box((0, 3), (-4, 44), (-4, 44)), 24),
        MapGrid(Box((0, 3), (8, 32), (10, 34)), 48),
    ],
)
@pytest.mark.parametrize(
    "onto", [MapGrid(Box((0, 3), (10, 30), (12, 32)), 20), MapGrid(Box((0, 3), (12, 28), (14, 30)), 8)]
)
def test_maps_say_the_same_of_a_place_on_every_grid(grid: MapGrid, onto: MapGrid) -> None:
    """A plane is interpolated exactly, but for bytes that are rounded."""
    found = average([(ramp(grid), grid)], onto)
    assert np.abs(found.astype(int) - ramp(onto)).max() <= 1


def test_a_map_finds_nothing_where_it_does_not_reach() -> None:
    full = np.full((1, 8, 8), 255, np.uint8)
    part = MapGrid(Box((1, 2), (20, 40), (0, 20)), 8)
    found = average([(full, part)], MapGrid(WHOLE.box, 40))
    expected = np.zeros((3, 40, 40), bool)
    expected[1, 20:40, 0:20] = True
    for row, column in ((20, 0), (20, 19), (39, 0), (39, 19)):
        expected[1, row, column] = False  # corners, of which interpolation rounds the tips
    np.testing.assert_array_equal(mask_of(found), expected)
    assert not found[0].any()
    assert not found[2].any()


def test_an_exam_in_which_a_method_finds_no_liver() -> None:
    nothing, full = MapGrid(None, 8), np.full((3, 8, 8), 255, np.uint8)
    found = average([(full, WHOLE), (drawn(0, nothing), nothing)], WHOLE)
    assert (found == 127).all()  # one of two is no majority
    assert average([(full, WHOLE)], nothing).shape == (0, 8, 8)


@pytest.mark.parametrize(("rows", "columns"), [((300, 302), (200, 202)), ((0, 2), (510, 512)), ((60, 62), (0, 2))])
def test_a_speck_costs_no_more_than_it_covers(rows: tuple[int, int], columns: tuple[int, int]) -> None:
    """A box of two voxels has pixels of a hundredth of a voxel: an exam at this resolution takes gigabytes."""
    speck = MapGrid(Box((0, 1), rows, columns), 256)
    onto = MapGrid(Box((0, 1), (0, 512), (0, 512)), 256)
    tracemalloc.start()
    found = average([(np.full((1, 256, 256), 255, np.uint8), speck)], onto)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 50e6
    place = (0, rows[0] // 2, columns[0] // 2)  # a pixel of the grid is these two voxels
    assert found[place] > 128
    assert np.count_nonzero(found) <= 9
    assert (
        average(
            [(np.full((1, 256, 256), 255, np.uint8), speck)], MapGrid(Box((0, 1), (400, 500), (400, 500)), 64)
        ).max()
        == 0
    )


@pytest.mark.parametrize("first", [(0, 0), (7, 15), (15, 7), (24, 0), (0, 24), (11, 5), (5, 11)])
@pytest.mark.parametrize("onto", [(0, 40), (16, 40), (21, 25), (26, 38)])
@pytest.mark.parametrize("size", [1, 4, 8, 40])
@pytest.mark.parametrize("fineness", [1, 4])
def test_a_map_is_the_same_with_nothing_around_it(
    first: tuple[int, int], onto: tuple[int, int], size: int, fineness: int
) -> None:
    """Its edge fades, where pixels of the grid are larger or smaller than its own."""
    pixels = 8 * fineness
    small = np.random.default_rng(3).integers(1, 256, (1, pixels, pixels), np.uint8)
    around = np.zeros((1, 60 * fineness, 60 * fineness), np.uint8)
    row, column = ((start + 10) * fineness for start in first)
    around[0, row : row + pixels, column : column + pixels] = small
    boxes = Box((0, 1), *((start, start + 8) for start in first)), Box((0, 1), (-10, 50), (-10, 50))
    grid = MapGrid(Box((0, 1), onto, onto), size)
    alone = average([(small, MapGrid(boxes[0], pixels))], grid)
    np.testing.assert_array_equal(alone, average([(around, MapGrid(boxes[1], 60 * fineness))], grid))


def test_only_the_mean_is_rounded() -> None:
    """At a quarter of the way from 100 to 101, and from 101 to 102: the mean is 100.75."""
    low = np.tile(np.array([100, 101], np.uint8), (1, 2, 1))
    coarse, fine = (MapGrid(Box((0, 1), (0, 4), (0, 4)), size) for size in (2, 4))
    assert average([(low, coarse), (low + np.uint8(1), coarse)], fine)[0, 1, 1] == 101
