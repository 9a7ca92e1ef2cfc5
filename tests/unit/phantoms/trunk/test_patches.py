"""Patches that are drawn for a single look: where they lie, and what is beyond their exam."""

import numpy as np
import pytest
import torch

from hepaflow.phantoms.trunk.draws import Draws
from hepaflow.phantoms.trunk.lesions import Wanted
from hepaflow.phantoms.trunk.patches import (
    AIR,
    Patch,
    _around,
    _exam,
    _moved,
    _noise_on_grid,
    _outside,
    _place,
    as_resampled,
    draw_patch,
)
from hepaflow.phantoms.trunk.scanner import Acquisition, View, smooth_noise
from hepaflow.volumes.axes import Axis
from hepaflow.volumes.resample import weights

ANYWHERE = Patch((12, 16, 16), (12.0, 14.0, 14.0), None)
AROUND = Patch((12, 16, 16), (6.0, 6.0, 6.0), 20.0, Wanted(3, (15, 30), 1.0))


def test_the_same_seed_gives_the_same_patch_and_another_seed_another() -> None:
    one, again, other = (draw_patch([seed, 3], AROUND, None) for seed in (1, 1, 2))
    assert torch.equal(one[0], again[0])
    assert torch.equal(one[1], again[1])
    assert not torch.equal(one[0], other[0])


@pytest.mark.parametrize("wanted", [ANYWHERE, AROUND])
def test_a_patch_has_the_values_of_a_scanner_and_of_labels(wanted: Patch) -> None:
    image, label = draw_patch([4], wanted, None)
    assert image.shape == label.shape == wanted.shape
    assert image.dtype == torch.float32
    assert float(image.min()) >= AIR
    assert float(image.max()) <= 3071
    assert set(label.unique().tolist()) <= {0, 1, 2}


@pytest.mark.parametrize("seed", range(6))
def test_a_patch_around_the_liver_shows_it(seed: int) -> None:
    _, label = draw_patch([seed], ANYWHERE, "liver")
    assert (label > 0).any()


def test_a_patch_around_a_lesion_shows_one_though_patients_have_none() -> None:
    """All but few: one that lies at the end of the exam, or beyond the field of view, can be cut off."""
    anywhere, around = (
        [bool((draw_patch([seed], AROUND, shown)[1] == 2).any()) for seed in range(20)]
        for shown in (None, "lesion")
    )
    assert not any(anywhere)
    assert sum(around) >= 18


def test_nothing_is_beyond_the_ends_of_an_exam() -> None:
    wide = Patch((40, 12, 12), (25.0, 60.0, 60.0), None)  # wider than any exam
    image, label = draw_patch([7], wide, None)
    outside = image == AIR
    for axis in range(3):
        ends = outside.movedim(axis, 0)[[0, -1]]
        assert ends.all(), axis
    assert not outside.all()
    assert not label[outside].any()


def test_nothing_is_labelled_beyond_the_field_of_view() -> None:
    near = Patch((6, 30, 30), (6.0, 12.0, 12.0), 60.0)
    cut = 0
    for seed in range(12):
        image, label = draw_patch([seed], near, "liver")
        assert not label[image == AIR].any()
        cut += bool(((image == AIR).all(0) & (image != AIR).any((0, 1))).any())
    assert cut


@pytest.mark.parametrize("spacing", [(2.5, 1.5, 1.5), (5.0, 4.0, 4.0)])
@pytest.mark.parametrize("grain", [0.3, 0.8, 1.6])
@pytest.mark.parametrize("thickness", [1.0, 5.0])
def test_noise_is_that_of_a_resampled_exam(
    spacing: tuple[float, float, float], grain: float, thickness: float
) -> None:
    side, pixel = 90.0, 0.75
    own = [round(side / step) for step in (thickness, pixel, pixel)]
    noise = smooth_noise((own[0], own[1], own[2]), [0, grain / pixel, grain / pixel], generator())
    for axis, (count, step) in enumerate(zip(own, spacing, strict=True)):
        onto = Axis(int(side / step), (0, side))
        matrix = weights(Axis(count, (0, side)), onto, smooth=True).toarray()
        noise = torch.tensordot(torch.tensor(matrix), noise, ([1], [axis])).movedim(0, axis)
    taken = Acquisition(thickness / 2.6, 0.0, 20.0, grain, 0.0, 0.0, None, None)

    shown = _noise_on_grid(taken, Patch((1, 1, 1), spacing, None))

    assert shown.noise == pytest.approx(20 * noise.std().item(), rel=0.25)
    again = smooth_noise((20, 60, 60), [0, shown.grain / spacing[1], shown.grain / spacing[2]], generator())
    assert _beside(again) == pytest.approx(_beside(noise), abs=0.15)


