"""Slices of the volume of interest as they are: cut out with a margin, windowed, resized, and nothing more."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from small_exams import HALF_A_STEP, exam, saved

from hepaflow.preprocessing.slices import FULL, SlicesInMemory
from hepaflow.preprocessing.voi import volume_of_interest
from hepaflow.preprocessing.voi_slices import voi_slices
from hepaflow.preprocessing.window import window
from hepaflow.settings.contrast import VoiSlicesSettings
from hepaflow.settings.slices import WindowSettings
from hepaflow.volumes.box import Box
from hepaflow.volumes.resize import resize_masks

WINDOW = WindowSettings(low=-100, high=150)


def liver_of(shape: tuple[int, int, int], *ranges: tuple[int, int]) -> NDArray[np.bool_]:
    liver = np.zeros(shape, bool)
    liver[tuple(slice(*ends) for ends in ranges)] = True
    return liver


def test_without_a_margin_and_resizing_slices_are_the_windowed_exam() -> None:
    hu = np.random.default_rng(0).integers(-300, 300, (6, 50, 60)).astype(np.int16)
    liver = liver_of(hu.shape, (1, 5), (4, 36), (10, 42))
    lesion = liver & (hu > 0)
    made = voi_slices(hu, liver, lesion, VoiSlicesSettings(window=WINDOW, size=32))
    assert made.box == Box((1, 5), (4, 36), (10, 42))
    expected = window(hu[1:5, 4:36, 10:42], WINDOW)
    assert np.abs(SlicesInMemory(made).image() - expected).max() <= HALF_A_STEP
    np.testing.assert_array_equal(made.mask, lesion[1:5, 4:36, 10:42])


def test_what_lies_around_the_liver_stays_as_it_is() -> None:
    """Lesion slices fill it with the liver's mean."""
    hu, labels = exam()
    liver = labels >= 1
    made = voi_slices(hu, liver, None, VoiSlicesSettings(window=WINDOW, size=32, margin=0.2))
    assert made.box is not None
    outside = hu.min()
    hu = np.where(liver, hu, outside).astype(hu.dtype)
    changed = voi_slices(hu, liver, None, VoiSlicesSettings(window=WINDOW, size=32, margin=0.2))
    assert (made.image != changed.image).any()
    assert made.mask is None


def test_the_livers_mask_is_stored_beside_the_image_if_it_is_asked_for(tmp_path: Path) -> None:
    hu, labels = exam()
    liver, lesion = labels >= 1, labels == 2
    plain = voi_slices(hu, liver, lesion, VoiSlicesSettings(window=WINDOW, size=40, margin=0.1))
    settings = VoiSlicesSettings(window=WINDOW, size=40, margin=0.1, with_region=True)
    made = voi_slices(hu, liver, lesion, settings)
    assert plain.region is None
    np.testing.assert_array_equal(made.image, plain.image)
    np.testing.assert_array_equal(made.region, resize_masks(made.box.crop(liver), (40, 40)))
    file, before = saved(tmp_path, made), saved(tmp_path, plain, "plain.safetensors")
    assert file.has_region
    assert file.sha256 != before.sha256
    np.testing.assert_array_equal(file.region(), made.region)
    np.testing.assert_array_equal(SlicesInMemory(made).region(slice(1, 2)), made.region[1:2])
    for one in (before, SlicesInMemory(plain)):
        assert not one.has_region
        with pytest.raises(ValueError, match="no mask of a region"):
            one.region()


@pytest.mark.parametrize("with_region", [None, True])
@pytest.mark.parametrize("with_mask", [False, True])
def test_an_exam_without_a_liver_has_no_slices(with_mask: bool, with_region: bool | None) -> None:
    hu, labels = exam()
    settings = VoiSlicesSettings(window=WINDOW, size=40, with_region=with_region)
    none = voi_slices(hu, np.zeros(hu.shape, bool), labels == 2 if with_mask else None, settings)
    assert (none.box, none.shape, none.image.shape) == (None, hu.shape, (0, 40, 40))
    assert (none.mask is not None, none.region is not None) == (with_mask, bool(with_region))
    for one in (none.mask, none.region):
        assert one is None or one.shape == (0, 40, 40)


@pytest.mark.parametrize(
    ("margin", "box"),
    [
        (0.0, ((4, 8), (20, 40), (30, 50))),
        (0.1, ((3, 9), (18, 42), (28, 52))),  # 0.4 slices are one, a tenth of 20 pixels are two
        (0.5, ((2, 10), (10, 50), (20, 60))),
        (1.0, ((0, 12), (0, 60), (10, 70))),
    ],
)
def test_a_margin_is_a_share_of_the_livers_extent(margin: float, box: tuple[tuple[int, int], ...]) -> None:
    liver = liver_of((12, 60, 80), (4, 8), (20, 40), (30, 50))
    assert volume_of_interest(liver, margin) == Box(*box)


def test_a_margin_ends_with_the_exam() -> None:
    liver = liver_of((5, 60, 60), (0, 5), (0, 20), (40, 60))
    assert volume_of_interest(liver, 0.25) == Box((0, 5), (0, 25), (35, 60))


def test_beyond_the_exam_is_the_windows_lower_end() -> None:
    """A square that is larger than a slice reaches over its edges, where CT values would read as 0 HU."""
    hu = np.full((2, 20, 60), 140, np.int16)
    made = voi_slices(hu, np.ones(hu.shape, bool), None, VoiSlicesSettings(window=WINDOW, size=64))
    assert made.box == Box((0, 2), (-20, 40), (0, 60))
    assert (made.image[:, :20] == 0).all()
    assert (made.image[:, 23:41] == round(240 / 250 * FULL)).all()


def test_a_reference_is_cut_and_resized_as_the_exam_is() -> None:
    hu = np.full((3, 80, 80), -50, np.int16)
    liver = liver_of(hu.shape, (0, 3), (8, 72), (8, 72))
    lesion = liver_of(hu.shape, (1, 2), (24, 40), (40, 72))
    made = voi_slices(np.where(lesion, 100, hu), liver, lesion, VoiSlicesSettings(window=WINDOW, size=32))
    expected = liver_of((3, 32, 32), (1, 2), (8, 16), (16, 32))
    np.testing.assert_array_equal(made.mask, expected)
    np.testing.assert_array_equal(SlicesInMemory(made).image() > 0.5, expected)
