"""Errors that networks share."""

from collections.abc import Iterator

import numpy as np

from hepaflow.evaluation.error_overlap import error_overlap
from hepaflow.evaluation.scores import OVERLAP_COLUMNS

SHAPE = (3, 5, 7)  # not a multiple of eight voxels
REFERENCE = np.zeros(SHAPE, bool)
REFERENCE[1, 1:4, 1:5] = True
A, B, C = (1, 1, 1), (0, 0, 0), (2, 4, 6)
"""A voxel of the reference, and the exam's first and last voxels, which are background."""


def wrong_at(*places: tuple[int, int, int]) -> np.ndarray:
    """The reference, wrong at these voxels: false positives and false negatives alike."""
    mask = REFERENCE.copy()
    for place in places:
        mask[place] ^= True
    return mask


def test_counts() -> None:
    """Errors are where mask and reference differ (thesis 4.6.2), whichever way; pairs come as the networks do."""
    masks = {"two": wrong_at(A, B), "one": wrong_at(B, C), "three": REFERENCE}
    overlap = error_overlap("exam", "liver", masks.items(), REFERENCE)
    assert tuple(overlap.columns) == OVERLAP_COLUMNS
    assert overlap.to_numpy().tolist() == [
        ["exam", "liver", "two", "one", 2, 2, 1],
        ["exam", "liver", "two", "three", 2, 0, 0],
        ["exam", "liver", "one", "three", 2, 0, 0],
    ]


def test_errors_against_the_definition() -> None:
    draw = np.random.default_rng(0)
    reference, one, other = draw.random((3, 6, 11, 13)) > 0.5
    overlap = error_overlap("exam", "lesion", [("one", one), ("other", other)], reference)
    first = np.abs(one.astype(int) - reference.astype(int))
    second = np.abs(other.astype(int) - reference.astype(int))
    assert overlap.iloc[0, 4:].tolist() == [first.sum(), second.sum(), (first * second).sum()]


def test_one_mask_is_kept_at_a_time() -> None:
    """Of many networks on a large exam, only bits stay in memory: a mask may be used again for the next one."""
    mask = np.empty(SHAPE, bool)

    def masks() -> Iterator[tuple[str, np.ndarray]]:
        for network, places in (("one", (A, B)), ("two", (A, C)), ("three", (C,))):
            mask[:] = wrong_at(*places)
            yield network, mask

    found = error_overlap("exam", "liver", masks(), REFERENCE)
    assert found["errors_both"].tolist() == [1, 0, 1]


def test_one_network_has_no_pair() -> None:
    overlap = error_overlap("exam", "liver", [("one", REFERENCE)], REFERENCE)
    assert len(overlap) == 0
    assert tuple(overlap.columns) == OVERLAP_COLUMNS
