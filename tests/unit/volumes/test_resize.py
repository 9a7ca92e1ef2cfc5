"""Bilinear resizing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hepaflow.volumes.resize import resize_image, resize_mask, resize_masks

quick = settings(max_examples=25, deadline=None, derandomize=True)
sizes = st.tuples(st.integers(1, 24), st.integers(1, 24))


def ramp(rows: int, columns: int) -> np.ndarray:
    """Coordinates of the pixel centres on a slice whose sides are 1: row + 10 * column."""
    r, c = (np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns
    return (r[:, None] + 10 * c[None, :]).astype(np.float32)


def inner(image: np.ndarray, margin: int) -> np.ndarray:
    return image[margin:-margin, margin:-margin]


@pytest.mark.parametrize(
    ("before", "after"), [((16, 32), (32, 48)), ((64, 48), (32, 32)), ((20, 30), (30, 20)), ((7, 9), (21, 9))]
)
def test_pixel_centres_stay_where_they_are(before: tuple[int, int], after: tuple[int, int]) -> None:
    """A plane stays the same plane, rows stay rows: no shift of half a pixel (0.1 here), no swap of axes."""
    resized = resize_image(ramp(*before), after)
    assert resized.shape == after
    assert resized.dtype == np.float32
    np.testing.assert_allclose(inner(resized, 3), inner(ramp(*after), 3), atol=0.015)


def test_halving_counts_every_pixel() -> None:
    """Pillow's widened triangle: (1, 3, 3, 1) / 8 along an axis."""
    row = np.zeros((1, 16), np.float32)
    row[0, 7] = 1  # pixel 7 is the second inner neighbour of output pixel 3, the first outer one of pixel 4
    np.testing.assert_allclose(resize_image(row, (1, 8)), [[0, 0, 0, 3 / 8, 1 / 8, 0, 0, 0]], atol=1e-7)


def test_doubling_by_hand() -> None:
    resized = resize_image(np.array([[0.0, 1.0]], np.float32), (1, 4))
    np.testing.assert_allclose(resized, [[0, 0.25, 0.75, 1]], atol=1e-7)


@quick
@given(sizes, sizes, st.floats(-1000, 1000, width=32))
def test_constant_stays_constant(before: tuple[int, int], after: tuple[int, int], value: float) -> None:
    resized = resize_image(np.full(before, value, np.float32), after)
    np.testing.assert_allclose(resized, value, rtol=1e-6, atol=1e-30)


@quick
@given(sizes, sizes, st.integers(0, 2**32 - 1))
def test_no_value_is_invented(before: tuple[int, int], after: tuple[int, int], seed: int) -> None:
    image = np.random.default_rng(seed).random(before, np.float32)
    resized = resize_image(image, after)
    assert resized.min() >= image.min() - 1e-6
    assert resized.max() <= image.max() + 1e-6


@quick
@given(sizes, sizes, st.integers(0, 2**32 - 1))
def test_flips_and_transposition_commute(before: tuple[int, int], after: tuple[int, int], seed: int) -> None:
    image = np.random.default_rng(seed).random(before, np.float32)
    resized = resize_image(image, after)
    np.testing.assert_allclose(resize_image(image[::-1], after), resized[::-1], atol=1e-6)
    np.testing.assert_allclose(resize_image(image[:, ::-1], after), resized[:, ::-1], atol=1e-6)
    np.testing.assert_allclose(resize_image(image.T, after[::-1]), resized.T, atol=1e-6)


@quick
@given(sizes, st.integers(0, 2**32 - 1))
def test_same_size_is_the_identity(size: tuple[int, int], seed: int) -> None:
    image = np.random.default_rng(seed).random(size, np.float32)
    before, mask = image.copy(), image > 0.5
    assert resize_image(image, size) is image  # no copy
    assert resize_mask(mask, size) is mask
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(mask, before > 0.5)


@quick
@given(sizes, st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_a_mask_enlarged_and_reduced_comes_back(size: tuple[int, int], factor: int, seed: int) -> None:
    """Enlarging a smooth mask by a whole factor leaves each pixel's middle what it was."""
    rows, columns = np.indices(size)
    mask = rows + columns < np.random.default_rng(seed).integers(0, sum(size) + 1)
    large = resize_mask(mask, (size[0] * (2 * factor + 1), size[1] * (2 * factor + 1)))
    np.testing.assert_array_equal(large[factor :: 2 * factor + 1, factor :: 2 * factor + 1], mask)


@pytest.mark.parametrize(("row", "expected"), [([0, 0, 1, 1], 1), ([1, 1, 0, 0], 1), ([1, 0, 0, 1], 0)])
def test_a_pixel_half_covered_belongs_to_the_mask(row: list[int], expected: int) -> None:
    """With the kernel (1, 3, 3, 1) / 8: a half is enough from either side, a quarter is not."""
    resized = resize_mask(np.array([[0, *row, 0]], bool), (1, 3))
    assert resized.dtype == bool
    assert resized[0, 1] == expected


def test_mask_of_one_pixel_vanishes_when_halved_and_a_block_survives() -> None:
    one, block = np.zeros((16, 16), bool), np.zeros((16, 16), bool)
    one[8, 8] = True
    block[8:10, 4:6] = True
    assert not resize_mask(one, (8, 8)).any()
    assert np.argwhere(resize_mask(block, (8, 8))).tolist() == [[4, 2]]


def test_stack_is_resized_slice_by_slice() -> None:
    masks = np.random.default_rng(0).random((4, 9, 12)) > 0.5
    masks[2] = False
    resized = resize_masks(masks, (18, 20))
    assert resized.dtype == bool
    assert resized.shape == (4, 18, 20)
    for before, after in zip(masks, resized, strict=True):
        np.testing.assert_array_equal(after, resize_mask(before, (18, 20)))
    assert not resized[2].any()
    assert resize_masks(np.zeros((0, 9, 12), bool), (3, 4)).shape == (0, 3, 4)


def weights(before: int, after: int) -> np.ndarray:
    """Pillow's triangle along one axis, in double precision: shape (after, before)."""
    scale = before / after
    middles = (np.arange(after)[:, None] + 0.5) * scale
    triangle = np.maximum(0, 1 - np.abs(np.arange(before) + 0.5 - middles) / max(scale, 1))
    return triangle / triangle.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("before", [64, 80, 97, 128, 200])
@pytest.mark.parametrize("after", [64, 100, 128])
def test_half_of_a_pixel_decides(before: int, after: int) -> None:
    """Half, and not 0.4 or 0.6: each would change a hundredth of the pixels."""
    noise = ndimage.gaussian_filter(np.random.default_rng(before).normal(size=(before, before)), 3)
    along = weights(before, after)
    share = along @ (noise > 0).astype(float) @ along.T
    clear = np.abs(share - 0.5) > 1e-6
    if before != after:
        assert (
            min(np.count_nonzero((share > 0.4) & (share < 0.5)), np.count_nonzero((share > 0.5) & (share < 0.6)))
            > 20
        )
    np.testing.assert_array_equal(resize_mask(noise > 0, (after, after))[clear], share[clear] > 0.5)
