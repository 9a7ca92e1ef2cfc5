"""Whether disagreement flags low scores."""

from itertools import permutations
from math import factorial, isnan

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hepaflow.evaluation.flagging import answer_table, least_p_value, rank_correlation, without_correlation
from hepaflow.evaluation.scores import UNCERTAINTY_COLUMNS


def exams(disagreement: list[float], dice: list[float]) -> pd.DataFrame:
    table = pd.DataFrame({"exam": list("abcdefghijkl")[: len(dice)], "dice": dice, "disagreement": disagreement})
    return table.sort_values("disagreement", ascending=False, kind="stable", ignore_index=True)


LEVELS = pd.DataFrame(
    [("a", "liver", 0, 80, 80, 8), ("a", "liver", 50, 15, 15, 6), ("b", "liver", 100, 5, 5, 2)],
    columns=UNCERTAINTY_COLUMNS,
)


@pytest.mark.parametrize("count", [3, 4, 5, 7])
def test_a_perfect_order_is_one_of_two_among_all(count: int) -> None:
    falling = exams(list(range(count)), [1 - 0.1 * place for place in range(count)])
    assert rank_correlation(falling) == pytest.approx((-1, 2 / factorial(count)))
    assert least_p_value(falling) == pytest.approx(2 / factorial(count))
    assert without_correlation(falling) == ""


def test_correlation_and_p_value_are_scipys() -> None:
    draw = np.random.default_rng(3)
    table = exams(draw.random(12).tolist(), draw.random(12).round(1).tolist())  # with ties
    correlation, p = rank_correlation(table)
    expected = stats.spearmanr(table["disagreement"], table["dice"])
    assert correlation == pytest.approx(expected.statistic)
    assert p == pytest.approx(expected.pvalue, abs=0.02)  # the approximation is good for twelve
    assert rank_correlation(table) == (correlation, p)


def test_orders_that_are_drawn_speak_as_all_of_them() -> None:
    """Of eight exams 9999 orders are drawn; here all 40,320 are tried. Three standard errors of a p of 0.06."""
    dice = [1, 3, 2, 7, 4, 8, 5, 6]
    found, p = rank_correlation(exams(list(range(8, 0, -1)), dice))
    ranks = np.arange(1, 9)
    squares = ((np.array(list(permutations(ranks))) - ranks) ** 2).sum(axis=1)
    strengths = np.abs(1 - 6 * squares / (8 * 63))
    assert p == pytest.approx((strengths > abs(found) - 1e-9).mean(), abs=0.007)


def test_a_perfect_order_of_many_is_one_of_those_drawn_and_itself() -> None:
    """One of 9999 and the exams' own: no p is below that, nor zero."""
    falling = exams(list(range(12)), [1 - 0.1 * place for place in range(12)])
    mixed = falling.assign(dice=np.random.default_rng(0).permutation(falling["dice"]))
    assert rank_correlation(falling)[1] == pytest.approx(1e-4)
    assert least_p_value(falling) == least_p_value(mixed) == pytest.approx(1e-4)


@pytest.mark.parametrize("values", [([1, 1, 2], [0.3, 0.2, 0.1]), ([3, 1, 2], [0.1, 0.1, 0.4])])
def test_two_values_are_enough_for_a_correlation(values: tuple[list[float], list[float]]) -> None:
    found, _ = rank_correlation(exams(*values))
    assert found == pytest.approx(stats.spearmanr(*values).statistic)


@pytest.mark.parametrize(
    ("disagreement", "dice", "reason"),
    [
        ([1], [0.5], "fewer than 3 exams"),
        ([1, 2], [0.1, 0.2], "fewer than 3 exams"),
        ([1, 2], [0.5, 0.5], "all exams have the same Dice"),
        ([1, 1, 1], [0.1, 0.2, 0.3], "all exams have the same disagreement"),
        ([1, 2, 3], [0.5] * 3, "all exams have the same Dice"),
        ([0] * 9, [1.0] * 9, "all exams have the same Dice"),
    ],
)
def test_no_correlation_where_there_is_none(disagreement: list[float], dice: list[float], reason: str) -> None:
    table = exams(disagreement, dice)
    assert all(isnan(value) for value in rank_correlation(table))
    assert without_correlation(table) == reason


