"""Resampling: what is known in closed form stays what it is, whatever the grids."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hepaflow.volumes.axes import Axes, Axis, covering, own_grid, voxels_of
from hepaflow.volumes.resample import resampled, resampled_mask, weights

quick = settings(max_examples=60, deadline=None, derandomize=True)
STEPS = st.floats(0.25, 6)


def centres(axis: Axis) -> np.ndarray:
    """Where voxels lie: the exam's own are at 0.5, 1.5 and so on."""
    return axis.place[0] + (np.arange(axis.voxels) + 0.5) * axis.step


def grid_of(shape: tuple[int, int, int], steps: tuple[float, float, float]) -> Axes:
    slices, rows, columns = (covering((0, length), 1, step) for length, step in zip(shape, steps, strict=True))
    return slices, rows, columns


@quick
@given(st.integers(1, 40), STEPS, STEPS, st.booleans())
def test_a_constant_stays_one(length: int, own: float, other: float, smooth: bool) -> None:
    one, onto = (covering((0, length), 1, step) for step in (own, other))
    found = weights(one, onto, smooth=smooth) @ np.ones(one.voxels, np.float32)
    np.testing.assert_allclose(found, 1, atol=1e-6)


@quick
@given(st.integers(30, 80), STEPS, STEPS, st.booleans())
def test_a_ramp_stays_a_ramp_at_the_centres_of_voxels(length: int, own: float, other: float, smooth: bool) -> None:
    one, onto = (covering((0, length), 1, step) for step in (own, other))
    found = weights(one, onto, smooth=smooth) @ centres(one)
    sigma = math.sqrt(max((onto.step / one.step) ** 2 - 1, 0)) / 2.355 if smooth else 0
    reach = (math.ceil(4 * sigma) + 1) * one.step  # of what is smoothed, beyond which the ends count
    inside = (centres(onto) >= centres(one)[0] + reach) & (centres(onto) <= centres(one)[-1] - reach)
    np.testing.assert_allclose(found[inside], centres(onto)[inside], rtol=2e-6)


@quick
@given(st.integers(20, 60), STEPS, STEPS, st.booleans(), st.integers(0, 2**32 - 1))
def test_nothing_is_above_the_largest_or_below_the_smallest(
    length: int, own: float, other: float, smooth: bool, seed: int
) -> None:
    one, onto = (covering((0, length), 1, step) for step in (own, other))
    values = np.random.default_rng(seed).random(one.voxels)
    found = weights(one, onto, smooth=smooth) @ values
    assert values.min() - 1e-6 <= found.min() <= found.max() <= values.max() + 1e-6


def test_the_same_grid_gives_the_same_voxels() -> None:
    volume = np.random.default_rng(0).random((4, 5, 6)).astype(np.float32)
    for smooth in (True, False):
        found = np.stack(list(resampled(volume, own_grid(volume), own_grid(volume), smooth=smooth)))
        np.testing.assert_array_equal(found, volume)


def test_a_blob_stays_where_it_is() -> None:
    """Its centre of mass, in the exam: half a voxel, and the grids would not lie on each other."""
    own = own_grid(np.empty((40, 60, 50)))
    z, y, x = np.meshgrid(*(centres(axis) for axis in own), indexing="ij")
    blob = np.exp(-(((z - 18.3) / 5) ** 2 + ((y - 33.1) / 7) ** 2 + ((x - 22.6) / 6) ** 2)).astype(np.float32)
    for steps in ((2.0, 2.0, 2.0), (2.7, 1.3, 3.1), (0.6, 0.8, 1.0)):
        onto = grid_of(blob.shape, steps)
        found = np.stack(list(resampled(blob, own, onto, smooth=True)))
        assert found.shape == voxels_of(onto)
        where = np.meshgrid(*(centres(axis) for axis in onto), indexing="ij")
        middle = [float((found * one).sum() / found.sum()) for one in where]
        np.testing.assert_allclose(middle, (18.3, 33.1, 22.6), atol=0.02)


def test_what_is_too_fine_for_a_grid_is_smoothed_away() -> None:
    """A pattern of one voxel on, one off: every second voxel alone would be all on, or all off."""
    stripes = np.broadcast_to(np.arange(60) % 2, (2, 8, 60)).astype(np.float32)
    onto = grid_of(stripes.shape, (1.0, 1.0, 3.0))
    smooth, sharp = (
        np.stack(list(resampled(stripes, own_grid(stripes), onto, smooth=chosen))) for chosen in (True, False)
    )
    assert np.abs(smooth[..., 3:-3] - 0.5).max() < 0.06
    assert np.abs(sharp[..., 3:-3] - 0.5).min() > 0.4


def ellipsoid(shape: tuple[int, int, int], radii: tuple[float, float, float]) -> np.ndarray:
    z, y, x = np.ogrid[tuple(slice(length) for length in shape)]
    inside = [((one - (length - 1) / 2 - 0.13) / radius) ** 2
              for one, length, radius in zip((z, y, x), shape, radii, strict=True)]  # fmt: skip
    return sum(inside) <= 1


@pytest.mark.parametrize(
    "steps",
    [(2.0, 2.0, 2.0), (2.0, 1.0, 1.0), (1.0, 2.0, 2.0), (2.3, 3.7, 3.7), (0.5, 0.5, 0.5), (0.4, 1.9, 1.9)],
    ids=str,
)
def test_an_ellipsoid_keeps_its_volume_there_and_back(steps: tuple[float, float, float]) -> None:
    mask = ellipsoid((40, 100, 90), (15, 40, 35))
    own, onto = own_grid(mask), grid_of(mask.shape, steps)
    there = resampled_mask(mask, own, onto)
    back = resampled_mask(there, onto, own)
    assert there.shape == voxels_of(onto)
    assert there.sum() * math.prod(steps) == pytest.approx(mask.sum(), rel=0.01)
    assert back.sum() == pytest.approx(mask.sum(), rel=0.01)
    assert 2 * (mask & back).sum() / (mask.sum() + back.sum()) > 0.96


def test_of_voxels_that_are_half_inside_every_second_one_is() -> None:
    """Two slices, of which one is inside: between them, neither all nor nothing is right."""
    mask = np.zeros((2, 6, 8), bool)
    mask[0] = True
    (found,) = resampled_mask(mask, own_grid(mask), grid_of(mask.shape, (2.0, 1.0, 1.0)))
    assert found.sum() == 24
    assert (found[:, 1:] != found[:, :-1]).all()
    assert (found[1:] != found[:-1]).all()


def test_slices_that_the_grid_does_not_reach_are_not_kept() -> None:
    """Of a long exam, around a liver: they are looked at one by one."""
    seen = []

    def slices():
        for number in range(30):
            seen.append(number)
            yield np.full((4, 4), number, np.float32)

    own = own_grid(np.empty((30, 4, 4)))
    onto = (Axis(2, (10, 14)), Axis(2, (0, 4)), Axis(1, (0, 4)))
    found = np.stack(list(resampled(slices(), own, onto, smooth=False)))
    assert found.shape == (2, 2, 1)
    np.testing.assert_allclose(found[:, 0, 0], [10.5, 12.5])
    assert seen == list(range(30))
