"""CT slices as pictures in eight bits."""

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hepaflow.viewer.ct import CURVE_HU, compand, encode, expand


def test_the_curve_rises_and_uses_every_level() -> None:
    levels = compand(np.arange(CURVE_HU[0], CURVE_HU[-1] + 1))
    steps = np.diff(levels.astype(int))
    assert steps.min() == 0
    assert steps.max() == 1
    assert (levels[0], levels[-1]) == (0, 255)


@given(st.integers(0, 255))
def test_levels_come_back(level: int) -> None:
    assert compand(expand(np.array([level], np.uint8)))[0] == level


@given(st.integers(CURVE_HU[0], CURVE_HU[-1]))
def test_hu_come_back_up_to_half_a_step(hu: int) -> None:
    step = 2.5 if -150 <= hu <= 250 else 17.5 if hu < -150 else 1150 / 45
    assert abs(expand(compand(np.array([hu])))[0] - hu) <= step / 2 + 1e-9


def test_beyond_the_curve_values_are_clipped() -> None:
    assert compand(np.array([-3024, 3071])).tolist() == [0, 255]


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))[..., 0]


def noisy_slice(shape: tuple[int, int]) -> np.ndarray:
    """Soft tissue of 100 HU in air, with the noise of a scanner."""
    rows, columns = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    return np.where(rows**2 + columns**2 < 0.8, 100, -1000) + np.random.default_rng(0).normal(0, 12, shape)


def test_a_picture_is_closer_to_the_slice_than_its_noise() -> None:
    hu = noisy_slice((200, 160))
    found = expand(decoded(encode(compand(hu), factor=1, quality=95)))
    inside = hu > 0
    assert found.shape == hu.shape
    assert np.sqrt(((found - hu)[inside] ** 2).mean()) < 12 / 2


def test_a_reduced_picture_holds_the_means_of_blocks() -> None:
    levels = np.kron(np.arange(0, 240, 20, dtype=np.uint8).reshape(3, 4), np.ones((32, 32), np.uint8))
    found = decoded(encode(levels, factor=16, quality=95))
    assert found.shape == (6, 8)
    np.testing.assert_allclose(found[::2, ::2], levels[::32, ::32], atol=8)
    assert decoded(encode(levels[:90, :100], factor=16, quality=95)).shape == (6, 7)