@pytest.mark.parametrize(
    ("disagreement", "dice"),
    [
        ([10, 11, 12, 50, 90], [0.1, 0.2, 0.3, 0.4, 0.5]),
        ([1, 1, 2, 3, 9], [0.1, 0.1, 0.1, 0.5, 0.6]),
        ([1, 1, 2, 3, 9], [0.6, 0.6, 0.6, 0.5, 0.1]),
        ([1, 2, 2, 2, 9], [0.1, 0.1, 0.1, 0.2, 0.2]),
    ],
)
def test_no_order_of_the_exams_has_a_p_below_the_least(disagreement: list[float], dice: list[float]) -> None:
    found = [rank_correlation(exams(disagreement, list(order)))[1] for order in permutations(dice)]
    for order in (dice, dice[::-1], [*dice[1::2], *dice[::2]]):
        for rows in ([0, 1, 2, 3, 4], [2, 0, 4, 1, 3]):
            assert least_p_value(exams(disagreement, order).iloc[rows]) == pytest.approx(min(found))


@pytest.mark.parametrize("count", [5, 7, 9, 12])
def test_the_least_p_counts_the_orders_that_ties_leave(count: int) -> None:
    """One exam of another Dice is at either end by disagreement: two places of as many as there are exams."""
    table = exams(list(range(count)), [0.9] * (count - 1) + [0.1])
    assert least_p_value(table) == pytest.approx(2 / count, abs=1e-12 if count <= 7 else 0.02)
    assert rank_correlation(table)[1] == least_p_value(table)


@pytest.mark.parametrize(
    ("disagreement", "dice", "verdict"),
    [
        (
            [4, 3, 2, 1],
            [0.1, 0.2, 0.3, 0.4],
            "cannot be told from so few exams (4): even a perfect order has p = 0.083",
        ),
        ([5, 4, 3, 2, 1], [0.1, 0.2, 0.3, 0.4, 0.5], "yes, in this run"),
        ([1, 2, 3, 4, 5], [0.1, 0.2, 0.3, 0.4, 0.5], "no: exams with more disagreement score higher"),
        ([1, 5, 2, 4, 3], [0.1, 0.2, 0.3, 0.4, 0.5], "not shown by these 5 exams"),
        ([0] * 5, [1.0] * 5, "cannot be told: all exams have the same Dice"),
        ([0] * 5, [0.1, 0.2, 0.3, 0.4, 0.5], "cannot be told: all exams have the same disagreement"),
        (
            [5, 4, 3, 2, 1],
            [0.1, 0.9, 0.9, 0.9, 0.9],
            "cannot be told: so many exams have the same Dice or the same disagreement that even a perfect order "
            "has p = 0.4",
        ),
        # The table of Spearman's test: -0.786 of seven has p = 0.048, -0.829 of six has p = 0.058.
        ([7, 6, 5, 4, 3, 2, 1], [0.3, 0.1, 0.2, 0.6, 0.4, 0.5, 0.7], "yes, in this run"),
        ([6, 5, 4, 3, 2, 1], [0.2, 0.1, 0.4, 0.3, 0.6, 0.5], "not shown by these 6 exams"),
        ([0], [1.0], "cannot be told from so few exams (1): even a perfect order has p = 1"),
    ],
)
def test_the_answer_is_no_bolder_than_the_exams_allow(
    disagreement: list[float], dice: list[float], verdict: str
) -> None:
    assert answer_table(LEVELS, exams(disagreement, dice))["answer"][0] == verdict


def test_all_errors_lie_where_networks_disagree() -> None:
    levels = pd.DataFrame([("a", "liver", 100, 10, 10, 10)], columns=UNCERTAINTY_COLUMNS)
    assert answer_table(levels, exams([1, 2], [0.1, 0.2]))["answer"].iloc[-1] == (
        "100 % of them where networks disagree, which is 100 % of the voxels; 100 % of these are wrong, and none "
        "of those where all agree"
    )


def test_a_correlation_that_is_undefined_says_why() -> None:
    found = answer_table(LEVELS, exams([5, 4, 3, 2, 1], [1.0] * 5))["answer"]
    assert found[1] == "undefined: all exams have the same Dice"


