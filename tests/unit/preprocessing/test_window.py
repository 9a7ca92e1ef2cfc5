"""The window of CT values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from hepaflow.preprocessing.window import window
from hepaflow.settings.slices import WindowSettings

THESIS = WindowSettings()
quick = settings(max_examples=30, deadline=None, derandomize=True)


def test_thesis_values() -> None:
    hu = np.array([-32768, -3024, -1024, -251, -250, -125, 0, 125, 249, 250, 251, 32767], np.int16)
    expected = [0, 0, 0, 0, 0, 0.25, 0.5, 0.75, 0.998, 1, 1, 1]
    np.testing.assert_allclose(window(hu, THESIS), expected, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.int16, ">i2", np.int32, np.float32, np.float64, ">f4"])
def test_any_number_type_gives_native_float32(dtype: str) -> None:
    values = window(np.array([[-250, 0, 250]], dtype), THESIS)
    assert values.dtype == np.dtype("float32")
    assert values.dtype.isnative
    np.testing.assert_array_equal(values, [[0, 0.5, 1]])


def test_values_are_clipped_before_they_are_averaged() -> None:
    """Padding far below air must weigh no more than air: two voxels, padding and 250 HU, average to one half."""
    padding = window(np.array([-3024, 250], np.int16), THESIS)
    air = window(np.array([-1024, 250], np.int16), THESIS)
    assert padding.mean() == air.mean() == 0.5


def test_the_exam_is_left_alone() -> None:
    hu = np.array([-3000.0, 0.0, 3000.0], np.float32)
    window(hu, THESIS)
    assert hu.tolist() == [-3000, 0, 3000]


@quick
@given(
    st.lists(st.floats(-4000, 4000, width=32), min_size=2, max_size=30),
    st.integers(-1000, 999),
    st.integers(1, 2000),
)
def test_monotone_within_its_ends(values: list[float], low: int, width: int) -> None:
    hu = np.sort(np.array(values, np.float32))
    windowed = window(hu, WindowSettings(low=low, high=low + width))
    assert (np.diff(windowed) >= 0).all()
    assert windowed.min() >= 0
    assert windowed.max() <= 1
    assert (windowed[hu <= low] == 0).all()
    assert (windowed[hu >= low + width] == 1).all()


@quick
@given(arrays(np.int16, (3, 4), elements=st.integers(-250, 250)))
def test_linear_and_invertible_inside(hu: np.ndarray) -> None:
    np.testing.assert_allclose(window(hu, THESIS) * 500 - 250, hu, atol=1e-4)


def test_a_window_upside_down_is_refused() -> None:
    with pytest.raises(ValidationError, match="250 HU"):
        WindowSettings(low=250, high=250)
