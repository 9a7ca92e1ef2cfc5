"""Removal of unlikely regions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hepaflow.masks.map import FULL, HALF
from hepaflow.masks.postprocess import POSTPROCESSING, clean
from hepaflow.settings.postprocess import MinArea, NearLargest, PostprocessingStep, PostprocessSettings

LIVER, LESION = NearLargest(kind="near_largest"), MinArea(kind="min_area")


def done(mask: np.ndarray, step: PostprocessingStep) -> np.ndarray:
    """Take one step on a single slice."""
    stack = mask[None]
    return POSTPROCESSING[step.kind](stack, as_map(stack), step)[0]


def as_map(mask: np.ndarray) -> np.ndarray:
    """A map whose mask this is, of probabilities drawn on either side of one half."""
    draw = np.random.default_rng(0)
    return np.where(mask, draw.integers(HALF, FULL + 1, mask.shape), draw.integers(0, HALF, mask.shape)).astype(
        np.uint8
    )


quick = settings(max_examples=40, deadline=None, derandomize=True)


@st.composite
def masks(draw: st.DrawFn) -> np.ndarray:
    """Blobs of different sizes on a small slice."""
    mask = np.zeros((24, 24), bool)
    for _ in range(draw(st.integers(0, 7))):
        row, column = draw(st.tuples(st.integers(0, 23), st.integers(0, 23)))
        high, wide = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
        mask[row : row + high, column : column + wide] = True
    return mask


def drawn(*blocks: tuple[int, int, int, int], shape: tuple[int, int] = (256, 256)) -> np.ndarray:
    """A mask of rectangles (row, column, rows, columns)."""
    mask = np.zeros(shape, bool)
    for row, column, high, wide in blocks:
        mask[row : row + high, column : column + wide] = True
    return mask


MAIN = (4, 4, 8, 8)
"""64 pixels around (7.5, 7.5)."""


# distance


@pytest.mark.parametrize("axis", [0, 1])
def test_a_region_200_pixels_away_stays_and_one_beyond_goes(axis: int) -> None:
    def at(distance: int) -> np.ndarray:
        mask = drawn(MAIN, (6, 6 + distance, 4, 4))
        return mask if axis else mask.T

    np.testing.assert_array_equal(done(at(200), LIVER), at(200))
    main = drawn(MAIN)
    np.testing.assert_array_equal(done(at(201), LIVER), main)


def test_just_beyond_200() -> None:
    """One column more on the far side moves the centroid by half a pixel: 200.5."""
    mask = drawn(MAIN, (6, 206, 4, 5))
    np.testing.assert_array_equal(done(mask, LIVER), drawn(MAIN))


def test_distance_is_euclidean() -> None:
    """120 down and 160 across are 200 (neither their sum nor their maximum); one more is too far."""
    near, far = drawn(MAIN, (126, 166, 4, 4)), drawn(MAIN, (127, 166, 4, 4))
    np.testing.assert_array_equal(done(near, LIVER), near)
    np.testing.assert_array_equal(done(far, LIVER), drawn(MAIN))


def test_distance_is_between_centroids() -> None:
    """The edges are 197 pixels apart, the centroids 204."""
    mask = drawn((4, 0, 8, 8), (4, 204, 8, 7))
    np.testing.assert_array_equal(done(mask, LIVER), drawn((4, 0, 8, 8)))


# area


def test_an_eighth_of_the_area_stays_and_less_goes() -> None:
    eighth = drawn(MAIN, (50, 50, 2, 4))  # 8 of 64
    np.testing.assert_array_equal(done(eighth, LIVER), eighth)
    less = drawn(MAIN, (50, 50, 1, 7))
    np.testing.assert_array_equal(done(less, LIVER), drawn(MAIN))


def test_area_is_compared_with_the_largest_not_the_whole() -> None:
    mask = drawn((0, 0, 8, 8), (20, 0, 8, 8), (40, 0, 2, 4))  # 8 of 64, but 8 of 136
    np.testing.assert_array_equal(done(mask, LIVER), mask)


@pytest.mark.parametrize(("far", "large"), [(False, False), (True, True), (True, False)])
def test_a_region_needs_both_to_stay(far: bool, large: bool) -> None:
    size = (6, 6) if large else (1, 2)
    mask = drawn(MAIN, (4, 220 if far else 40, *size))
    np.testing.assert_array_equal(done(mask, LIVER), drawn(MAIN))


def test_the_largest_region_is_the_liver_wherever_it_lies() -> None:
    largest = (230, 230, 10, 10)
    mask = drawn((0, 0, 8, 8), largest)
    np.testing.assert_array_equal(done(mask, LIVER), drawn(largest))


def test_of_two_equal_regions_the_first_is_the_liver() -> None:
    mask = drawn((0, 0, 3, 3), (250, 250, 3, 3))
    np.testing.assert_array_equal(done(mask, LIVER), drawn((0, 0, 3, 3)))


def test_settings_are_used() -> None:
    mask = drawn(MAIN, (4, 24, 8, 2))  # 17 away, 16 of 64
    loose = NearLargest(kind="near_largest", max_distance=17, min_area_ratio=0.25)
    np.testing.assert_array_equal(done(mask, loose), mask)
    for strict in (
        NearLargest(kind="near_largest", max_distance=16.9, min_area_ratio=0.25),
        NearLargest(kind="near_largest", max_distance=17, min_area_ratio=0.26),
    ):
        np.testing.assert_array_equal(done(mask, strict), drawn(MAIN))


# connectivity


def test_diagonal_neighbours_are_one_region() -> None:
    corner = drawn(MAIN, (12, 12, 1, 1))
    np.testing.assert_array_equal(done(corner, LIVER), corner)
    apart = drawn(MAIN, (13, 13, 1, 1))
    np.testing.assert_array_equal(done(apart, LIVER), drawn(MAIN))
    for diagonal in (np.eye(10, dtype=bool), np.eye(10, dtype=bool)[::-1]):
        np.testing.assert_array_equal(done(diagonal, LESION), diagonal)


# lesions


@pytest.mark.parametrize(("pixels", "stays"), [(1, False), (9, False), (10, True), (11, True)])
def test_lesions_of_ten_pixels_stay(pixels: int, stays: bool) -> None:
    mask = drawn((0, 0, 1, pixels), shape=(4, 16))
    np.testing.assert_array_equal(done(mask, LESION), mask & stays)


def test_each_lesion_is_judged_alone() -> None:
    mask = drawn((0, 0, 3, 3), (10, 0, 2, 5), (20, 0, 3, 3), (30, 30, 40, 40))
    np.testing.assert_array_equal(done(mask, LESION), drawn((10, 0, 2, 5), (30, 30, 40, 40)))


def test_lesions_fill_a_slice() -> None:
    full = np.ones((16, 16), bool)
    np.testing.assert_array_equal(done(full, LESION), full)


def test_no_threshold_keeps_all() -> None:
    mask = drawn((0, 0, 1, 1))
    np.testing.assert_array_equal(done(mask, MinArea(kind="min_area", min_area=0)), mask)


# both


@pytest.mark.parametrize("step", [LIVER, LESION])
def test_empty_stays_empty(step: PostprocessingStep) -> None:
    assert not done(np.zeros((8, 8), bool), step).any()


def test_a_single_region_is_left_as_it_is() -> None:
    """However small: the thesis looks only where there are two (4.7)."""
    mask = drawn((100, 100, 1, 1))
    np.testing.assert_array_equal(done(mask, LIVER), mask)


TIGHT = NearLargest(kind="near_largest", max_distance=12, min_area_ratio=0.125)


@quick
@given(masks())
def test_liver_properties(mask: np.ndarray) -> None:
    before = mask.copy()
    cleaned = done(mask, TIGHT)
    np.testing.assert_array_equal(mask, before)  # the input is left alone
    assert cleaned.dtype == bool
    assert not (cleaned & ~mask).any()
    assert cleaned.any() == mask.any()
    np.testing.assert_array_equal(done(cleaned, TIGHT), cleaned)


@quick
@given(masks())
def test_lesion_properties(mask: np.ndarray) -> None:
    cleaned = done(mask, LESION)
    assert cleaned.dtype == bool
    assert not (cleaned & ~mask).any()
    np.testing.assert_array_equal(done(cleaned, LESION), cleaned)
    np.testing.assert_array_equal(done(mask.T, LESION), cleaned.T)


def test_each_slice_alone() -> None:
    """A region that is small beside another slice's liver stays."""
    stack = np.stack([drawn((0, 0, 40, 40)), drawn((200, 200, 2, 2)), np.zeros((256, 256), bool), drawn(MAIN)])
    np.testing.assert_array_equal(clean(as_map(stack), [LIVER]), stack)
    expected = stack.copy()
    expected[1] = False
    np.testing.assert_array_equal(clean(as_map(stack), [LESION]), expected)


