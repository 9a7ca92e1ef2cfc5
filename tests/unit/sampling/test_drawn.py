"""Patches of phantoms that a training draws: by seed, epoch and number, and as data of exams would be."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from hepaflow.sampling.drawn import DrawnPatches
from hepaflow.sampling.protocol import AGAIN
from hepaflow.sampling.registry import DRAWN
from hepaflow.settings.drawn import DrawnTrunks
from hepaflow.settings.preprocessing import PreprocessSettings
from hepaflow.settings.resampled import ResampledSettings, ResampledVoiSettings
from hepaflow.settings.slices import LiverSlicesSettings, WindowSettings

WINDOW = WindowSettings(low=-200, high=300)
LIVER = PreprocessSettings(
    preprocessing=ResampledSettings(window=WINDOW, spacing=(14.0, 14.0, 14.0)), structure="liver"
)
LESION = PreprocessSettings(
    preprocessing=ResampledVoiSettings(window=WINDOW, spacing=(8.0, 7.0, 7.0), margin=10.0),
    structure="lesion",
    region="liver",
)
SIZE = (10, 16, 16)
TRUNK = DrawnTrunks(kind="trunk", lesion_radius=(12.0, 30.0), lesion_free=0.9)


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


def pieces(data: PreprocessSettings = LIVER, seed: int = 3) -> DrawnPatches:
    return DrawnPatches(TRUNK, data, SIZE, 6, seed)


def test_every_kind_is_tested_here() -> None:
    assert DRAWN.keys() == {TRUNK.kind}
    assert isinstance(DRAWN["trunk"](TRUNK, LIVER, SIZE, 6, 3), DrawnPatches)


def test_patches_are_those_of_seed_epoch_and_number_whoever_else_is_drawn() -> None:
    images, masks = pieces().of_epoch(2, [4, 1])
    assert images.shape == (2, 1, *SIZE)
    assert masks.shape == (2, *SIZE)
    assert (images.dtype, masks.dtype) == (np.float32, bool)
    again = pieces().of_epoch(2, [1])
    np.testing.assert_array_equal(images[1:], again[0])
    np.testing.assert_array_equal(masks[1:], again[1])
    for other in (pieces().of_epoch(3, [1]), pieces().of_epoch(2, [2]), pieces(seed=4).of_epoch(2, [1])):
        assert (other[0] != again[0]).any()
    assert (pieces().of_epoch(2, [1 + AGAIN])[0] != again[0]).any()


def test_threads_stay_as_they_were_and_change_nothing() -> None:
    one = pieces().of_epoch(0, [0])
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    np.testing.assert_array_equal(pieces().of_epoch(0, [0])[0], one[0])


def test_patches_have_the_range_of_windowed_data() -> None:
    images, _ = pieces().of_epoch(0, [0, 1, 2])
    assert images.min() >= 0
    assert images.max() <= 1


@pytest.mark.parametrize(("data", "least"), [(LIVER, 1), (LESION, 1)], ids=["liver", "lesion"])
def test_patches_that_are_to_show_the_structure_do(data: PreprocessSettings, least: int) -> None:
    drawn = pieces(data)
    chosen = drawn.showing([0, 3, 5])
    assert chosen == [6, 9, 11]
    assert (drawn.of_epoch(1, chosen)[1].sum((1, 2, 3)) >= least).all()


def test_a_lesion_mask_is_of_lesions_alone() -> None:
    liver = PreprocessSettings(preprocessing=LESION.preprocessing, structure="liver", region="liver")
    chosen = pieces(LESION).showing([0])
    lesions = pieces(LESION).of_epoch(0, [0])[1]
    assert pieces(liver).of_epoch(0, [0])[1].sum() > lesions.sum()
    assert 0 < pieces(LESION).of_epoch(0, chosen)[1].mean() < 0.9


def test_every_patch_is_an_exam_of_its_own_and_may_show_the_structure() -> None:
    drawn = pieces()
    assert len(drawn) == 6
    assert drawn.exams_of([0, 5, 6, 11]) == [0, 5, 0, 5]
    assert drawn.holds_structure().all()
    assert (drawn.channels, drawn.regions, drawn.pixels) == (1, 0, 2560)
    assert drawn.at_random


def test_a_mini_batch_is_normalised_like_others() -> None:
    images, masks = pieces()[[0, 1]]
    found = pieces().arrays([0, 1])
    assert torch.equal(images, torch.from_numpy(found[0]) * 2 - 1)
    assert torch.equal(masks[:, 0].bool(), torch.from_numpy(found[1]))


def test_data_that_no_patch_can_be_like_are_refused() -> None:
    slices = PreprocessSettings(
        preprocessing=LiverSlicesSettings(window=WINDOW, size=64), structure="liver", region=None
    )
    with pytest.raises(TypeError, match="cannot be drawn as liver_slices"):
        pieces(slices)
