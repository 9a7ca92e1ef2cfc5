"""Boxes in an exam."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hepaflow.volumes.box import Box, bounding_box

quick = settings(max_examples=60, deadline=None, derandomize=True)
shapes = st.tuples(st.integers(1, 5), st.integers(1, 12), st.integers(1, 12))


@st.composite
def boxes(draw: st.DrawFn) -> tuple[Box, tuple[int, int, int]]:
    """An exam's shape, and a box that meets it and may reach over its edges."""
    shape = draw(shapes)
    ends = []
    for length in shape:
        start = draw(st.integers(-4, length - 1))
        ends.append((start, draw(st.integers(max(start, 0) + 1, length + 4))))
    return Box(*ends), shape


@quick
@given(boxes(), st.integers(0, 2**32 - 1))
def test_place_then_crop_gives_back_what_lies_in_the_exam(
    case: tuple[Box, tuple[int, int, int]], seed: int
) -> None:
    box, shape = case
    cut = np.random.default_rng(seed).integers(1, 99, box.shape).astype(np.int16)
    array = box.place(cut, shape)
    assert array.shape == shape
    assert array.dtype == cut.dtype
    inside = box.crop(np.ones(shape, bool))
    assert inside.shape == box.shape
    np.testing.assert_array_equal(box.crop(array), np.where(inside, cut, 0))


@quick
@given(boxes())
def test_crop_takes_each_voxel_from_its_place(case: tuple[Box, tuple[int, int, int]]) -> None:
    box, shape = case
    numbers = np.arange(1, np.prod(shape) + 1).reshape(shape)
    cut = box.crop(numbers)
    for index in np.ndindex(*box.shape):
        own = tuple(i + start for i, (start, _) in zip(index, box.ranges, strict=True))
        inside = all(0 <= i < length for i, length in zip(own, shape, strict=True))
        assert cut[index] == (numbers[own] if inside else 0)


@quick
@given(boxes())
def test_a_box_survives_json(case: tuple[Box, tuple[int, int, int]]) -> None:
    box, _ = case
    assert Box.from_list(json.loads(json.dumps(box.as_list()))) == box


def test_whole() -> None:
    box = Box.whole((2, 3, 4))
    assert box.shape == (2, 3, 4)
    assert box.ranges == ((0, 2), (0, 3), (0, 4))
    array = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(box.crop(array), array)
    assert np.shares_memory(Box((0, 1), (1, 3), (0, 4)).crop(array), array)  # no copy within the exam


def test_arrays_of_other_than_three_axes_are_refused() -> None:
    for shape in ((4, 4), (4, 4, 4, 4)):
        with pytest.raises(ValueError, match="zip"):
            Box.whole((2, 3, 4)).crop(np.ones(shape))


@quick
@given(shapes.flatmap(lambda shape: arrays(bool, shape)))
def test_the_bounding_box_holds_every_voxel_and_no_smaller_one_does(mask: np.ndarray) -> None:
    box = bounding_box(mask)
    if not mask.any():
        assert box is None
        return
    places = np.argwhere(mask)
    assert [start for start, _ in box.ranges] == places.min(axis=0).tolist()
    assert [stop for _, stop in box.ranges] == (places.max(axis=0) + 1).tolist()


def test_the_bounding_box_of_one_voxel_in_a_corner() -> None:
    mask = np.zeros((2, 3, 4), bool)
    mask[1, 2, 3] = True
    assert bounding_box(mask) == Box((1, 2), (2, 3), (3, 4))
