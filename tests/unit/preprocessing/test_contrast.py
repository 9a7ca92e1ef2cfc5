"""Mean fill and CLAHE."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.exposure import equalize_adapthist

from hepaflow.preprocessing.clahe import equalise_adaptively
from hepaflow.preprocessing.contrast import equalise, fill_background
from hepaflow.settings.contrast import ContrastSettings

THESIS = ContrastSettings()
quick = settings(max_examples=25, deadline=None, derandomize=True)


def liver_slice(size: int = 256, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.indices((size, size))
    liver = (rows - size / 2) ** 2 + (columns - size / 3) ** 2 < (size / 4) ** 2
    noise = np.random.default_rng(seed).normal(0.7, 0.03, (size, size))
    image = np.clip(np.where(liver, noise, noise / 2), 0, 1).astype(np.float32)
    return image, liver


@quick
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 12), st.floats(0, 1))
def test_liver_keeps_its_pixels_and_the_rest_its_mean(seed: int, rows: int, columns: int, share: float) -> None:
    draw = np.random.default_rng(seed)
    image, liver = draw.random((rows, columns), np.float32), draw.random((rows, columns)) < share
    filled = fill_background(image, liver)
    assert filled.dtype == np.float32
    np.testing.assert_array_equal(filled[liver], image[liver])
    expected = image[liver].astype(float).mean() if liver.any() else 0
    np.testing.assert_allclose(filled[~liver], expected, rtol=1e-6)
    assert len(np.unique(filled[~liver])) <= 1


def test_a_pixel_that_is_zero_inside_the_liver_counts_and_stays() -> None:
    """Air in the liver is zero as well; finding the background by value would fill it (thesis 4.3)."""
    image = np.array([[0, 0.6, 0.9]], np.float32)
    filled = fill_background(image, np.array([[True, True, False]]))
    np.testing.assert_allclose(filled, [[0, 0.6, 0.3]])


def test_a_slice_without_liver_is_zero_and_one_full_of_it_unchanged() -> None:
    image, liver = liver_slice(16)
    assert not fill_background(image, np.zeros_like(liver)).any()
    np.testing.assert_array_equal(fill_background(image, np.ones_like(liver)), image)


def test_the_mean_leaves_no_edge_in_a_uniform_liver() -> None:
    liver = np.random.default_rng(0).random((256, 256)) < 0.5
    image = np.where(liver, np.float32(0.1), np.float32(0.9))
    filled = fill_background(image, liver)
    assert filled.min() == filled.max() == np.float32(0.1)


def test_eight_tiles_are_scikit_images_default() -> None:
    image, liver = liver_slice()
    filled = fill_background(image, liver)
    expected = equalize_adapthist(filled)
    np.testing.assert_array_equal(equalise(filled, THESIS), expected.astype(np.float32))
    np.testing.assert_array_equal(expected, equalize_adapthist(filled, kernel_size=32, clip_limit=0.01))


def test_tiles_and_clip_limit_reach_the_filter() -> None:
    image, _ = liver_slice()
    four = equalise(image, ContrastSettings(tiles=4, clip_limit=0.03))
    np.testing.assert_array_equal(
        four, equalize_adapthist(image, kernel_size=64, clip_limit=0.03).astype(np.float32)
    )
    assert not np.array_equal(four, equalise(image, THESIS))


def test_lesions_stand_out_more() -> None:
    """What it is for (thesis, figure 8): the difference between lesion and liver grows."""
    image, liver = liver_slice()
    lesion = np.zeros_like(liver)
    lesion[110:130, 75:95] = True
    image[lesion] -= np.float32(0.05)
    filled = fill_background(image, liver)
    enhanced = equalise(filled, THESIS)
    around = liver & ~lesion
    before = filled[around].mean() - filled[lesion].mean()
    assert enhanced[around].mean() - enhanced[lesion].mean() > 2 * before


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_constant_slice_is_unchanged(value: float) -> None:
    image = np.full((64, 64), value, np.float32)
    np.testing.assert_array_equal(equalise(image, THESIS), image)


def test_slices_of_a_stack_are_equalised_each_by_itself_in_tiles_of_their_own_shape() -> None:
    stack = np.stack([liver_slice(64, seed)[0][:, 8:56] for seed in range(9)])
    expected = [equalise_adaptively(image, (64 // 8, 48 // 8), THESIS.clip_limit) for image in stack]
    np.testing.assert_array_equal(equalise(stack, THESIS), expected)
    np.testing.assert_array_equal(equalise(stack[0], THESIS), expected[0])


@pytest.mark.parametrize("size", [32, 40, 72, 100])
def test_values_stay_finite_between_0_and_1(size: int) -> None:
    for seed, image in enumerate([liver_slice(size)[0], np.eye(size, dtype=np.float32)]):
        image[0, 0] = seed
        enhanced = equalise(image, THESIS)
        assert enhanced.dtype == np.float32
        assert enhanced.shape == image.shape
        assert np.isfinite(enhanced).all()
        assert enhanced.min() >= 0
        assert enhanced.max() <= 1


def test_a_slice_that_is_all_but_constant_stays_finite() -> None:
    image = np.full((64, 64), 0.5, np.float32)
    image[3, 3] = np.nextafter(np.float32(0.5), np.float32(1))
    assert np.isfinite(equalise(image, THESIS)).all()


def test_more_tiles_than_pixels() -> None:
    image = np.random.default_rng(0).random((32, 40), np.float32)
    equalised = equalise(image, ContrastSettings(tiles=64))
    assert np.isfinite(equalised).all()
    np.testing.assert_array_equal(equalised, equalise_adaptively(image, (1, 1), THESIS.clip_limit))
    assert not np.array_equal(equalised, equalise_adaptively(image, (2, 2), THESIS.clip_limit))