def test_a_stack_is_cleaned_as_its_slices_are_and_left_as_it_is() -> None:
    stack = np.stack([drawn(MAIN, (50, 50, 1, 7)), drawn(MAIN, (6, 207, 4, 4), (100, 100, 3, 4))])
    map_ = as_map(stack)
    before = map_.copy()
    for step in (LIVER, LESION):
        cleaned = clean(map_, [step])
        np.testing.assert_array_equal(cleaned, [done(mask, step) for mask in stack])
        assert cleaned.sum() < stack.sum()
        np.testing.assert_array_equal(map_, before)
        np.testing.assert_array_equal(POSTPROCESSING[step.kind](stack, map_, step), cleaned)
        np.testing.assert_array_equal(stack, map_ >= HALF)


def test_no_slices() -> None:
    for step in (LIVER, LESION):
        assert clean(np.zeros((0, 8, 8), np.uint8), [step]).shape == (0, 8, 8)


def test_thesis_numbers() -> None:
    assert (LIVER.max_distance, LIVER.min_area_ratio, LESION.min_area) == (200, 1 / 8, 10)


# lists of steps


@quick
@given(masks())
def test_no_steps_leave_the_mask_itself(mask: np.ndarray) -> None:
    found = clean(as_map(mask[None]), [])
    assert found.dtype == bool
    np.testing.assert_array_equal(found[0], mask)


