"""Holm's correction in closed form."""

from itertools import permutations
from math import nan

import numpy as np
import pytest

from hepaflow.evaluation.holm import holm


def test_one_test_is_left_as_it_is() -> None:
    assert holm([0.03]).tolist() == [0.03]
    assert holm([]).tolist() == []


def test_the_smallest_counts_for_all_and_the_largest_for_itself() -> None:
    # 4 x 0.01; 3 x 0.02 = 0.06; 2 x 0.04 = 0.08; 1 x 0.05, which must not be below 0.08
    assert holm([0.02, 0.05, 0.01, 0.04]) == pytest.approx([0.06, 0.08, 0.04, 0.08])


def test_no_p_value_is_above_one() -> None:
    assert holm([0.6, 0.9]).tolist() == [1, 1]


def test_equal_p_values_are_adjusted_alike() -> None:
    assert holm([0.01, 0.01, 0.01]) == pytest.approx([0.03] * 3)


def test_a_test_without_a_p_value_counts_and_stays_without() -> None:
    adjusted = holm([0.02, nan, 0.01])
    assert adjusted[[0, 2]] == pytest.approx([0.04, 0.03])
    assert np.isnan(adjusted[1])


def test_the_order_of_tests_does_not_matter() -> None:
    p = [0.001, 0.01, 0.02, 0.9]
    expected = dict(zip(p, holm(p), strict=True))
    for order in permutations(p):
        assert holm(order).tolist() == [expected[one] for one in order]


def test_it_rejects_what_holms_steps_reject() -> None:
    """Step down from the smallest p, as long as p is at most level / (tests left)."""
    random = np.random.default_rng(0)
    for _ in range(200):
        p, level = random.uniform(size=6) ** 3, random.uniform(0.01, 0.3)
        rejected = np.zeros(6, bool)
        for left, place in zip(range(6, 0, -1), np.argsort(p), strict=True):
            if p[place] > level / left:
                break
            rejected[place] = True
        assert ((holm(p) <= level) == rejected).all()
