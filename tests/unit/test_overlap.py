"""Agreement of a mask with its reference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hepaflow.metrics import dice, dice_of_counts

quick = settings(max_examples=60, deadline=None, derandomize=True)
pairs = st.tuples(arrays(bool, (2, 3, 4)), arrays(bool, (2, 3, 4)))

EMPTY, FULL = np.zeros((2, 3, 4), bool), np.ones((2, 3, 4), bool)


@pytest.mark.parametrize(
    ("prediction", "reference", "expected"),
    [(EMPTY, EMPTY, 1), (EMPTY, FULL, 0), (FULL, EMPTY, 0), (FULL, FULL, 1)],
)
def test_empty_masks(prediction: np.ndarray, reference: np.ndarray, expected: float) -> None:
    assert dice(prediction, reference) == expected


def test_by_hand() -> None:
    prediction = np.array([1, 1, 1, 0, 0, 0], bool)
    reference = np.array([0, 1, 1, 1, 1, 0], bool)
    assert dice(prediction, reference) == pytest.approx(2 * 2 / (3 + 4))
    assert dice(prediction, ~prediction) == 0


def test_shifted_blocks() -> None:
    """Cubes of side n, shifted by k: 1 - k / n."""
    one, other = np.zeros((30, 30, 30), bool), np.zeros((30, 30, 30), bool)
    one[5:15, 5:15, 5:15] = other[5:15, 5:15, 8:18] = True
    assert dice(one, other) == pytest.approx(0.7)


@quick
@given(pairs)
def test_properties(pair: tuple[np.ndarray, np.ndarray]) -> None:
    one, other = pair
    score = dice(one, other)
    assert 0 <= score <= 1
    assert score == dice(other, one)
    assert (score == 1) == np.array_equal(one, other)
    assert dice(one, one) == 1
    if one.any() or other.any():
        jaccard = (one & other).sum() / (one | other).sum()
        assert score == pytest.approx(2 * jaccard / (1 + jaccard))


@pytest.mark.parametrize(
    ("both", "one", "other", "expected"), [(0, 0, 0, 1), (0, 5, 0, 0), (0, 0, 5, 0), (3, 4, 8, 0.5), (7, 7, 7, 1)]
)
def test_counts(both: int, one: int, other: int, expected: float) -> None:
    assert dice_of_counts(both, one, other) == expected


def test_counts_of_many_exams_do_not_overflow() -> None:
    assert dice_of_counts(3 * 10**12, 4 * 10**12, 8 * 10**12) == 0.5


def test_masks_are_left_alone() -> None:
    one, other = FULL.copy(), EMPTY.copy()
    dice(one, other)
    assert one.all()
    assert not other.any()
