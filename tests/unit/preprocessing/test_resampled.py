"""Exams brought to a spacing, all of them or the part around the liver."""

from pathlib import Path

import numpy as np
import pytest
from small_exams import HALF_A_STEP, exam, saved

from hepaflow.errors import UserError
from hepaflow.preprocessing.resampled import resampled_exam, resampled_voi
from hepaflow.preprocessing.slices import FULL, SlicesInMemory
from hepaflow.preprocessing.window import window
from hepaflow.settings.resampled import ResampledSettings, ResampledVoiSettings
from hepaflow.settings.slices import WindowSettings
from hepaflow.volumes.axes import Axis
from hepaflow.volumes.box import Box

WINDOW = WindowSettings(low=-100, high=150)
OWN = (5.0, 0.8, 0.8)


def settings_of(*spacing: float) -> ResampledSettings:
    return ResampledSettings(window=WINDOW, spacing=spacing)


def test_at_its_own_spacing_an_exam_is_the_windowed_exam() -> None:
    hu, labels = exam()
    made = resampled_exam(hu, labels >= 1, settings_of(*OWN), OWN)
    assert np.abs(SlicesInMemory(made).image() - window(hu, WINDOW)).max() <= HALF_A_STEP
    np.testing.assert_array_equal(made.mask, labels >= 1)
    assert made.box == Box.whole(hu.shape)


def test_voxels_lie_as_far_apart_as_is_asked_for() -> None:
    hu, _ = exam((7, 48, 64))
    made = resampled_exam(hu, None, settings_of(4, 2, 3), OWN)
    assert made.mask is None
    assert made.image.dtype == np.uint16
    assert made.image.shape == (9, 20, 18)  # 35, 38.4 and 51.2 mm
    for axis, own, wanted in zip(made.grid, OWN, (4, 2, 3), strict=True):
        assert axis.step * own == pytest.approx(wanted)


def test_a_ramp_of_hu_is_one_in_millimetres() -> None:
    """At 1 HU a mm along columns, neighbours differ by the spacing."""
    hu = np.broadcast_to(np.arange(64) * 0.8 - 25, (4, 32, 64)).astype(np.float32)
    made = resampled_exam(hu, None, settings_of(5, 3, 3), OWN)
    values = made.image[1, 4].astype(float) / FULL * 250 - 100
    np.testing.assert_allclose(np.diff(values[4:-4]), 3, atol=0.01)
    centres = made.grid[2].place[0] + (np.arange(made.voxels[2]) + 0.5) * made.grid[2].step
    np.testing.assert_allclose(values[4:-4], ((centres - 0.5) * 0.8 - 25)[4:-4], atol=0.01)


def test_around_the_liver_is_its_box_with_a_margin_in_millimetres() -> None:
    hu = np.random.default_rng(0).integers(-300, 300, (20, 60, 80)).astype(np.int16)
    liver = np.zeros(hu.shape, bool)
    liver[6:12, 20:40, 2:30] = True
    made = resampled_voi(
        hu, liver, liver, ResampledVoiSettings(window=WINDOW, spacing=(5, 0.8, 0.8), margin=8), OWN
    )
    assert made.box == Box((4, 14), (10, 50), (0, 40))  # 1.6 slices are two, and no column is left of the first
    assert made.shape == (20, 60, 80)
    assert made.grid == tuple(Axis(stop - start, (start, stop)) for start, stop in made.box.ranges)
    cut = window(made.box.crop(hu), WINDOW)
    assert np.abs(SlicesInMemory(made).image() - cut).max() <= HALF_A_STEP
    np.testing.assert_array_equal(made.mask, made.box.crop(liver))


def test_a_grid_that_reaches_beyond_the_box_shows_what_is_there() -> None:
    hu = np.full((20, 60, 80), -90, np.int16)
    hu[:, :, 41:] = 150
    liver = np.zeros(hu.shape, bool)
    liver[6:12, 20:40, 10:41] = True  # 24.8 mm along columns, for which 25 are taken
    made = resampled_voi(hu, liver, None, ResampledVoiSettings(window=WINDOW, spacing=(5, 5, 5)), OWN)
    assert made.voxels[2] == 5
    assert made.image[..., -1].min() > made.image[..., 0].max()


def test_the_livers_mask_is_stored_beside_the_image_if_it_is_asked_for(tmp_path: Path) -> None:
    hu, labels = exam()
    plain = ResampledVoiSettings(window=WINDOW, spacing=(4, 2, 2), margin=4)
    made = resampled_voi(hu, labels >= 1, labels == 2, plain.model_copy(update={"with_region": True}), OWN)
    assert resampled_voi(hu, labels >= 1, labels == 2, plain, OWN).region is None
    # The mask of training, of the liver itself.
    np.testing.assert_array_equal(made.region, resampled_voi(hu, labels >= 1, labels >= 1, plain, OWN).mask)
    np.testing.assert_array_equal(saved(tmp_path, made).region(), made.region)


def test_an_exam_without_a_liver_has_no_voxel(tmp_path: Path) -> None:
    hu, labels = exam()
    settings = ResampledVoiSettings(window=WINDOW, spacing=(5, 4, 4))
    made = resampled_voi(hu, np.zeros(hu.shape, bool), labels == 2, settings, OWN)
    assert made.box is None
    file = saved(tmp_path, made)
    assert (file.voxels, file.box, file.grid) == ((0, 0, 0), None, None)
    assert file.image().shape == file.mask().shape == (0, 0, 0)


def test_without_a_spacing_that_can_be_trusted_there_is_nothing_to_go_by() -> None:
    hu, labels = exam()
    with pytest.raises(UserError, match="no spacing that could be trusted"):
        resampled_exam(hu, None, settings_of(5, 4, 4), None)
    settings = ResampledVoiSettings(window=WINDOW, spacing=(5, 4, 4))
    with pytest.raises(UserError, match="correct the header"):
        resampled_voi(hu, labels >= 1, None, settings, None)


def test_a_file_says_where_its_voxels_lie(tmp_path: Path) -> None:
    hu, labels = exam()
    made = resampled_exam(hu, labels >= 1, settings_of(4, 2, 3), OWN)
    file = saved(tmp_path, made)
    assert (file.grid, file.voxels, file.box, file.shape) == (made.grid, made.voxels, made.box, made.shape)
    assert len(file) == len(made.image)
    np.testing.assert_array_equal(file.mask(), made.mask)
    np.testing.assert_array_equal(file.image(slice(2, 4)), SlicesInMemory(made).image(slice(2, 4)))
