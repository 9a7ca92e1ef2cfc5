"""Grids in an exam, with voxels of any size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hepaflow.volumes.axes import Axis, covering, own_grid, voxels_of

MM = st.floats(0.3, 20)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 50), st.integers(1, 80), MM, MM)
def test_the_fewest_voxels_of_the_side_wanted_cover_a_range_around_its_middle(
    start: int, length: int, own: float, wanted: float
) -> None:
    axis = covering((start, start + length), own, wanted)
    assert axis.step * own == pytest.approx(wanted)
    assert sum(axis.place) / 2 == pytest.approx(start + length / 2)
    assert axis.place[0] <= start + 1e-3 * axis.step
    assert axis.place[1] >= start + length - 1e-3 * axis.step
    assert axis.voxels == 1 or (axis.voxels - 1) * wanted < length * own


def test_a_rounded_spacing_costs_no_voxel() -> None:
    assert covering((0, 100), 0.7000001, 0.7).voxels == 100


def test_the_own_grid_of_an_exam_has_its_voxels() -> None:
    grid = own_grid(np.empty((2, 3, 4)))
    assert grid == (Axis(2, (0, 2)), Axis(3, (0, 3)), Axis(4, (0, 4)))
    assert [axis.step for axis in grid] == [1, 1, 1]
    assert voxels_of(grid) == (2, 3, 4)