def test_the_order_of_steps_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step gets the mask of the one before it, the map as it is, and its own settings."""

    def shifted(mask: np.ndarray, map_: np.ndarray, step: MinArea) -> np.ndarray:
        np.testing.assert_array_equal(map_, given_map)
        return np.roll(mask, step.min_area, axis=2)

    def confined(mask: np.ndarray, map_: np.ndarray, step: NearLargest) -> np.ndarray:
        np.testing.assert_array_equal(map_, given_map)
        return mask & (np.arange(mask.shape[2]) < step.max_distance)

    table = {"min_area": shifted, "near_largest": confined}
    monkeypatch.setattr("hepaflow.masks.postprocess.POSTPROCESSING", table)
    given_map = as_map(drawn((0, 0, 1, 6), shape=(2, 8))[None])
    shift, confine = MinArea(kind="min_area", min_area=2), NearLargest(kind="near_largest", max_distance=4)
    np.testing.assert_array_equal(clean(given_map, [shift, confine])[0], drawn((0, 2, 1, 2), shape=(2, 8)))
    np.testing.assert_array_equal(clean(given_map, [confine, shift])[0], drawn((0, 2, 1, 4), shape=(2, 8)))


@quick
@given(masks(), st.lists(st.sampled_from([LIVER, LESION, MinArea(kind="min_area", min_area=30)]), max_size=4))
def test_steps_are_taken_one_after_the_other(mask: np.ndarray, steps: list[PostprocessingStep]) -> None:
    expected = mask
    for step in steps:
        expected = done(expected, step)
    np.testing.assert_array_equal(clean(as_map(mask[None]), steps)[0], expected)


def test_steps_are_read_in_their_order() -> None:
    text = '{"postprocessing": [{"kind": "min_area", "min_area": 3}, {"kind": "near_largest"}]}'
    read = PostprocessSettings.model_validate_json(text)
    assert read.postprocessing == (MinArea(kind="min_area", min_area=3), LIVER)
    assert PostprocessSettings.model_validate_json(read.canonical()) == read