def test_answers_by_hand() -> None:
    """The worst exam is the second by disagreement; one of the two worst is among the first two."""
    found = answer_table(LEVELS, exams([40, 30, 20, 10], [0.9, 0.2, 0.8, 0.7])).set_index("question")["answer"]
    assert found.iloc[1] == "0.40 (permutation test: p = 0.75)"  # ranks that differ by 0, 2, 1 and 1
    assert found["The exam with the lowest Dice"] == "b (0.200): number 2 of 4 by disagreement"
    assert found.iloc[3] == "1 of 2 (1.0 expected by chance)"
    assert found.iloc[4] == (
        "50 % of them where networks disagree, which is 20 % of the voxels; 40 % of these are wrong, and 10 % of "
        "those where all agree"
    )


EQUAL_DICE = "undefined: exams of the same Dice stand on both sides of the middle"
EQUAL_DISAGREEMENT = "undefined: exams of the same disagreement stand on both sides of the middle"


@pytest.mark.parametrize(
    ("disagreement", "dice", "lowest", "halves"),
    [
        ([4, 3, 2, 1], [0.5] * 4, "undefined: all exams have the same Dice (0.500)", EQUAL_DICE),
        (
            [7] * 4,
            [0.9, 0.2, 0.8, 0.7],
            "b (0.200): numbers 1 to 4, which are equal, of 4 by disagreement",
            EQUAL_DISAGREEMENT,
        ),
        (
            [9, 7, 7, 1],
            [0.9, 0.2, 0.8, 0.7],
            "b (0.200): numbers 2 to 3, which are equal, of 4 by disagreement",
            EQUAL_DISAGREEMENT,
        ),
        (
            [9, 8, 2, 2],
            [0.9, 0.0, 0.8, 0.0],
            "b (0.000): number 2 of 4 by disagreement; d (0.000): numbers 3 to 4, which are equal, of 4 by "
            "disagreement",
            "1 of 2 (1.0 expected by chance)",
        ),
        ([9, 8, 2, 1], [0.0, 0.2, 0.2, 0.8], "a (0.000): number 1 of 4 by disagreement", EQUAL_DICE),
        (
            [3, 2, 1],
            [0.2, 0.9, 0.9],
            "a (0.200): number 1 of 3 by disagreement",
            "1 of 1 (0.3 expected by chance)",
        ),
        (
            [4, 3, 2, 1],
            [0.5, 0.1, 0.1, 0.9],
            "b (0.100): number 2 of 4 by disagreement; c (0.100): number 3 of 4 by disagreement",
            "1 of 2 (1.0 expected by chance)",
        ),
        ([5, 4, 3, 2, 1], [0.2, 0.1, 0.2, 0.8, 0.9], "b (0.100): number 2 of 5 by disagreement", EQUAL_DICE),
        (
            [9, 5, 5, 2, 1],
            [0.1, 0.2, 0.3, 0.4, 0.5],
            "a (0.100): number 1 of 5 by disagreement",
            EQUAL_DISAGREEMENT,
        ),
        ([9], [0.5], "a (0.500): number 1 of 1 by disagreement", "undefined: one exam has no halves"),
        ([9, 9], [1.0, 1.0], "undefined: all exams have the same Dice (1.000)", EQUAL_DICE),
    ],
)
def test_equal_exams_have_no_order(disagreement: list[float], dice: list[float], lowest: str, halves: str) -> None:
    """None of the answers may come from the order of the exams in the table."""
    table = exams(disagreement, dice)
    for ordered in (table, table.iloc[::-1].reset_index(drop=True)):
        found = answer_table(LEVELS, ordered)["answer"]
        assert found[3] == halves
        assert sorted(found[2].split("; ")) == sorted(lowest.split("; "))


def test_no_error_is_nowhere() -> None:
    nothing = answer_table(LEVELS.assign(errors=0), exams([1, 2, 3], [1, 1, 1]))
    assert nothing["answer"].iloc[-1] == "there is none"
    assert answer_table(LEVELS.iloc[:0], exams([0], [1]))["answer"].iloc[-1] == "there is none"
