"""Scores of one exam."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hepaflow.evaluation import METRIC_COLUMNS, OVERLAP_COLUMNS, Scores
from hepaflow.metrics import dice

SHAPE = (3, 5, 7)  # not a multiple of eight voxels
REFERENCE = np.zeros(SHAPE, bool)
REFERENCE[1, 1:4, 1:5] = True


def wrong_at(*places: tuple[int, int, int]) -> np.ndarray:
    """The reference, wrong at these voxels: false positives and false negatives alike."""
    mask = REFERENCE.copy()
    for place in places:
        mask[place] ^= True
    return mask


A, B, C = (1, 1, 1), (0, 0, 0), (2, 4, 6)
"""A liver voxel, and the exam's first and last voxels, which are background."""


def saved(tmp_path: Path, scores: Scores) -> tuple[pd.DataFrame, pd.DataFrame]:
    scores.save(tmp_path / "metrics.csv", tmp_path / "overlap.csv")
    return tuple(pd.read_csv(tmp_path / name, dtype={"exam": str}) for name in ("metrics.csv", "overlap.csv"))


def test_a_row_for_every_mask(tmp_path: Path) -> None:
    scores = Scores("007")
    scores.add("liver", "resnet", "raw", wrong_at(A, B), REFERENCE)
    scores.add("liver", "resnet", "clean", wrong_at(A), REFERENCE)
    scores.add("liver", "fusion", "clean", REFERENCE, REFERENCE)
    scores.add("lesion", "resnet", "raw", REFERENCE, np.zeros(SHAPE, bool))
    metrics, overlap = saved(tmp_path, scores)
    assert tuple(metrics.columns) == METRIC_COLUMNS
    assert metrics.drop(columns="value").to_numpy().tolist() == [
        ["007", "liver", "resnet", "raw", "dice"],
        ["007", "liver", "resnet", "clean", "dice"],
        ["007", "liver", "fusion", "clean", "dice"],
        ["007", "lesion", "resnet", "raw", "dice"],
    ]
    assert metrics["value"].tolist() == [dice(wrong_at(A, B), REFERENCE), dice(wrong_at(A), REFERENCE), 1, 0]
    assert metrics["value"][1] == pytest.approx(2 * 11 / 23)
    assert tuple(overlap.columns) == OVERLAP_COLUMNS
    assert len(overlap) == 0


def test_error_overlap_counts(tmp_path: Path) -> None:
    """Errors are where mask and reference differ (thesis 4.6.2), whichever way."""
    scores = Scores("exam")
    scores.add("liver", "one", "raw", wrong_at(A, B), REFERENCE)
    scores.add("liver", "two", "raw", wrong_at(B, C), REFERENCE)
    scores.add("liver", "three", "raw", REFERENCE, REFERENCE)
    scores.compare_errors("liver")
    _, overlap = saved(tmp_path, scores)
    assert overlap.to_numpy().tolist() == [
        ["exam", "liver", "one", "two", 2, 2, 1],
        ["exam", "liver", "one", "three", 2, 0, 0],
        ["exam", "liver", "two", "three", 2, 0, 0],
    ]


def test_errors_against_the_definition(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    reference, one, other = draw.random((3, 6, 11, 13)) > 0.5
    scores = Scores("exam")
    scores.add("lesion", "one", "raw", one, reference)
    scores.add("lesion", "other", "raw", other, reference)
    scores.compare_errors("lesion")
    _, overlap = saved(tmp_path, scores)
    first = np.abs(one.astype(int) - reference.astype(int))
    second = np.abs(other.astype(int) - reference.astype(int))
    assert overlap.iloc[0, 4:].tolist() == [first.sum(), second.sum(), (first * second).sum()]


def test_raw_masks_alone_are_compared_and_each_stage_for_itself(tmp_path: Path) -> None:
    scores = Scores("exam")
    for stage in ("liver", "lesion"):
        for method in ("one", "two"):
            scores.add(stage, method, "raw", wrong_at(A), REFERENCE)
            scores.add(stage, method, "clean", REFERENCE, REFERENCE)
        scores.add(stage, "fusion", "clean", wrong_at(A), REFERENCE)
    scores.compare_errors("lesion")
    _, overlap = saved(tmp_path, scores)
    assert overlap.to_numpy().tolist() == [["exam", "lesion", "one", "two", 1, 1, 1]]


def test_one_network_has_no_pair(tmp_path: Path) -> None:
    scores = Scores("exam")
    scores.add("liver", "one", "raw", REFERENCE, REFERENCE)
    scores.compare_errors("liver")
    assert len(saved(tmp_path, scores)[1]) == 0


def test_equal_scores_give_equal_bytes(tmp_path: Path) -> None:
    written = []
    for _ in range(2):
        scores = Scores("exam")
        scores.add("liver", "one", "raw", wrong_at(A), REFERENCE)
        saved(tmp_path, scores)
        written.append((tmp_path / "metrics.csv").read_bytes())
    assert written[0] == written[1]
    assert b"\r" not in written[0]


def test_scores_survive_the_file_to_the_last_bit(tmp_path: Path) -> None:
    scores = Scores("exam")
    scores.add("liver", "one", "raw", wrong_at(A, B, C), REFERENCE)
    table = saved(tmp_path, scores)[0]
    assert table["value"][0] == dice(wrong_at(A, B, C), REFERENCE)
