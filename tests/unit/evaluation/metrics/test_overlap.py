"""Agreement of a mask with its reference."""

from math import nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hepaflow.evaluation.metrics.overlap import Overlap, dice, dice_of_counts

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


MEASURES = (
    "dice",
    "jaccard",
    "volumetric_overlap_error",
    "relative_volume_difference",
    "sensitivity",
    "precision",
)


@pytest.mark.parametrize(
    ("prediction", "reference", "expected"),
    [
        (EMPTY, EMPTY, (1, 1, 0, nan, nan, nan)),
        (EMPTY, FULL, (0, 0, 1, -1, 0, nan)),
        (FULL, EMPTY, (0, 0, 1, nan, nan, 0)),
        (FULL, FULL, (1, 1, 0, 0, 1, 1)),
    ],
    ids=["both empty", "nothing found", "nothing to find", "identical"],
)
def test_measures_of_empty_masks(
    prediction: np.ndarray, reference: np.ndarray, expected: tuple[float, ...]
) -> None:
    """What divides by nothing is undefined; two empty masks agree."""
    overlap = Overlap.of(prediction, reference)
    np.testing.assert_array_equal([getattr(overlap, name) for name in MEASURES], expected)


def test_measures_by_hand() -> None:
    """Three voxels against four, two of them common."""
    overlap = Overlap.of(np.array([1, 1, 1, 0, 0, 0], bool), np.array([0, 1, 1, 1, 1, 0], bool))
    assert overlap == Overlap(both=2, predicted=3, reference=4)
    assert [getattr(overlap, name) for name in MEASURES] == pytest.approx(
        [4 / 7, 2 / 5, 3 / 5, -1 / 4, 1 / 2, 2 / 3]
    )


def test_relative_volume_difference_is_positive_where_the_mask_is_too_large() -> None:
    """(|P| - |R|) / |R|, as Bilic et al. define it."""
    assert Overlap(both=10, predicted=15, reference=10).relative_volume_difference == 0.5
    assert Overlap(both=5, predicted=5, reference=10).relative_volume_difference == -0.5


@quick
@given(pairs)
def test_measures_are_the_rates_of_a_confusion_matrix(pair: tuple[np.ndarray, np.ndarray]) -> None:
    prediction, reference = pair
    overlap = Overlap.of(prediction, reference)
    true, too_much = (prediction & reference).sum(), (prediction & ~reference).sum()
    missed = (~prediction & reference).sum()
    if true + missed:
        assert overlap.sensitivity == true / (true + missed)
        assert overlap.relative_volume_difference == pytest.approx((too_much - missed) / (true + missed))
    if true + too_much:
        assert overlap.precision == true / (true + too_much)
    if true + too_much + missed:
        assert overlap.jaccard == true / (true + too_much + missed)
    if true:
        assert overlap.dice == pytest.approx(2 / (1 / overlap.precision + 1 / overlap.sensitivity))
    assert overlap.volumetric_overlap_error == pytest.approx(1 - overlap.jaccard)
    turned = Overlap.of(reference, prediction)
    np.testing.assert_equal((turned.sensitivity, turned.precision), (overlap.precision, overlap.sensitivity))


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
