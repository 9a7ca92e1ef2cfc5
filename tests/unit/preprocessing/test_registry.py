"""Each kind of preprocessed data is made by the function of its name."""

import numpy as np
import pytest
from small_exams import exam

from hepaflow.preprocessing.lesion_slices import lesion_slices
from hepaflow.preprocessing.liver_slices import liver_slices
from hepaflow.preprocessing.registry import AROUND_A_REGION, PREPROCESSING
from hepaflow.preprocessing.resampled import resampled_exam, resampled_voi
from hepaflow.preprocessing.slices import SliceStack
from hepaflow.preprocessing.voi_slices import voi_slices
from hepaflow.settings.contrast import ContrastSettings, LesionSlicesSettings, VoiSlicesSettings
from hepaflow.settings.preprocessing import Preprocessing, PreprocessSettings
from hepaflow.settings.resampled import ResampledSettings, ResampledVoiSettings
from hepaflow.settings.slices import LiverSlicesSettings, WindowSettings

LIVER = LiverSlicesSettings(window=WindowSettings(low=-100, high=150), size=32)
LESION = LesionSlicesSettings(window=WindowSettings(), size=40, contrast=ContrastSettings(tiles=4))
VOI = VoiSlicesSettings(window=WindowSettings(), size=40, margin=0.1)
WHOLE = ResampledSettings(window=WindowSettings(), spacing=(4, 2, 2))
PART = ResampledVoiSettings(window=WindowSettings(), spacing=(4, 2, 2), margin=5)
SPACING = (5.0, 0.8, 0.8)


def same(one: SliceStack, other: SliceStack) -> None:
    np.testing.assert_array_equal(one.image, other.image)
    assert (one.mask is None) == (other.mask is None)
    if one.mask is not None:
        np.testing.assert_array_equal(one.mask, other.mask)
    assert (one.box, one.shape, one.grid) == (other.box, other.shape, other.grid)


def test_every_kind_is_tested_here() -> None:
    assert set(PREPROCESSING) == {LIVER.kind, LESION.kind, VOI.kind, WHOLE.kind, PART.kind}
    assert {LESION.kind, VOI.kind, PART.kind} == AROUND_A_REGION


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("threads", [1, 3])
def test_the_tables_entries_are_the_functions(known: bool, threads: int) -> None:
    hu, labels = exam()
    liver = labels >= 1
    reference = liver if known else None
    lesion = labels == 2 if known else None
    same(PREPROCESSING["liver_slices"](hu, None, reference, LIVER, threads), liver_slices(hu, reference, LIVER))
    made = PREPROCESSING["lesion_slices"](hu, liver, lesion, LESION, threads)
    same(made, lesion_slices(hu, liver, lesion, LESION))
    assert made.image.shape[1:] == (40, 40)
    same(PREPROCESSING["voi_slices"](hu, liver, lesion, VOI, threads), voi_slices(hu, liver, lesion, VOI))
    made = PREPROCESSING["resampled"](hu, None, reference, WHOLE, threads, spacing=SPACING)
    same(made, resampled_exam(hu, reference, WHOLE, SPACING))
    made = PREPROCESSING["resampled_voi"](hu, liver, lesion, PART, threads, spacing=SPACING)
    same(made, resampled_voi(hu, liver, lesion, PART, SPACING))


@pytest.mark.parametrize("how", [LESION, VOI, PART])
def test_slices_of_a_volume_of_interest_need_a_region(how: Preprocessing) -> None:
    hu, labels = exam()
    with pytest.raises(ValueError, match="around a region"):
        PREPROCESSING[how.kind](hu, None, labels == 2, how, 1)


@pytest.mark.parametrize("how", [LESION, VOI])
def test_a_region_without_a_voxel_has_no_slices(how: Preprocessing) -> None:
    hu, labels = exam()
    made = PREPROCESSING[how.kind](hu, np.zeros(hu.shape, bool), labels == 2, how, 1)
    assert made.box is None
    assert made.image.shape == made.mask.shape == (0, 40, 40)


@pytest.mark.parametrize("how", [LIVER, LESION, VOI, WHOLE, PART])
def test_settings_are_read_by_their_kind(how: Preprocessing) -> None:
    settings = PreprocessSettings(preprocessing=how, structure="liver")
    assert PreprocessSettings.model_validate_json(settings.canonical()) == settings
