"""Where the networks disagree."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hepaflow.evaluation.disagreement import error_by_disagreement, exams_by_disagreement, mean_disagreement
from hepaflow.evaluation.scores import UNCERTAINTY_COLUMNS
from hepaflow.masks.disagreement import disagreement, mean_over_segmented

quick = settings(max_examples=60, deadline=None, derandomize=True)


def votes(networks: int) -> list[np.ndarray]:
    """Voxels for which none, one, two, ... of the networks vote."""
    return [np.arange(networks + 1).reshape(1, 1, -1) > network for network in range(networks)]


@pytest.mark.parametrize(
    ("networks", "expected"),
    [
        (1, [0, 0]),
        (2, [0, 100, 0]),
        (3, [0, 67, 67, 0]),
        (4, [0, 50, 100, 50, 0]),
        (5, [0, 40, 80, 80, 40, 0]),
        (12, [0, 17, 33, 50, 67, 83, 100, 83, 67, 50, 33, 17, 0]),
    ],
)
def test_levels(networks: int, expected: list[int]) -> None:
    percent = disagreement(votes(networks))
    assert percent.dtype == np.uint8
    assert percent.tolist() == [[expected]]


@quick
@given(st.integers(1, 6).flatmap(lambda networks: arrays(bool, (networks, 1, 3, 4))))
def test_neither_the_order_nor_the_side_matters(masks: np.ndarray) -> None:
    percent = disagreement(list(masks))
    np.testing.assert_array_equal(percent, disagreement(list(masks[::-1])))
    np.testing.assert_array_equal(percent, disagreement(list(~masks)))
    np.testing.assert_array_equal(percent == 0, (masks == masks[0]).all(axis=0))


PERCENT = np.array([[[0, 0, 0, 50, 50, 100, 100, 0]]], np.uint8)
FUSED = np.array([[[1, 1, 0, 1, 0, 1, 0, 0]]], bool)
REFERENCE = np.array([[[1, 0, 1, 1, 0, 0, 1, 0]]], bool)


def test_errors_at_every_level() -> None:
    """The last voxel is background to all and counts nowhere; the third is missed by all networks."""
    table = error_by_disagreement("007", "liver", PERCENT, FUSED, REFERENCE)
    assert tuple(table.columns) == UNCERTAINTY_COLUMNS
    assert table.to_numpy().tolist() == [
        ["007", "liver", 0, 2, 3, 2],
        ["007", "liver", 50, 2, 2, 0],
        ["007", "liver", 100, 2, 2, 2],
    ]


@quick
@given(
    arrays(np.uint8, (2, 3, 4), elements=st.sampled_from([0, 50, 100])),
    arrays(bool, (2, 3, 4)),
    arrays(bool, (2, 3, 4)),
)
def test_every_error_is_counted_once(percent: np.ndarray, fused: np.ndarray, reference: np.ndarray) -> None:
    table = error_by_disagreement("exam", "lesion", percent, fused, reference)
    assert table["errors"].sum() == (fused != reference).sum()
    assert table["voxels"].sum() == (fused | reference | (percent > 0)).sum()
    assert (table["errors"] <= table["voxels"]).all()
    assert (table["segmented"] <= table["voxels"]).all()
    assert table["voxels"].gt(0).all()
    assert table["disagreement"].is_monotonic_increasing


def test_an_exam_without_anything_has_no_level() -> None:
    empty = np.zeros((1, 2, 2), bool)
    table = error_by_disagreement("exam", "lesion", empty.astype(np.uint8), empty, empty)
    assert len(table) == 0
    assert tuple(table.columns) == UNCERTAINTY_COLUMNS


def test_mean_over_what_is_segmented() -> None:
    """Voxels of the reference that nobody found do not count: a new exam has no reference."""
    tables = [
        error_by_disagreement("b", "liver", PERCENT, FUSED, REFERENCE),
        error_by_disagreement("a", "liver", PERCENT, FUSED, np.zeros_like(REFERENCE)),
    ]
    mean = mean_disagreement(pd.concat(tables))
    expected = float(Fraction(2 * 50 + 2 * 100, 6))
    assert mean.to_numpy().tolist() == [["b", expected], ["a", expected]]
    assert mean.columns.tolist() == ["exam", "disagreement"]


def test_an_exam_of_ones_own_has_the_same_mean() -> None:
    """Four voxels of the fused mask, and two where networks disagree besides."""
    assert mean_over_segmented(PERCENT, FUSED) == pytest.approx((2 * 50 + 2 * 100) / 6)
    large = np.full((1, 300, 300), 100, np.uint8)
    assert mean_over_segmented(large, np.zeros(large.shape, bool)) == 100
    assert mean_over_segmented(np.zeros_like(PERCENT), np.zeros_like(FUSED)) == 0


def test_nothing_segmented_is_no_disagreement() -> None:
    nothing = np.zeros_like(FUSED)
    table = error_by_disagreement("exam", "lesion", np.zeros_like(PERCENT), nothing, REFERENCE)
    assert table[["segmented", "voxels", "errors"]].to_numpy().tolist() == [[0, 4, 4]]
    assert mean_disagreement(table)["disagreement"].tolist() == [0]


def test_a_single_voxel_has_a_mean() -> None:
    rows = [("exam", "lesion", 50, 1, 1, 0)]
    assert mean_disagreement(pd.DataFrame(rows, columns=UNCERTAINTY_COLUMNS))["disagreement"].tolist() == [50]


def test_exams_with_equal_disagreement_keep_their_order() -> None:
    """In many exams, too, where a sort that is not stable mixes them."""
    names = [f"exam {number}" for number in np.random.default_rng(0).permutation(60)]
    rows = [(name, "lesion", 50 * (number % 2), 4, 4, 0) for number, name in enumerate(names)]
    dice = pd.DataFrame({"exam": names, "value": 0.5})
    listed = exams_by_disagreement(pd.DataFrame(rows, columns=UNCERTAINTY_COLUMNS), dice)
    assert listed["exam"].tolist() == names[1::2] + names[::2]


def test_exams_are_listed_by_disagreement_and_those_without_anything_segmented_come_last() -> None:
    rows = [("quiet", "lesion", 0, 8, 8, 1), ("torn", "lesion", 50, 4, 4, 2), ("torn", "lesion", 0, 4, 4, 0)]
    levels = pd.DataFrame(rows, columns=UNCERTAINTY_COLUMNS)
    dice = pd.DataFrame({"exam": ["empty", "quiet", "torn"], "value": [1.0, 0.9, 0.5], "metric": "dice"})
    listed = exams_by_disagreement(levels, dice)
    assert listed.to_numpy().tolist() == [["torn", 0.5, 25.0], ["empty", 1.0, 0.0], ["quiet", 0.9, 0.0]]
    assert listed.columns.tolist() == ["exam", "dice", "disagreement"]
    assert listed.index.tolist() == [0, 1, 2]
