"""What headers tell of missing slices and of distances is passed on."""

import numpy as np
import pytest
from pydicom.dataset import Dataset

from hepaflow.dicom.completeness import what_disagrees, what_is_missing


def _headers(*numbers: int | None, **elements: object) -> list[Dataset]:
    headers = []
    for number in numbers:
        header = Dataset()
        if number is not None:
            header.InstanceNumber = number
        for name, value in elements.items():
            setattr(header, name, value)
        headers.append(header)
    return headers


@pytest.mark.parametrize(
    "numbers", [(1, 2, 3, 4), (4, 2, 1, 3), (0, 1, 2, 3), (7, 7, 7, 7), (None, None, None), (1, 2, None)]
)
def test_complete_numbers_and_none_at_all_tell_nothing(numbers: tuple[int | None, ...]) -> None:
    assert what_is_missing(_headers(*numbers)) == []


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ((2, 3, 4), "image numbers begin at 2 "),
        ((1, 2, 4, 5), "image numbers leave out 1 between 1 and 5 "),
        ((5, 3, 7), "image numbers begin at 3 and leave out 2 between 3 and 7 "),
    ],
)
def test_gaps_are_told(numbers: tuple[int, ...], told: str) -> None:
    (note,) = what_is_missing(_headers(*numbers))
    assert note.startswith(told)


def test_a_count_that_the_header_knows() -> None:
    assert what_is_missing(_headers(1, 2, 3, ImagesInAcquisition=3)) == []
    assert what_is_missing(_headers(1, 2, 3, ImagesInAcquisition=2)) == []
    (note,) = what_is_missing(_headers(1, 2, 3, ImagesInAcquisition=5))
    assert note.startswith("3 slices of the 5 ")


@pytest.mark.parametrize(
    ("elements", "told"),
    [
        ({}, ""),
        ({"SpacingBetweenSlices": 2.5, "SliceThickness": 5}, ""),
        ({"SpacingBetweenSlices": -2.5}, ""),
        ({"SpacingBetweenSlices": 0}, ""),
        ({"SpacingBetweenSlices": 5}, "2.5 mm apart by their positions, 5 mm by SpacingBetweenSlices"),
        ({"SliceThickness": 1.25}, ""),
        ({"SliceThickness": 1}, "slices of 1 mm that lie 2.5 mm apart"),
    ],
)
def test_distances_that_disagree_with_the_positions(elements: dict[str, float], told: str) -> None:
    notes = what_disagrees(_headers(1, 2, 3, 4, **elements), np.arange(4) * 2.5)
    assert [told in note for note in notes] == [True] * bool(told)


@pytest.mark.parametrize(("step", "told"), [(2.5, False), (-2.5, False), (5, True), (0, False)])
def test_locations_that_disagree_with_the_positions(step: float, told: bool) -> None:
    headers = _headers(1, 2, 3, 4)
    for index, header in enumerate(headers):
        header.SliceLocation = 100 + step * index
    assert bool(what_disagrees(headers, np.arange(4) * 2.5)) == told
