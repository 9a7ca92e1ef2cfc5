"""What a scanner makes of a patient: fields of view, blur, noise, streaks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from hepaflow.phantoms.trunk.draws import Draws
from hepaflow.phantoms.trunk.implants import Metal
from hepaflow.phantoms.trunk.layers import Layer
from hepaflow.phantoms.trunk.patient import Patient, draw_patient
from hepaflow.phantoms.trunk.scanner import (
    Acquisition,
    Shading,
    View,
    acquire,
    blur,
    breathe,
    draw_acquisition,
    smooth_noise,
)
from hepaflow.phantoms.trunk.shapes import Ellipsoid, Waves

VIEW = View((12, 40, 48), (5.0, 4.0, 4.0), (0.0, 0.0, 0.0))
PLAIN = Acquisition(
    slice_profile=0.0, kernel=0.0, noise=0.0, grain=0.5, starvation=0.0, motion=0.0, field=None, shading=None
)
WATER = torch.zeros(VIEW.shape)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def nobody() -> Patient:
    found = draw_patient(Draws(np.random.default_rng(0)))
    return replace(found, metal=[])


def test_nothing_is_added_to_a_perfect_image() -> None:
    image = torch.randn(VIEW.shape, generator=generator()) * 100

    assert torch.equal(acquire(image, nobody(), VIEW, PLAIN, generator()), image)


def test_values_stay_those_of_a_scanner() -> None:
    image = torch.linspace(-5000, 5000, 12)[:, None, None].expand(VIEW.shape)

    shown = acquire(image, nobody(), VIEW, PLAIN, generator())

    assert (shown.min().item(), shown.max().item()) == (-1024, 3071)


def test_noise_has_the_strength_that_was_drawn() -> None:
    shown = acquire(WATER, nobody(), VIEW, replace(PLAIN, noise=20.0, grain=3.0), generator())

    assert shown.std().item() == pytest.approx(20, rel=0.01)
    assert shown.mean().item() == pytest.approx(0, abs=1)
    beside = (shown[:, :, 1:] * shown[:, :, :-1]).mean() / shown.var()
    assert beside > 0.1  # neighbours in a slice are alike


def test_breath_moves_image_and_label_alike() -> None:
    label = torch.zeros(VIEW.shape, dtype=torch.uint8)
    label[:, 12:20] = 1
    image = label * 100.0 + torch.arange(12)[:, None, None]

    moved, marked = breathe(image, label, VIEW, replace(PLAIN, motion=12.0), generator())

    assert torch.equal(moved, marked * 100.0 + torch.arange(12)[:, None, None])  # slices keep their order
    first = marked[:, :, 0].argmax(1)
    assert (first.min(), first.max()) == (9, 15)  # 12 mm are three rows
    assert (marked[:, :, 0].sum(1) == 8).all()


def test_breath_repeats_rows_at_the_ends_and_nobody_breathes_without_motion() -> None:
    ramp = torch.arange(40.0)[None, :, None].expand(VIEW.shape)

    moved, _ = breathe(ramp, ramp, VIEW, replace(PLAIN, motion=12.0), generator())
    still, _ = breathe(ramp, ramp, VIEW, PLAIN, generator())

    assert (moved.diff(dim=1) >= 0).all()
    assert torch.equal(still, ramp)


@pytest.mark.parametrize(("thickness", "expected"), [(2.0, 0.0), (20.0, 0.9)])
def test_slices_that_lie_in_one_of_the_exam_have_its_noise(thickness: float, expected: float) -> None:
    taken = replace(PLAIN, slice_profile=thickness / 2.6, noise=20.0)

    shown = acquire(WATER, nobody(), VIEW, taken, generator())

    assert ((shown[1:] * shown[:-1]).mean() / shown.var()).item() == pytest.approx(expected, abs=0.05)


def test_outside_of_the_field_of_view_nothing_is_seen() -> None:
    shown = acquire(WATER, nobody(), VIEW, replace(PLAIN, field=50.0), generator())

    assert (shown == 0).float().mean().item() == pytest.approx(np.pi * 50**2 / (160 * 192), rel=0.05)
    assert set(shown.unique().tolist()) == {-1024.0, 0.0}


def test_streaks_start_from_metal_and_fade() -> None:
    metal = Metal(Layer(Ellipsoid((0, 0, 0), (5, 5, 5)), 3000.0), (0.0, 0.0, 0.0), 200.0)

    shown = acquire(WATER, replace(nobody(), metal=[metal]), VIEW, PLAIN, generator())

    spread = shown.std((1, 2))
    assert spread.argmax() in (5, 6)
    assert spread[0] < 0.3 * spread.max()
    assert shown[5, 15:25, 19:29].std() > 3 * shown[5, :, :8].std()


def test_a_band_is_darkest_in_its_middle_and_ends() -> None:
    even = Waves(((0.01, 0.0, 0.0),), (0.0,), 0.0)
    band = Shading(-30.0, (2.5, 18.0), 0.0, (20.0, 12.0), even)

    shown = acquire(WATER, nobody(), VIEW, replace(PLAIN, shading=band), generator())

    assert shown[6, 24].tolist() == pytest.approx([-30.0] * 48, abs=1e-3)  # 2.5 mm up, 18 mm to the back
    assert shown[6, 27, 0].item() == pytest.approx(-30 * np.exp(-0.5), abs=1e-3)  # 12 mm further
    assert shown[10, 24, 0].item() == pytest.approx(-30 * np.exp(-0.5), abs=1e-3)  # 20 mm further
    assert shown[6, 0].abs().max() < 0.01


def test_uneven_values_have_the_spread_that_was_drawn() -> None:
    draws = Draws(np.random.default_rng(0))
    waves = draws.waves(6, (40, 80), 7.0)

    shown = acquire(
        WATER,
        nobody(),
        VIEW,
        replace(PLAIN, shading=Shading(0.0, (0.0, 0.0), 0.0, (50.0, 20.0), waves)),
        generator(),
    )

    assert shown.std().item() == pytest.approx(7, rel=0.2)
    assert (shown[:, :, 1:] - shown[:, :, :-1]).abs().max() < 6  # it varies slowly


def test_a_blur_keeps_what_is_even_and_the_sum_far_from_borders() -> None:
    even = blur(torch.full((6, 8, 9), 7.0), [1.0, 2.0, 3.0])
    point = torch.zeros(21, 21, 21)
    point[10, 10, 10] = 1
    spread = blur(point, [1.0, 2.0, 1.5])
    places = torch.arange(21.0) - 10

    assert torch.allclose(even, torch.full_like(even, 7.0), atol=1e-4)
    assert spread.sum().item() == pytest.approx(1, abs=1e-3)
    deviations = [((spread.sum(others) * places**2).sum() ** 0.5).item() for others in ((1, 2), (0, 2), (0, 1))]
    assert deviations == pytest.approx([1.0, 2.0, 1.5], rel=0.02)


def test_smooth_noise_is_of_one_deviation() -> None:
    noise = smooth_noise((10, 30, 30), [1.0, 1.5, 1.5], generator())

    assert noise.std().item() == pytest.approx(1, abs=1e-4)


def test_exams_are_taken_in_many_ways() -> None:
    taken = [draw_acquisition(Draws(np.random.default_rng(seed))) for seed in range(100)]

    assert min(one.slice_profile for one in taken) < 0.4
    assert max(one.slice_profile for one in taken) > 2.6
    assert min(one.noise for one in taken) < 4
    assert 25 < max(one.noise for one in taken) <= 30
    assert 0 < sum(one.starvation > 0 for one in taken) < 30
    assert 0 < sum(one.motion > 0 for one in taken) < 30
    assert 20 < sum(one.shading is not None for one in taken) < 60
    assert min(one.shading.band for one in taken if one.shading) < -40


def test_contrast_is_asked_for_by_size_noise_grain_and_thickness() -> None:
    """The mean of a disc's grains of noise is five times less uncertain than its contrast."""
    taken = replace(PLAIN, slice_profile=3 / 2.6, noise=12.0, grain=0.8)
    assert taken.least_contrast(8.0, 0.75) == pytest.approx(5 * 12 * 2 * 0.8 / 8)
    assert taken.least_contrast(4.0, 0.75) == pytest.approx(2 * taken.least_contrast(8.0, 0.75))
    assert replace(taken, noise=24.0).least_contrast(8.0, 0.75) == pytest.approx(
        2 * taken.least_contrast(8.0, 0.75)
    )
    coarse = taken.least_contrast(8.0, 4.0)  # pixels are the grains where those are finer
    assert coarse == pytest.approx(5 * 12 / np.sqrt(np.pi * 8**2 / 4**2))
    thick = replace(taken, slice_profile=8 / 2.6)  # a ball of radius 3 is 4 mm thick on average
    assert thick.least_contrast(3.0, 0.75) == pytest.approx(2 * taken.least_contrast(3.0, 0.75))
    assert replace(taken, noise=0.0).least_contrast(1.0, 0.75) == 0


