"""Single lesions: which are found, merged, missed, and which are false alarms."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hepaflow.evaluation.lesions import (
    FOUND,
    LESION_COLUMNS,
    MASK,
    REFERENCE,
    lesions_of_exam,
    paired,
    read_lesions,
)
from hepaflow.evaluation.metrics.detection import Detection
from hepaflow.evaluation.scores import write_scores

STEPS = (2.0, 1.0, 1.0)


def blocks(*places: tuple[slice, slice]) -> np.ndarray:
    """Return a mask of blocks in the middle of three slices."""
    mask = np.zeros((3, 12, 30), bool)
    for rows, columns in places:
        mask[1, rows, columns] = True
    return mask


LARGE, SMALL, ELSEWHERE = (
    (slice(1, 5), slice(1, 5)),
    (slice(1, 3), slice(10, 12)),
    (slice(8, 9), slice(20, 22)),
)


def of(table: pd.DataFrame, whose: str) -> pd.DataFrame:
    return table[table["of"] == whose].reset_index(drop=True)


def test_a_lesion_that_is_half_met_and_one_that_is_missed_and_a_false_alarm() -> None:
    half = (slice(1, 5), slice(1, 3))
    table = lesions_of_exam("e", [("m", blocks(half, ELSEWHERE))], blocks(LARGE, SMALL), STEPS)
    assert tuple(table.columns) == LESION_COLUMNS
    known, own = of(table, REFERENCE), of(table, MASK)
    assert known["voxels"].tolist() == [16, 4]  # the largest first
    assert known["lesion"].tolist() == [1, 2]
    assert known["slice"].tolist() == [2, 2]
    assert known["volume_ml"].tolist() == [pytest.approx(0.032), pytest.approx(0.008)]
    assert known["iou"].tolist() == [0.5, 0]
    assert known["covered"].tolist() == [0.5, 0]
    assert known[FOUND["any"]].tolist() == [1, 0]
    assert known[FOUND["half"]].tolist() == [0, 0]  # half is not more than half
    assert own["voxels"].tolist() == [8, 2]
    assert own["covered"].tolist() == [1, 0]
    assert own[FOUND["any"]].tolist() == [1, 0]


def test_one_region_over_two_lesions_finds_the_one_that_it_meets_better() -> None:
    both = (slice(1, 5), slice(1, 12))
    known = of(lesions_of_exam("e", [("m", blocks(both))], blocks(LARGE, SMALL), STEPS), REFERENCE)
    assert known[FOUND["any"]].tolist() == [1, 0]
    assert known["covered"].tolist() == [1, 1]
    assert known["iou"].tolist() == [pytest.approx(16 / 44), pytest.approx(4 / 44)]


def test_of_two_lesions_in_one_region_the_one_that_overlaps_more_is_found() -> None:
    assert paired(np.array([[0.2], [0.6]]), 0).tolist() == [False, True]
    assert paired(np.array([[0.2, 0.3, 0.1], [0.6, 0.0, 0.7]]).T, 0.15).tolist() == [False, True, True]


def test_slices_count_from_the_feet_of_the_exam() -> None:
    mask = np.zeros((9, 12, 12), bool)
    mask[2, 1:3, 1:3] = mask[6, 6:9, 6:9] = True
    known = of(lesions_of_exam("e", [("m", mask)], mask, STEPS), REFERENCE)
    assert known["voxels"].tolist() == [9, 4]
    assert known["slice"].tolist() == [7, 3]
    assert known[FOUND["any"]].dtype == int


def test_as_many_as_possible_are_paired_before_the_best() -> None:
    """The first region has a second choice, the second one has none."""
    overlaps = np.array([[0.9, 0.1], [0.2, 0.0]])
    assert paired(overlaps, 0).tolist() == [True, True]
    assert paired(overlaps, 0.5).tolist() == [True, False]
    assert paired(np.zeros((2, 0)), 0).tolist() == [False, False]


@pytest.mark.parametrize("seed", range(4))
def test_their_sums_are_the_counts_of_the_scores(seed: int) -> None:
    random = np.random.default_rng(seed)
    reference = random.random((4, 20, 20)) < 0.2
    mask = np.where(random.random(reference.shape) < 0.3, random.random(reference.shape) < 0.2, reference)
    table, detection = lesions_of_exam("e", [("m", mask)], reference, STEPS), Detection.of(mask, reference)
    assert (len(of(table, REFERENCE)), len(of(table, MASK))) == (detection.reference, detection.predicted)
    for name, column in FOUND.items():
        for whose in (REFERENCE, MASK):
            assert of(table, whose)[column].sum() == detection.found[name]


def test_empty_masks_have_no_rows() -> None:
    nothing = blocks()
    assert len(lesions_of_exam("e", [("m", nothing)], nothing, STEPS)) == 0
    assert of(lesions_of_exam("e", [("m", nothing)], blocks(LARGE), STEPS), REFERENCE)["iou"].tolist() == [0]


def test_without_millimetres_sizes_are_unknown_also_in_a_file(tmp_path: Path) -> None:
    table = lesions_of_exam("007", [("NA", blocks(LARGE))], blocks(LARGE), None)
    write_scores(table, tmp_path / "a.csv")
    read = read_lesions(tmp_path / "a.csv", tmp_path / "a.csv")
    assert read["exam"].tolist() == ["007"] * 4
    assert read["method"].tolist() == ["NA"] * 4
    assert read.index.tolist() == [0, 1, 2, 3]
    assert read[["volume_ml", "diameter_mm"]].isna().all(axis=None)
    pd.testing.assert_frame_equal(read[:2], table, check_dtype=False)
