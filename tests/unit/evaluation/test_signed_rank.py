"""Wilcoxon's signed-rank test, held to all signs tried one by one, to closed forms and to scipy."""

from itertools import product
from math import isnan, nan

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats

from hepaflow.evaluation.signed_rank import signed_rank_p
from hepaflow.evaluation.statistics import compare


def by_enumeration(differences: NDArray[np.float64]) -> float:
    """Count, among all ways to give the ranks a sign, those at least as far from the middle."""
    kept = differences[differences != 0]
    ranks = stats.rankdata(np.abs(kept))
    signs = np.array(list(product((0, 1), repeat=len(kept))))
    sums, found = signs @ ranks, ranks[kept > 0].sum()
    return float(min(1, 2 * min((sums <= found).mean(), (sums >= found).mean())))


@pytest.mark.parametrize("pairs", [1, 2, 5, 9, 14, 16])
@pytest.mark.parametrize("levels", [2, 4, 1000])
def test_p_is_the_share_of_all_signs(pairs: int, levels: int) -> None:
    """Few levels make many ties, and some differences of zero."""
    draw = np.random.default_rng([pairs, levels])
    differences = draw.integers(1 - levels, levels, pairs) / 8 + 0.125
    assert signed_rank_p(differences) == by_enumeration(differences)
    assert signed_rank_p(-differences) == by_enumeration(-differences)


def test_p_is_the_same_whichever_of_two_is_subtracted() -> None:
    """Ranks shared by pairs and by three: sums of all parities, in either tail."""
    differences = np.array([1, 1, 2, 3, 3, 3, 4, -2, -5, 6, 7, 7, 8, 9])
    p = signed_rank_p(differences)
    assert p == signed_rank_p(-differences) == by_enumeration(differences)
    assert 0 < p < 0.1


@pytest.mark.parametrize("pairs", [1, 3, 10, 14, 40])
def test_all_of_one_sign_is_one_way_of_two_to_the_pairs(pairs: int) -> None:
    assert signed_rank_p(np.full(pairs, 0.25)) == min(1, 2.0 ** (1 - pairs))
    assert signed_rank_p(-np.arange(1.0, pairs + 1)) == min(1, 2.0 ** (1 - pairs))


@pytest.mark.parametrize("pairs", [14, 30])
def test_equal_differences_are_a_test_of_signs(pairs: int) -> None:
    """All ranks are the same: the sum is binomial. Scipy's normal approximation is off by a hundredth."""
    differences = np.where(np.arange(pairs) < pairs // 3, -0.5, 0.5)
    expected = stats.binomtest(pairs // 3, pairs).pvalue
    assert signed_rank_p(differences) == pytest.approx(expected, rel=1e-12)
    assert abs(stats.wilcoxon(differences).pvalue - expected) > 1e-3


@pytest.mark.parametrize("pairs", [*range(1, 14), 25, 50])
def test_without_ties_it_is_scipys_exact_p_to_the_last_bit(pairs: int) -> None:
    differences = np.random.default_rng(pairs).normal(0.2, 1, pairs)
    assert signed_rank_p(differences) == stats.wilcoxon(differences).pvalue


def test_many_pairs_are_close_to_the_normal_approximation() -> None:
    differences = np.random.default_rng(1).normal(0.1, 1, 131)
    approximate = stats.wilcoxon(differences, method="asymptotic").pvalue
    assert signed_rank_p(differences) == pytest.approx(approximate, abs=2e-3)


def test_ties_are_found_where_only_the_last_bit_differs() -> None:
    one, other = 1 - 1 / 3, 2 / 3 - 0
    assert one != other
    assert signed_rank_p(np.array([one, -other, 0.9])) == signed_rank_p(np.array([0.5, -0.5, 0.9]))


@pytest.mark.parametrize("differences", [[], [0.0], [0.0] * 20])
def test_no_difference_has_no_p(differences: list[float]) -> None:
    assert isnan(signed_rank_p(np.array(differences)))


def test_comparisons_of_many_exams_with_ties_are_exact() -> None:
    """Eighteen exams of which four find nothing: four differences of 0.5, and four of 0.25 the other way."""
    fusion = [1.0] * 4 + [0.5] * 4 + list(np.linspace(0.6, 0.69, 10))
    other = [0.5] * 4 + [0.75] * 4 + list(np.linspace(0.5, 0.68, 10))
    rows = [
        (f"exam-{exam}", "liver", method, "clean", "dice", value)
        for method, values in (("fusion", fusion), ("other", other))
        for exam, value in enumerate(values)
    ]
    metrics = pd.DataFrame(rows, columns=["exam", "structure", "method", "processing", "metric", "value"])
    (row,) = compare(metrics, "fusion").to_dict("records")
    assert row["wilcoxon_p"] == pytest.approx(by_enumeration(np.subtract(fusion, other)), rel=1e-12)
    same = compare(metrics.assign(value=nan), "fusion").to_dict("records")
    assert isnan(same[0]["wilcoxon_p"])
