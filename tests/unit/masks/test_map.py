"""Maps: a probability in a byte, whose mask is exactly where a logit is positive."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from hepaflow.masks.map import FULL, HALF, MIDDLE, map_of, mask_of, with_mask

quick = settings(max_examples=60, deadline=None, derandomize=True)
logits = st.floats(allow_nan=False, width=32)


def test_half_is_the_first_byte_above_one_half() -> None:
    assert HALF / FULL > 0.5 > (HALF - 1) / FULL
    assert MIDDLE / FULL == 0.5


def test_every_byte_is_the_map_of_its_own_probability() -> None:
    bytes_ = np.arange(FULL + 1)
    with np.errstate(divide="ignore"):  # the ends are infinite
        np.testing.assert_array_equal(map_of(logit(bytes_ / FULL)), bytes_)


def test_every_byte_has_its_mask() -> None:
    mask = mask_of(np.arange(FULL + 1, dtype=np.uint8))
    assert mask.dtype == bool
    assert mask.tolist() == [False] * 128 + [True] * 128


@pytest.mark.parametrize("tiny", [5e-324, 1e-45, 1e-17, 1e-9, 1e-3, np.inf])
def test_rounding_moves_no_pixel_over_one_half(tiny: float) -> None:
    found = map_of(np.array([tiny, -tiny, 0.0, -0.0]))
    assert mask_of(found).tolist() == [True, False, False, False]
    if tiny < 1e-3:
        assert found.tolist() == [HALF, HALF - 1, HALF - 1, HALF - 1]


@quick
@given(st.lists(logits, min_size=1, max_size=40), st.sampled_from([np.float32, np.float64]))
def test_a_mask_is_where_logits_are_positive(values: list[float], dtype: type) -> None:
    given = np.array(values, dtype)
    np.testing.assert_array_equal(mask_of(map_of(given)), given > 0)


@quick
@given(st.lists(logits, min_size=2, max_size=40))
def test_maps_are_monotone(values: list[float]) -> None:
    found = map_of(np.sort(np.array(values))).astype(int)
    assert (np.diff(found) >= 0).all()


@quick
@given(st.lists(logits, min_size=1, max_size=40))
def test_a_byte_is_nearest_to_its_probability_on_its_side(values: list[float]) -> None:
    given = np.array(values)
    found = map_of(given)
    assert found.dtype == np.uint8
    aside = np.abs(given) > 0.005  # beside one half, the byte on the pixel's side is taken
    assert (np.abs(found / FULL - expit(given))[aside] <= 0.5 / FULL + 1e-12).all()
    assert (np.abs(found / FULL - expit(given)) <= 1 / FULL).all()


@pytest.mark.parametrize("shape", [(0, 4, 4), (2, 3, 4), ()])
def test_maps_have_the_shape_of_their_logits(shape: tuple[int, ...]) -> None:
    assert map_of(np.zeros(shape)).shape == mask_of(map_of(np.zeros(shape))).shape == shape


def test_any_map_takes_any_mask() -> None:
    """Every byte, in and out of the mask: what has its side stays, what has not is mirrored."""
    map_ = np.tile(np.arange(FULL + 1, dtype=np.uint8), (2, 1))
    mask = np.zeros(map_.shape, bool)
    mask[1] = True
    before = map_.copy()
    found = with_mask(map_, mask)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(mask_of(found), mask)
    np.testing.assert_array_equal(found, np.where(mask_of(map_) == mask, map_, FULL - map_.astype(int)))
    np.testing.assert_array_equal(with_mask(found, mask), found)
    np.testing.assert_array_equal(with_mask(found, mask_of(map_)), map_)
    np.testing.assert_array_equal(map_, before)