def test_streaks_ask_for_contrast_as_noise_does() -> None:
    taken = replace(PLAIN, slice_profile=1.0, noise=3.0, starvation=4.0, grain=0.8)
    assert taken.least_contrast(5.0, 0.75) == replace(taken, noise=5.0, starvation=0.0).least_contrast(5.0, 0.75)


def test_streaks_of_too_few_photons_run_across_the_body_and_fade() -> None:
    view = replace(VIEW, shape=(3, 120, 160), spacing=(2.0, 1.5, 1.5))
    image = torch.full(view.shape, -1000.0)
    image[:, 20:100, 30:130] = 50  # wide rows
    image[:, 100:110, 70:90] = 50  # narrow ones
    taken = replace(PLAIN, starvation=10.0)

    shown = acquire(image.clone(), nobody(), view, taken, generator()) - image

    wide, narrow = shown[:, 20:100, 30:130], shown[:, 100:110, 70:90]
    assert 7 < wide.std() < 13
    assert narrow.std() < 0.1 * wide.std()
    along, down = (wide.diff(dim=axis).std().item() for axis in (2, 1))
    assert along < 0.1 * down
    assert (
        wide[:, :, :10].mean(2).sub(wide[:, :, -10:].mean(2)).std() > 0.5 * wide.std()
    )  # another at the other end


def test_of_something_large_no_fainter_contrast_is_seen() -> None:
    taken = replace(PLAIN, slice_profile=1.0, noise=12.0, grain=0.8)
    assert taken.least_contrast(14.0, 0.75) == taken.least_contrast(60.0, 0.75)
    assert taken.least_contrast(60.0, 0.75) == pytest.approx(0.6 * 12, rel=0.01)


def test_a_disc_of_that_contrast_is_found_where_it_is() -> None:
    """The disc's mean lies so many standard deviations above that of discs of noise."""
    taken, view = (
        replace(PLAIN, noise=20.0, grain=1.0),
        replace(VIEW, shape=(1, 160, 160), spacing=(1.0, 1.0, 1.0)),
    )
    radius = 6.0
    noise = smooth_noise(view.shape, [0.3, 1.0, 1.0], generator(), view.device)[0].numpy() * taken.noise
    y, x = np.mgrid[-8:9, -8:9]
    disc = (np.hypot(y, x) <= radius).astype(float)
    means = ndimage.convolve(noise, disc / disc.sum(), mode="wrap")
    assert taken.least_contrast(radius, 1.0) / means.std() == pytest.approx(5, rel=0.2)
