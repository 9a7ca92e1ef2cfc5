"""CLAHE: what scikit-image computes, and the steps of it that have closed forms."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.exposure import equalize_adapthist

from hepaflow.preprocessing.clahe import BINS, LEVELS, _clipped, _stretched, equalise_adaptively


def noise(shape: tuple[int, int], seed: int, spread: float = 0.05) -> NDArray[np.float32]:
    """Noise about a slope, as livers have it."""
    rng = np.random.default_rng(seed)
    slope = np.linspace(0.3, 0.6, shape[1])
    return np.clip(slope + rng.normal(0, spread, shape), 0, 1).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(
    tiles=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    side=st.sampled_from([1, 2, 8, 16, 32]),
    more=st.integers(0, 9),
    clip_limit=st.sampled_from([0.0, 0.002, 0.01, 0.03, 0.5, 1.0]),
    seed=st.integers(0, 99),
)
def test_tiles_of_powers_of_two_give_the_bytes_of_scikit_image(
    tiles: tuple[int, int], side: int, more: int, clip_limit: float, seed: int
) -> None:
    image = noise((tiles[0] * side + 1 + min(more, side), tiles[1] * side + 1), seed)
    expected = equalize_adapthist(image, kernel_size=(side, side), clip_limit=clip_limit)
    np.testing.assert_array_equal(equalise_adaptively(image, (side, side), clip_limit), expected)


@pytest.mark.parametrize(("shape", "tile"), [((61, 70), (7, 8)), ((300, 200), (37, 25)), ((90, 100), (12, 12))])
@pytest.mark.parametrize("clip_limit", [0.01, 0.03])
def test_other_tiles_differ_by_grey_levels(
    shape: tuple[int, int], tile: tuple[int, int], clip_limit: float
) -> None:
    image = noise(shape, 1)
    expected = equalize_adapthist(image, kernel_size=tile, clip_limit=clip_limit)
    # One of the levels at each end that the result is stretched between, and one of the pixel's own.
    np.testing.assert_allclose(equalise_adaptively(image, tile, clip_limit), expected, atol=3 / LEVELS)


def test_halves_are_rounded_as_scikit_image_rounds_them() -> None:
    """Twice as many values as grey levels: every second one lies in the middle of two."""
    values = np.random.default_rng(0).permutation(np.minimum(np.arange(1 << 15), 2 * (LEVELS - 1)))
    image = (values.reshape(128, 256) / 65535).astype(np.float32)
    expected = equalize_adapthist(image, kernel_size=(16, 32), clip_limit=0.01)
    np.testing.assert_array_equal(equalise_adaptively(image, (16, 32), 0.01), expected)


def test_grey_levels_are_computed_in_double_precision() -> None:
    """In single precision each of these values would fall into the bin of its upper neighbour."""
    values = np.array([23393, 28072, 37430, 42109, 46788])
    values = np.concatenate([[0, 65518], values, values + 30])
    image = (np.random.default_rng(0).choice(values, (64, 64)) / 65535).astype(np.float32)
    expected = equalize_adapthist(image, kernel_size=(16, 16), clip_limit=0.5)
    np.testing.assert_array_equal(equalise_adaptively(image, (16, 16), 0.5), expected)


def test_a_slice_of_two_values_keeps_their_order_and_reaches_both_ends() -> None:
    image = np.where(np.indices((64, 64)).sum(axis=0) % 2, np.float32(0.4), np.float32(0.2))
    equalised = equalise_adaptively(image, (8, 8), 0.01)
    assert equalised[image > 0.3].min() > equalised[image < 0.3].max()
    assert (equalised.min(), equalised.max()) == (0, 1)


def test_a_slice_that_is_constant_in_16_bits_is_left_alone() -> None:
    image = np.full((64, 64), np.float32(0.5))
    image[3, 3] += np.float32(1e-6)
    np.testing.assert_array_equal(equalise_adaptively(image, (8, 8), 0.01), image)


@pytest.mark.parametrize("constant", [(), (1,), range(6)])
@pytest.mark.parametrize("tile", [(8, 16), (7, 5)])
def test_images_of_a_stack_are_equalised_each_by_itself(tile: tuple[int, int], constant: Sequence[int]) -> None:
    """Also beside constant ones, which stay as they are; the stack is only read."""
    images = np.stack([noise((40, 64), seed, spread=0.01 + 0.02 * seed) for seed in range(6)])
    for index in constant:
        images[index] = np.float32(0.1 * index)
    expected = [equalise_adaptively(image, tile, 0.02) for image in images]
    for shape in ((6, 40, 64), (2, 3, 40, 64)):
        stack = images.reshape(shape).copy()
        stack.setflags(write=False)
        equalised = equalise_adaptively(stack, tile, 0.02)
        assert equalised.shape == shape
        np.testing.assert_array_equal(equalised.reshape(images.shape), expected)
    for index in constant:
        np.testing.assert_array_equal(expected[index], images[index])


def test_every_image_is_stretched_by_itself_and_a_flat_one_is_black_or_white() -> None:
    levels = np.array([[[2, 3, 6]], [[0, 5, 10]], [[1, 1, 1]], [[0, 0, 0]]], np.float32)
    assert _stretched(levels).tolist() == [[[0, 0.25, 1]], [[0, 0.5, 1]], [[1, 1, 1]], [[0, 0, 0]]]


@pytest.mark.parametrize("excess", range(1, 60))
def test_clipping_spreads_the_last_pixel_too(excess: int) -> None:
    """Only the first two bins have room, and get three pixels a round."""
    counts = np.full((1, 1, BINS), 40)
    counts[0, 0, :2], counts[0, 0, 9] = 0, 40 + excess
    clipped = _clipped(counts, 40)[0, 0]
    assert clipped[:2].sum() == excess
    assert (clipped[2:] == 40).all()


@pytest.mark.filterwarnings("error")
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.sampled_from([1, 4, 10, 40]), st.sampled_from([200, 1024]))
def test_clipping_spreads_over_other_bins_all_that_they_have_room_for(seed: int, limit: int, pixels: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(128, rng.choice([1, 10, 60]), pixels).clip(0, BINS - 1).astype(int)
    counts = np.bincount(values, minlength=BINS).reshape(1, 1, BINS)
    clipped = _clipped(counts, limit)
    assert clipped.max() <= limit
    assert clipped.sum() >= min(pixels, limit * BINS)  # the last round may add more, as scikit-image's does
    assert (clipped >= np.minimum(counts, limit)).all()
