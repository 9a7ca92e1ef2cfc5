"""Removal of unlikely regions."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hepaflow.masks.map import FULL, HALF, mask_of
from hepaflow.masks.postprocess import POSTPROCESSING, clean
from hepaflow.settings.postprocess import (
    NEEDS_REGION,
    FillHoles,
    Hysteresis,
    Inside,
    LargestComponent,
    MinArea,
    MinComponent,
    MinInside,
    MinProbability,
    NearLargest,
    PostprocessingStep,
    PostprocessSettings,
)

LIVER, LESION = NearLargest(kind="near_largest"), MinArea(kind="min_area")


def done(mask: np.ndarray, step: PostprocessingStep) -> np.ndarray:
    """Take one step on a single slice."""
    stack = mask[None]
    return POSTPROCESSING[step.kind](stack, as_map(stack), step, None)[0]


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
        np.testing.assert_array_equal(POSTPROCESSING[step.kind](stack, map_, step, None), cleaned)
        np.testing.assert_array_equal(stack, map_ >= HALF)


@pytest.mark.parametrize("kind", POSTPROCESSING)
def test_no_slices(kind: str) -> None:
    """No liver was found, so there is no volume of interest."""
    text = f'{{"postprocessing": [{{"kind": "{kind}"}}]}}'
    steps = PostprocessSettings.model_validate_json(text).postprocessing
    found = clean(np.zeros((0, 8, 8), np.uint8), steps, np.zeros((0, 8, 8), bool))
    assert found.shape == (0, 8, 8)
    assert found.dtype == bool


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
    """Each step gets the mask of the one before it, the map and the region as they are, and its own settings."""

    def shifted(mask: np.ndarray, map_: np.ndarray, step: MinArea, region: np.ndarray) -> np.ndarray:
        np.testing.assert_array_equal(map_, given_map)
        np.testing.assert_array_equal(region, given_region)
        return np.roll(mask, step.min_area, axis=2)

    def confined(mask: np.ndarray, map_: np.ndarray, step: NearLargest, region: np.ndarray) -> np.ndarray:
        np.testing.assert_array_equal(map_, given_map)
        np.testing.assert_array_equal(region, given_region)
        return mask & (np.arange(mask.shape[2]) < step.max_distance)

    table = {"min_area": shifted, "near_largest": confined}
    monkeypatch.setattr("hepaflow.masks.postprocess.POSTPROCESSING", table)
    given_map = as_map(drawn((0, 0, 1, 6), shape=(2, 8))[None])
    given_region = drawn((0, 0, 2, 3), shape=(2, 8))[None]
    shift, confine = MinArea(kind="min_area", min_area=2), NearLargest(kind="near_largest", max_distance=4)
    for steps, left in (([shift, confine], 2), ([confine, shift], 4)):
        found = clean(given_map, steps, given_region)
        np.testing.assert_array_equal(found[0], drawn((0, 2, 1, left), shape=(2, 8)))


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


# components of the exam


LARGEST = LargestComponent(kind="largest_component")
ERODED = LargestComponent(kind="largest_component", erosion=1)


def cleaned(mask: np.ndarray, *steps: PostprocessingStep, region: np.ndarray | None = None) -> np.ndarray:
    """Take steps on an exam, and leave what they are given alone."""
    map_, kept = as_map(mask), None if region is None else region.copy()
    before = map_.copy()
    found = clean(map_, steps, region)
    assert found.dtype == bool
    np.testing.assert_array_equal(map_, before)
    if region is not None:
        np.testing.assert_array_equal(region, kept)
    return found


def test_components_are_connected_over_slices_and_corners() -> None:
    mask = np.zeros((4, 8, 8), bool)
    mask[0, 0, 0] = mask[1, 1, 1] = mask[2, 2, 0] = True  # corner to corner, and three voxels
    mask[3, 5:7, 7] = True  # two, which are the largest of their slice
    expected = mask.copy()
    expected[3] = False
    np.testing.assert_array_equal(cleaned(mask, LARGEST), expected)
    mask[3, 4, 7] = mask[3, 3, 7] = True
    np.testing.assert_array_equal(cleaned(mask, LARGEST), mask & (np.arange(4) == 3)[:, None, None])


def test_a_slice_apart_is_not_connected() -> None:
    mask = np.zeros((3, 4, 4), bool)
    mask[0], mask[2, 0] = True, True
    np.testing.assert_array_equal(cleaned(mask, LARGEST), mask & (np.arange(3) == 0)[:, None, None])


def test_an_eroded_component_loses_what_hangs_on_it_by_a_bridge() -> None:
    liver = np.zeros((9, 20, 20), bool)
    liver[2:9, 2:12, 2:12] = True  # up to the exam's last slice, which does not erode it
    bridged = liver.copy()
    bridged[5, 6:8, 12:15] = True
    bridged[3:8, 4:10, 15:19] = True
    np.testing.assert_array_equal(cleaned(bridged, LARGEST), bridged)
    expected = liver.copy()
    expected[5, 6:8, 12:14] = True  # the bridge's foot, for the voxels before it were not eroded
    expected[np.ix_([2], [2, 11], [2, 11])] = False  # corners are three steps away from what erosion leaves
    np.testing.assert_array_equal(cleaned(bridged, ERODED), expected)


def test_a_mask_that_erosion_would_take_away_is_not_eroded() -> None:
    mask = np.zeros((5, 9, 9), bool)
    mask[2, 4, 1:7] = mask[0, 0, 0:2] = True
    np.testing.assert_array_equal(cleaned(mask, ERODED), cleaned(mask, LARGEST))
    for empty in (np.zeros((3, 4, 4), bool), np.zeros((0, 4, 4), bool)):
        assert not cleaned(empty, ERODED).any()


def test_of_two_equal_components_the_first_stays() -> None:
    mask = np.zeros((3, 4, 4), bool)
    mask[0, 3, 3] = mask[2, 0, 0] = True
    np.testing.assert_array_equal(np.argwhere(cleaned(mask, LARGEST)), [[0, 3, 3]])


def test_small_components_are_removed_over_all_slices() -> None:
    mask = np.zeros((4, 8, 8), bool)
    mask[0, 0, 0] = mask[1, 1, 1] = mask[2, 2, 0] = True  # corner to corner, and three voxels
    mask[3, 5:7, 7] = True
    for least, slices in ((1, [0, 1, 2, 3]), (2, [0, 1, 2, 3]), (3, [0, 1, 2]), (4, [])):
        step = MinComponent(kind="min_component", min_voxels=least)
        np.testing.assert_array_equal(
            cleaned(mask, step), mask & np.isin(np.arange(4), slices)[:, None, None], str(least)
        )


def test_components_of_which_the_network_is_sure_nowhere_are_removed() -> None:
    map_ = np.zeros((4, 8, 8), np.uint8)
    map_[0, 0, 0], map_[1, 1, 1], map_[2, 2, 0] = 128, 230, 140  # corner to corner
    map_[3, 5:7, 7] = 229
    map_[0, 6, 6] = 255  # removed by an earlier step
    area = MinComponent(kind="min_component", min_voxels=2)
    for probability, slices in ((0.5, [0, 1, 2, 3]), (0.898, [0, 1, 2, 3]), (0.9, [0, 1, 2]), (0.91, [])):
        sure = Hysteresis(kind="hysteresis", probability=probability)
        np.testing.assert_array_equal(
            clean(map_, (area, sure)),
            mask_of(map_) & np.isin(np.arange(4), slices)[:, None, None] & (map_ < 255),
            str(probability),
        )
    assert clean(np.zeros((0, 8, 8), np.uint8), (sure,)).shape == (0, 8, 8)  # no liver was found


@pytest.mark.parametrize(
    ("mean", "kept"), [(0.5, [0, 1, 2]), (0.6, [0, 1, 2]), (0.61, [1, 2]), (0.8, [1, 2]), (0.81, [2]), (1, [2])]
)
def test_components_of_which_the_network_is_unsure_on_the_whole_are_removed(mean: float, kept: list[int]) -> None:
    """Their means are 0.6 (corner to corner over two slices), 0.8 (of 0.6 and 1) and 1."""
    map_ = np.zeros((5, 8, 8), np.uint8)
    map_[0, 0, 0] = map_[1, 1, 1] = 153
    map_[3, 2, 0], map_[3, 3, 1] = 153, 255
    map_[4, 5:7, 7] = 255
    map_[4, 5, 6] = 127  # not in the mask, so it does not count
    component = np.array([0, 0, 3, 1, 2])
    found = clean(map_, [MinProbability(kind="min_probability", mean=mean)])
    np.testing.assert_array_equal(found, mask_of(map_) & np.isin(component, kept)[:, None, None])


def test_a_mean_is_that_of_what_earlier_steps_have_left() -> None:
    map_ = np.array([[[255, 255, 140]]], np.uint8)
    steps = Inside(kind="inside"), MinProbability(kind="min_probability", mean=1)
    assert clean(map_, steps, np.array([[[True, True, False]]])).tolist() == [[[True, True, False]]]
    assert not clean(map_, steps, np.ones((1, 1, 3), bool)).any()


@quick
@given(st.integers(0, 2**32 - 1))
def test_one_component_stays_and_no_other_is_larger(seed: int) -> None:
    mask = np.random.default_rng(seed).random((4, 7, 7)) > 0.85
    found = cleaned(mask, LARGEST)
    whole, count = ndimage.label(mask, np.ones((3, 3, 3)))
    assert not (found & ~mask).any()
    assert ndimage.label(found, np.ones((3, 3, 3)))[1] == min(count, 1)
    assert found.sum() == max(np.bincount(whole.ravel())[1:], default=0)
    np.testing.assert_array_equal(cleaned(found, LARGEST), found)


# holes


def filled(dimensions: Literal[2, 3] = 2) -> FillHoles:
    return FillHoles(kind="fill_holes", dimensions=dimensions)


def ring(shape: tuple[int, int] = (8, 8)) -> np.ndarray:
    return drawn((1, 1, 5, 5), shape=shape) & ~drawn((2, 2, 3, 3), shape=shape)


def test_a_ring_is_filled_and_one_with_a_gap_is_not() -> None:
    gap = ring()
    gap[3, 1] = False
    stack = np.stack([ring(), gap, np.zeros((8, 8), bool)])
    expected = np.stack([drawn((1, 1, 5, 5), shape=(8, 8)), gap, np.zeros((8, 8), bool)])
    np.testing.assert_array_equal(cleaned(stack, filled()), expected)


def test_a_ring_may_be_closed_corner_by_corner() -> None:
    """As the regions of a mask are 8-connected, its background is 4-connected."""
    diamond = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], bool)
    np.testing.assert_array_equal(done(diamond, filled()), ndimage.generate_binary_structure(2, 1))


def test_what_is_open_to_the_border_is_no_hole() -> None:
    bay = ~drawn((0, 2, 3, 2), shape=(6, 6))
    np.testing.assert_array_equal(done(bay, filled()), bay)


def test_a_tube_is_enclosed_in_its_slices_and_not_in_the_exam() -> None:
    tube = np.stack([ring()] * 3)
    np.testing.assert_array_equal(cleaned(tube, filled(3)), tube)
    full = np.stack([drawn((1, 1, 5, 5), shape=(8, 8))] * 3)
    np.testing.assert_array_equal(cleaned(tube, filled(2)), full)
    closed = tube.copy()
    closed[[0, 2]] = full[[0, 2]]
    np.testing.assert_array_equal(cleaned(closed, filled(3)), full)


@quick
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3]))
def test_filling_adds_and_leaves_nothing_to_fill(seed: int, dimensions: Literal[2, 3]) -> None:
    mask = np.random.default_rng(seed).random((4, 9, 9)) > 0.4
    found = cleaned(mask, filled(dimensions))
    assert (found | mask == found).all()
    np.testing.assert_array_equal(cleaned(found, filled(dimensions)), found)


# inside the earlier stage


def inside(dilation: float = 0) -> Inside:
    return Inside(kind="inside", dilation=dilation)


@pytest.mark.parametrize("dilation", [0, 1, 1.5, 4.9, 5, 5.1])
def test_what_lies_within_a_distance_of_the_region_stays(dilation: float) -> None:
    """Euclidean, from a single pixel: at 5, the pixel 3 down and 4 across is the last."""
    region = np.zeros((1, 15, 15), bool)
    region[0, 7, 7] = True
    found = cleaned(np.ones((1, 15, 15), bool), inside(dilation), region=region)
    rows, columns = np.indices((15, 15)) - 7
    np.testing.assert_array_equal(found[0], rows**2 + columns**2 <= dilation**2)


def test_a_region_counts_in_its_own_slice_alone() -> None:
    region = np.stack([ring(), np.zeros((8, 8), bool), np.ones((8, 8), bool)])
    found = cleaned(np.ones((3, 8, 8), bool), inside(100), region=region)
    assert [one.all() for one in found] == [True, False, True]
    assert not found[1].any()


@quick
@given(st.integers(0, 2**32 - 1))
def test_inside_keeps_what_both_have(seed: int) -> None:
    mask, region = np.random.default_rng(seed).random((2, 3, 8, 8)) > 0.5
    np.testing.assert_array_equal(cleaned(mask, inside(), region=region), mask & region)
    more = cleaned(mask, inside(1), region=region)
    assert (more | (mask & region) == more).all()
    assert not (more & ~mask).any()


def min_inside(share: float) -> MinInside:
    return MinInside(kind="min_inside", share=share)


@pytest.mark.parametrize(("share", "kept"), [(0, "abc"), (0.25, "ab"), (0.26, "b"), (0.75, "b"), (0.76, "")])
def test_components_stay_whole_if_the_region_holds_enough_of_them(share: float, kept: str) -> None:
    """Of four voxels each, the region holds one of the first, three of the second, none of the third."""
    parts = {"a": np.s_[0:2, 0:2, 0], "b": np.s_[0:2, 3:5, 3], "c": np.s_[0:1, 6:8, 6:8]}
    mask, region = np.zeros((2, 3, 8, 8), bool)
    for part in parts.values():
        mask[part] = True
    region[0, 0, 0] = True
    region[0:2, 3, 3] = region[0, 4, 3] = True
    expected = np.zeros_like(mask)
    for name in kept:
        expected[parts[name]] = True
    np.testing.assert_array_equal(cleaned(mask, min_inside(share), region=region), expected)


@pytest.mark.parametrize("step", [inside(), min_inside(0.5)])
def test_inside_of_nothing_is_refused(step: PostprocessingStep) -> None:
    with pytest.raises(ValueError, match="a stage that has none"):
        clean(np.zeros((1, 8, 8), np.uint8), [step])


LIKELY = MinProbability(kind="min_probability")


@pytest.mark.parametrize("step", [LARGEST, filled(2), filled(3), inside(3), min_inside(1), LIKELY])
def test_steps_of_the_exam_take_exams_without_a_mask_or_without_slices(step: PostprocessingStep) -> None:
    for shape in ((0, 8, 8), (2, 8, 8)):
        found = cleaned(np.zeros(shape, bool), step, region=np.zeros(shape, bool))
        assert found.shape == shape
        assert not found.any()


def test_steps_that_need_a_region_are_steps() -> None:
    assert POSTPROCESSING.keys() > NEEDS_REGION
    for kind in POSTPROCESSING.keys() - NEEDS_REGION:  # the others do without
        steps = PostprocessSettings.model_validate_json(f'{{"postprocessing": [{{"kind": "{kind}"}}]}}')
        clean(np.zeros((1, 8, 8), np.uint8), steps.postprocessing)
