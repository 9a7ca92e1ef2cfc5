"""Lesions that were found."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from hepaflow.evaluation.metrics.detection import Detection, intersections_over_unions
from hepaflow.volumes.lesions import label_lesions

quick = settings(max_examples=100, deadline=None, derandomize=True)
SHAPE = (3, 12, 30)


def mask(*lesions: tuple[tuple[int, int], tuple[int, int]]) -> np.ndarray:
    """Rectangles in the middle slice, given by their rows and columns."""
    drawn = np.zeros(SHAPE, bool)
    for rows, columns in lesions:
        drawn[1, slice(*rows), slice(*columns)] = True
    return drawn


def found(prediction: np.ndarray, reference: np.ndarray) -> tuple[int, int, int, int]:
    detection = Detection.of(prediction, reference)
    return detection.predicted, detection.reference, detection.found["any"], detection.found["half"]


ONE = ((2, 6), (2, 6))
TWO = ((2, 6), (12, 16))
FAR = ((8, 10), (22, 26))


@pytest.mark.parametrize(
    ("prediction", "reference", "expected"),
    [
        (mask(), mask(), (0, 0, 0, 0)),
        (mask(ONE), mask(), (1, 0, 0, 0)),
        (mask(), mask(ONE, TWO), (0, 2, 0, 0)),
        (mask(ONE, TWO), mask(ONE, TWO), (2, 2, 2, 2)),
        (mask(ONE, FAR), mask(ONE, TWO), (2, 2, 1, 1)),
    ],
    ids=["both empty", "no lesion to find", "none found", "all found", "one missed, one false alarm"],
)
def test_lesions_are_counted(
    prediction: np.ndarray, reference: np.ndarray, expected: tuple[int, int, int, int]
) -> None:
    assert found(prediction, reference) == expected


def test_a_region_over_two_lesions_finds_one() -> None:
    merged = mask(((2, 6), (2, 16)))
    assert found(merged, mask(ONE, TWO)) == (1, 2, 1, 0)


def test_two_regions_in_one_lesion_are_one_find_and_one_false_alarm() -> None:
    whole = mask(((2, 6), (2, 12)))
    split = mask(((2, 6), (2, 9)), ((2, 6), (10, 12)))
    assert found(split, whole) == (2, 1, 1, 1)  # 7 of 10 columns: above one half


@pytest.mark.parametrize(("columns", "half"), [(5, 0), (6, 1), (10, 1), (19, 1), (20, 0), (21, 0)])
def test_an_overlap_of_exactly_one_half_is_not_above_it(columns: int, half: int) -> None:
    """A lesion of ten columns: intersection over union is exactly 0.5 with 5 of them, and with 20."""
    lesion, region = mask(((2, 6), (0, 10))), mask(((2, 6), (0, columns)))
    assert found(region, lesion) == (1, 1, 1, half)


def test_one_common_voxel_is_enough_for_any_and_a_touching_side_is_not() -> None:
    assert found(mask(((5, 9), (5, 9))), mask(ONE)) == (1, 1, 1, 0)
    assert found(mask(((6, 9), (2, 6))), mask(ONE)) == (1, 1, 0, 0)


@pytest.mark.parametrize("step", [(0, 1, 1), (1, 1, 0), (1, 0, 1), (1, 1, 1)])
def test_diagonal_neighbours_are_two_lesions(step: tuple[int, int, int]) -> None:
    voxels = np.zeros(SHAPE, bool)
    voxels[1, 5, 5] = voxels[tuple(place + one for place, one in zip((1, 5, 5), step, strict=True))] = True
    assert Detection.of(voxels, voxels).reference == 2


@pytest.mark.parametrize("step", [(0, 0, 1), (0, 1, 0), (1, 0, 0)])
def test_neighbours_that_share_a_face_are_one_lesion(step: tuple[int, int, int]) -> None:
    voxels = np.zeros(SHAPE, bool)
    voxels[1, 5, 5] = voxels[tuple(place + one for place, one in zip((1, 5, 5), step, strict=True))] = True
    assert Detection.of(voxels, voxels).reference == 1


def test_as_many_pairs_as_possible_are_made() -> None:
    """The best overlap of all is not a pair: it would take the only lesion that the other region meets."""
    lesions = mask(((2, 4), (0, 10)), ((2, 4), (14, 16)))
    regions = mask(((2, 4), (0, 3)), ((2, 4), (4, 16)))
    overlaps = intersections_over_unions(label_lesions(regions)[0], label_lesions(lesions)[0], (2, 2)).toarray()
    np.testing.assert_allclose(overlaps, [[3 / 10, 0], [6 / 16, 2 / 12]])
    assert found(regions, lesions) == (2, 2, 2, 0)


def test_a_path_of_overlaps_is_matched_from_end_to_end() -> None:
    """Five regions and five lesions, each lapping over the next: all are found, whatever the order of pairing."""
    regions = np.zeros((1, 2, 60), bool)
    lesions = regions.copy()
    for index in range(5):
        regions[0, index % 2, 10 * index : 10 * index + 8] = True
        lesions[0, :, 10 * index + 6 : 10 * index + 9] = True
    detection = Detection.of(regions, lesions)
    assert (detection.predicted, detection.reference, detection.found["any"]) == (5, 5, 5)


def test_overlaps_by_hand() -> None:
    regions = np.array([[[1, 1, 0, 2, 2, 2]]], np.int32)
    lesions = np.array([[[0, 1, 1, 1, 2, 0]]], np.int32)
    overlaps = intersections_over_unions(regions, lesions, (2, 3)).toarray()
    np.testing.assert_allclose(overlaps, [[1 / 4, 0, 0], [1 / 5, 1 / 3, 0]])


def most_pairs(overlaps: np.ndarray, above: float) -> int:
    """The largest one-to-one matching, by trying every order."""
    if overlaps.shape[0] > overlaps.shape[1]:
        overlaps = overlaps.T
    rows, columns = overlaps.shape
    return max(
        sum(overlaps[row, column] > above for row, column in enumerate(order))
        for order in itertools.permutations(range(columns), rows)
    )


@quick
@given(arrays(bool, (1, 3, 4)), arrays(bool, (1, 3, 4)))
def test_pairs_against_the_definition(prediction: np.ndarray, reference: np.ndarray) -> None:
    regions, predicted = label_lesions(prediction)
    lesions, known = label_lesions(reference)
    overlaps = np.zeros((predicted, known))
    for region, lesion in np.ndindex(predicted, known):
        one, other = regions == region + 1, lesions == lesion + 1
        overlaps[region, lesion] = (one & other).sum() / (one | other).sum()
    detection = Detection.of(prediction, reference)
    assert (detection.predicted, detection.reference) == (predicted, known)
    assert detection.found == {"any": most_pairs(overlaps, 0), "half": most_pairs(overlaps, 0.5)}


@quick
@given(arrays(bool, (2, 5, 6)), arrays(bool, (2, 5, 6)))
def test_finds_are_bounded_and_symmetric(prediction: np.ndarray, reference: np.ndarray) -> None:
    detection = Detection.of(prediction, reference)
    assert 0 <= detection.found["half"] <= detection.found["any"] <= min(detection.reference, detection.predicted)
    turned = Detection.of(reference, prediction)
    assert turned.found == detection.found
    assert (turned.reference, turned.predicted) == (detection.predicted, detection.reference)
    itself = Detection.of(reference, reference)
    assert itself.found == {"any": itself.reference, "half": itself.reference}
