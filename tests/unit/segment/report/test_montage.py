"""Pictures show what they are said to show."""

import io

import numpy as np
import pytest
from PIL import Image, ImageColor

from hepaflow.colours import LESION, LIVER
from hepaflow.segment.report.montage import body_box, lesion_box, picture, spread_slices, telling_slice, thumbnail
from hepaflow.volumes.box import Box


@pytest.mark.parametrize(
    ("first", "last", "count", "expected"),
    [(2, 4, 8, [2, 3, 4]), (0, 7, 4, [1, 3, 5, 7]), (10, 19, 2, [12, 17])],
)
def test_slices_are_spread_over_the_liver(first: int, last: int, count: int, expected: list[int]) -> None:
    labels = np.zeros((20, 2, 2), np.uint8)
    labels[first : last + 1, 0, 0] = 1
    assert spread_slices(labels, count) == expected


def test_without_a_liver_slices_are_spread_over_the_exam() -> None:
    assert spread_slices(np.zeros((6, 2, 2), np.uint8), 3) == [1, 3, 5]


@pytest.mark.parametrize(
    ("areas", "expected"),
    [({}, 3), ({1: {2: 1}, 4: {2: 5}}, 4), ({1: {2: 9}, 5: {2: 1, 6: 1}}, 1), ({5: {2: 1}, 3: {2: 9}}, 3)],
)
def test_the_slice_that_tells_most_has_most_lesion_or_else_most_liver(
    areas: dict[int, dict[int, int]], expected: int
) -> None:
    labels = np.zeros((6, 4, 4), np.uint8)
    for index, pixels in areas.items():
        labels[index].flat[: sum(pixels.values())] = 1
    assert telling_slice(labels) == expected
    labels[0, 3, 3] = 2
    assert telling_slice(labels) == 0


def test_a_thumbnail_is_small_and_shows_the_body_alone() -> None:
    hu = np.full((3, 40, 60), -1000)
    hu[1, 10:30, 20:50] = 0
    image = Image.open(io.BytesIO(thumbnail(hu, np.zeros(hu.shape, np.uint8), (2.0, 1.0))))
    assert image.size == (256, round(256 * 20 * 2 / 30))


def test_the_body_is_the_largest_thing_denser_than_air() -> None:
    hu = np.full((3, 20, 30), -1000)
    hu[1, 4:9, 6] = 0
    hu[2, 5, 7:21] = 0
    hu[:, 18, 3:19] = 0  # the table
    assert body_box(hu) == Box((0, 3), (4, 9), (6, 21))
    assert body_box(np.full((1, 20, 30), -1000)) == Box((0, 1), (0, 20), (0, 30))


def test_a_lesion_is_shown_in_a_square_of_millimetres() -> None:
    box = lesion_box(Box((3, 4), (50, 60), (100, 110)), (9, 200, 400), (2.0, 1.0))
    rows, columns = (stop - start for start, stop in (box.rows, box.columns))
    assert rows * 2.0 == columns * 1.0 == 20 + 2 * 20
    assert sum(box.rows) / 2 == 55
    assert lesion_box(Box((3, 4), (0, 1), (0, 1)), (9, 200, 400), (1.0, 1.0)).rows == (0, 21)


def test_a_picture_has_the_proportions_and_the_colours_of_its_slice() -> None:
    hu = np.full((40, 60), 240.0)
    hu[:, :20] = -160
    labels = np.zeros((40, 60), np.uint8)
    labels[10:30, 25:55] = 1
    labels[15:25, 40:50] = 2
    shown = Image.open(io.BytesIO(picture(hu, labels, (2.0, 1.0), 240))).convert("RGB")
    assert shown.size == (240, 320)
    assert max(shown.getpixel((20, 160))) < 12
    assert min(shown.getpixel((85, 20))) > 243
    for column, colour in ((100, LIVER), (160, LESION)):  # at the left side of either, and some pixels inside
        np.testing.assert_allclose(shown.getpixel((column + 1, 160)), ImageColor.getrgb(colour), atol=45)
        inside = 255 * 0.82 + 0.18 * np.array(ImageColor.getrgb(colour))
        np.testing.assert_allclose(shown.getpixel((column + 20, 160)), inside, atol=12)