def _beside(noise: torch.Tensor) -> float:
    """Return the correlation of neighbours in rows."""
    return ((noise[..., 1:] * noise[..., :-1]).mean() / noise.var()).item()


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


BOX = np.array([[-30.0, 30.0], [-50.0, 50.0], [0.0, 10.0]])


def test_a_patch_lies_within_its_box_and_one_that_is_larger_around_its_middle() -> None:
    draws, sides = Draws(np.random.default_rng(0)), np.array([20.0, 40.0, 30.0])
    for _ in range(20):
        middle = _place(draws, BOX, sides, None)
        assert (np.abs(middle[:2] - BOX[:2].mean(1)) <= (np.ptp(BOX, axis=1) - sides)[:2] / 2).all()
        assert middle[2] == 5


def test_a_patch_lies_as_near_to_a_point_as_the_ends_allow() -> None:
    draws, sides = Draws(np.random.default_rng(0)), np.array([20.0, 40.0, 10.0])
    assert _place(draws, BOX, sides, np.array([3.0, -45.0, 9.0])).tolist() == [3, -30, 5]


def test_what_a_patch_shows_lies_anywhere_but_near_its_ends() -> None:
    one = Patch((14, 20, 20), (8.0, 8.0, 8.0), None, Wanted(1, (12, 20), 0.0))
    labels = [draw_patch([seed], one, "lesion")[1] == 2 for seed in range(12)]
    shown = [label.numpy() for label in labels if label.any()]
    middles = np.array([np.argwhere(label).mean(0) / (13, 19, 19) - 0.5 for label in shown])

    assert len(shown) >= 11  # now and then it lies outside the round field of view
    assert np.quantile(np.abs(middles), 0.95) < 0.4  # the others are in exams that end there
    assert (np.abs(middles).max(0) > 0.15).all()


def test_some_exams_are_as_thin_as_real_ones_and_some_are_long() -> None:
    draws = Draws(np.random.default_rng(0))
    heights = np.array([np.ptp(_exam(draws, 0.0).ends[0]) for _ in range(300)])

    assert heights.min() == 30
    assert 0.05 < (heights < 90).mean() < 0.2
    assert heights.max() > 700


def test_boxes_are_as_wrong_as_those_of_networks() -> None:
    draws, liver = Draws(np.random.default_rng(0)), torch.zeros(40, 40, 40, dtype=torch.bool)
    liver[15:25, 15:25, 15:25] = True  # from -50 to 50 mm
    ends = np.array([[-200.0, 200.0]] * 3)
    boxes = np.array([_around(draws, liver, 25.0, ends) for _ in range(500)])
    beyond = boxes * (-1, 1) - 75

    assert np.median(beyond) == pytest.approx(0, abs=1)
    assert 0.1 < (beyond.max((1, 2)) > 60).mean() < 0.2  # other organs, too
    assert 0.01 < (beyond.min((1, 2)) < -25).mean() < 0.06  # a part is missed
    assert np.abs(boxes).max() <= 200


def test_voxels_beyond_a_box_are_those_whose_centres_are() -> None:
    wanted = Patch((4, 2, 2), (10.0, 10.0, 10.0), None)
    box = np.array([[-10.0, 6.0], [-100.0, 100.0], [-100.0, 100.0]])
    outside = _outside(box, np.zeros(3), wanted)  # centres at -15, -5, 5, 15
    assert outside.all((1, 2)).tolist() == [True, False, False, True]
    assert outside.any((1, 2)).tolist() == [True, False, False, True]


@pytest.mark.parametrize("seed", range(40))
def test_blurring_white_leaves_white(seed: int) -> None:
    assert float(as_resampled(torch.ones(5, 9, 7), [seed]).max()) <= 1


def test_blurring_keeps_even_tissue_and_the_range() -> None:
    image = torch.zeros(6, 8, 8)
    image[:, :, 4:] = 1
    blurred = as_resampled(image, [1])
    assert float(blurred.min()) >= 0
    assert float(blurred.max()) <= 1  # else a power of what is left to 1 would not be a number
    assert torch.allclose(blurred[:, :, 0], image[:, :, 0], atol=1e-4)
    assert torch.equal(blurred, as_resampled(image, [1]))
    assert not torch.equal(blurred, as_resampled(image, [2]))


@pytest.mark.parametrize(
    ("spacing", "interpolated"), [((5, 4, 4), False), ((3, 2, 2), True), ((2.5, 1.5, 1.5), True)]
)
def test_distances_are_interpolated_in_fine_patches_alone(
    spacing: tuple[float, float, float], interpolated: bool
) -> None:
    view = View((4, 4, 4), (10, 10, 10), (0, 0, 0))
    assert _moved(view, np.zeros(3), Patch((4, 4, 4), spacing, None)).interpolated is interpolated
