"""The volume of interest."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hepaflow.preprocessing.voi import EmptyLiverError, volume_of_interest
from hepaflow.volumes.box import Box

quick = settings(max_examples=60, deadline=None, derandomize=True)
shapes = st.tuples(st.integers(1, 5), st.integers(1, 12), st.integers(1, 12))


@st.composite
def livers(draw: st.DrawFn) -> np.ndarray:
    """Non-empty masks; some fill the exam, some touch its border."""
    shape = draw(shapes)
    liver = np.zeros(shape, bool)
    corners = [sorted(draw(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)))) for n in shape]
    (a, b), (c, d), (e, f) = corners
    liver[a, c, e] = liver[b, d, f] = True
    return liver


def block(shape: tuple[int, int, int], *ranges: tuple[int, int]) -> np.ndarray:
    liver = np.zeros(shape, bool)
    liver[tuple(slice(*ends) for ends in ranges)] = True
    return liver


def test_shorter_side_is_widened_on_both_sides() -> None:
    box = volume_of_interest(block((9, 40, 50), (2, 5), (10, 14), (20, 30)))
    assert box == Box((2, 5), (7, 17), (20, 30))
    box = volume_of_interest(block((9, 50, 40), (2, 5), (20, 30), (10, 14)))
    assert box == Box((2, 5), (20, 30), (7, 17))


def test_an_odd_difference_puts_the_extra_pixel_behind() -> None:
    assert volume_of_interest(block((1, 40, 40), (0, 1), (10, 13), (20, 30))).rows == (7, 17)
    assert volume_of_interest(block((1, 40, 40), (0, 1), (10, 12), (20, 21))) == Box((0, 1), (10, 12), (20, 22))


@pytest.mark.parametrize(("rows", "expected"), [((0, 4), (0, 10)), ((36, 40), (30, 40)), ((1, 3), (0, 10))])
def test_a_square_that_would_leave_the_slice_is_shifted_inwards(
    rows: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert volume_of_interest(block((3, 40, 50), (0, 3), rows, (20, 30))).rows == expected


def test_a_square_larger_than_the_slice_reaches_over_both_edges() -> None:
    box = volume_of_interest(block((3, 20, 50), (1, 2), (5, 9), (4, 44)))
    assert box == Box((1, 2), (-10, 30), (4, 44))
    assert volume_of_interest(block((1, 5, 8), (0, 1), (0, 5), (0, 8))) == Box((0, 1), (-2, 6), (0, 8))


def test_a_liver_as_large_as_the_slice() -> None:
    assert volume_of_interest(np.ones((2, 6, 6), bool)) == Box.whole((2, 6, 6))


def test_one_voxel() -> None:
    assert volume_of_interest(block((5, 6, 7), (4, 5), (5, 6), (6, 7))) == Box((4, 5), (5, 6), (6, 7))


def test_separate_regions_share_one_box() -> None:
    liver = np.zeros((9, 30, 30), bool)
    liver[1, 4, 6] = liver[7, 20, 9] = True
    assert volume_of_interest(liver) == Box((1, 8), (4, 21), (0, 17))


def test_no_liver() -> None:
    with pytest.raises(EmptyLiverError):
        volume_of_interest(np.zeros((2, 3, 4), bool))


@quick
@given(livers())
def test_smallest_square_box_around_the_liver(liver: np.ndarray) -> None:
    box = volume_of_interest(liver)
    points = np.argwhere(liver)
    first, last = points.min(axis=0), points.max(axis=0) + 1
    assert box.slices == (first[0], last[0])
    assert box.shape[1] == box.shape[2] == max(last[1:] - first[1:])
    for (start, stop), inner, outer, length in zip(box.ranges, first, last, liver.shape, strict=True):
        assert start <= inner
        assert outer <= stop
        if stop - start <= length:
            assert start >= 0
            assert stop <= length
        else:  # over both edges, evenly
            assert start < 0
            assert abs((stop - length) + start) <= 1
        if start > 0 and stop < length:  # not shifted: widened evenly
            assert 0 <= (stop - outer) - (inner - start) <= 1


@quick
@given(livers(), st.integers(0, 2**32 - 1))
def test_crop_then_place_gives_the_liver_back(liver: np.ndarray, seed: int) -> None:
    box = volume_of_interest(liver)
    np.testing.assert_array_equal(box.place(box.crop(liver), liver.shape), liver)
    values = np.random.default_rng(seed).integers(1, 99, liver.shape)
    placed = box.place(box.crop(values), liver.shape)
    inside = box.place(np.ones(box.shape, bool), liver.shape)
    np.testing.assert_array_equal(placed, np.where(inside, values, 0))


def test_found_boxes_can_be_written_as_json() -> None:
    assert json.dumps(volume_of_interest(np.ones((1, 2, 3), bool)).as_list()) == "[[0, 1], [-1, 2], [0, 3]]"
