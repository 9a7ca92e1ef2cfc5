"""Augmentations: what each does to image and mask, and that all is drawn from seed, epoch and number alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter
from unit.training.test_trainer import write_exams

from hepaflow.sampling.batches import EpochBatches
from hepaflow.sampling.slices import SliceDataset
from hepaflow.settings.augmentation import Augmentation
from hepaflow.training.augmentations import AUGMENTATIONS, augmented
from hepaflow.training.augmentations import MOVING as OF_PLACES
from hepaflow.training.augmented import AGAIN, AugmentedSlices, BatchesOfEpoch

CHOICES: TypeAdapter[Augmentation] = TypeAdapter(Augmentation)
SIZE = 24
EVERY: tuple[dict[str, Any], ...] = (
    {"kind": "flip", "direction": "horizontal"},
    {"kind": "flip", "direction": "vertical"},
    {"kind": "rotate", "degrees": (-30, 30)},
    {"kind": "scale", "factors": (0.8, 1.25)},
    {"kind": "spatial", "degrees": (-30, 30), "factors": (0.8, 1.25)},
    {"kind": "spatial", "crop": (0.6, 0.9), "shift": (-0.1, 0.1), "elastic": {"displacement": (0.02, 0.1)}},
    {"kind": "brightness", "factors": (0.75, 1.25)},
    {"kind": "contrast", "factors": (0.5, 0.9)},
    {"kind": "contrast", "factors": (1.1, 1.5), "keep_range": True},
    {"kind": "gamma", "exponents": (0.5, 2)},
    {"kind": "gamma", "exponents": (0.5, 2), "inverted": True, "keep_statistics": True},
    {"kind": "noise", "standard_deviation": (0.01, 0.1)},
    {"kind": "blur", "sigma": (0.5, 2)},
    {"kind": "low_resolution", "factors": (0.3, 0.9)},
    {"kind": "cut_out", "sides": (0.1, 0.5), "count": 2},
)
AXIAL: dict[str, Any] = {"kind": "flip", "direction": "axial"}
"""Of patches alone, which have slices."""
MOVING = tuple(given for given in EVERY if given["kind"] in ("flip", "rotate", "scale", "spatial"))
COLOURING = tuple(given for given in EVERY if given not in MOVING)
NOTHING: tuple[dict[str, Any], ...] = (
    {"kind": "rotate", "degrees": (0, 0)},
    {"kind": "scale", "factors": (1, 1)},
    {"kind": "spatial", "crop": (1, 1), "degrees": (0, 0), "factors": (1, 1), "shift": (0, 0)},
    {"kind": "spatial", "elastic": {"displacement": (0, 0)}},
    {"kind": "brightness", "factors": (1, 1)},
    {"kind": "contrast", "factors": (1, 1)},
    {"kind": "gamma", "exponents": (1, 1)},
    {"kind": "gamma", "exponents": (1, 1), "inverted": True, "keep_statistics": True},
    {"kind": "noise", "standard_deviation": (0, 0)},
    {"kind": "blur", "sigma": (0, 0)},
    {"kind": "low_resolution", "factors": (1, 1)},
)
"""Values at which a change leaves what it gets."""


def named(given: dict[str, Any]) -> str:
    return "-".join(map(str, given.values()))[:30]


def chosen(probability: float = 1.0, **given: Any) -> Augmentation:
    return CHOICES.validate_python({"probability": probability, **given})


def pair(seed: int = 0, size: int = SIZE, channels: int = 1) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    draw = np.random.default_rng(seed)
    return draw.random((channels, size, size), np.float32), draw.random((size, size)) > 0.5


def changed(
    image: Any, mask: Any, *choices: Augmentation, seed: int = 1, epoch: int = 0, number: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    return augmented(image, mask, choices, seed=seed, epoch=epoch, number=number)


# What all have in common.


def test_all_kinds_are_tried() -> None:
    assert {str(given["kind"]) for given in EVERY} == set(AUGMENTATIONS)
    assert {str(given["kind"]) for given in NOTHING} == set(AUGMENTATIONS) - {"flip", "cut_out"}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("given", EVERY, ids=named)
def test_every_kind_keeps_shapes_types_range_and_its_input(given: dict[str, Any], channels: int) -> None:
    image, mask = pair(channels=channels)
    before = image.copy(), mask.copy()
    for number in range(5):
        found, drawn = changed(image, mask, chosen(**given), number=number)
        assert (found.shape, found.dtype) == (image.shape, image.dtype)
        assert (drawn.shape, drawn.dtype) == (mask.shape, mask.dtype)
        assert found.min() >= 0
        assert found.max() <= 1
        assert not np.array_equal(found, image)
    assert np.array_equal(image, before[0])
    assert np.array_equal(mask, before[1])


@pytest.mark.parametrize("given", NOTHING, ids=named)
def test_values_that_change_nothing_give_the_slice_back(given: dict[str, Any]) -> None:
    image, mask = pair(channels=2)
    found, same = changed(image, mask, chosen(**given))
    np.testing.assert_allclose(found, image, atol=1e-5)
    assert np.array_equal(same, mask)


@pytest.mark.parametrize("given", EVERY, ids=named)
def test_every_kind_takes_mirrored_slices(given: dict[str, Any]) -> None:
    """Which are views, with steps below zero."""
    image, mask = pair(channels=2)
    flips = [chosen(kind="flip", direction=direction) for direction in ("horizontal", "vertical")]
    mirrored = np.ascontiguousarray(image[:, ::-1, ::-1]), np.ascontiguousarray(mask[::-1, ::-1])
    view, of_mask = changed(image, mask, *flips)
    assert np.array_equal(view, mirrored[0])
    for found, expected in zip(
        changed(view, of_mask, chosen(**given)), changed(*mirrored, chosen(**given)), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-6)  # sums in another order


@pytest.mark.parametrize("given", COLOURING, ids=named)
def test_a_change_of_intensities_leaves_the_mask(given: dict[str, Any]) -> None:
    image, mask = pair(channels=2)
    assert changed(image, mask, chosen(**given))[1] is mask


@pytest.mark.parametrize("given", MOVING, ids=named)
def test_channels_are_moved_as_one_would_be(given: dict[str, Any]) -> None:
    image, mask = pair(channels=3)
    found, moved = changed(image, mask, chosen(**given))
    for channel, one in enumerate(image):
        alone, same = changed(one[np.newaxis], mask, chosen(**given))
        assert np.array_equal(found[channel], alone[0])
        assert np.array_equal(moved, same)


@pytest.mark.parametrize("given", [one for one in COLOURING if one["kind"] != "noise"], ids=named)
def test_channels_that_are_equal_stay_so(given: dict[str, Any]) -> None:
    image, mask = pair()
    found, _ = changed(np.repeat(image, 3, axis=0), mask, chosen(**given))
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


@pytest.mark.parametrize("given", MOVING, ids=named)
def test_image_and_mask_are_moved_alike(given: dict[str, Any]) -> None:
    rows, columns = np.indices((64, 64))
    mask = (rows - 26) ** 2 + (columns - 36) ** 2 < 13**2
    apart = []
    for number in range(10):
        image, moved = changed(mask[np.newaxis].astype(np.float32), mask, chosen(**given), number=number)
        assert np.mean((image[0] > 0.5) != moved) < 0.01
        apart.append(np.mean(mask != moved))
    assert max(apart) > 0.02


@pytest.mark.parametrize("given", EVERY, ids=named)
def test_a_channel_that_is_a_mask_is_moved_and_keeps_its_values(given: dict[str, Any]) -> None:
    image, mask = pair(channels=2)
    image[1] = mask
    found, moved = augmented(image, mask, [chosen(**given)], regions=1, seed=1, epoch=0, number=0)
    alone, _ = changed(image[:1], mask, chosen(**given))
    np.testing.assert_allclose(found[:1], alone, atol=1e-6)
    if given in COLOURING:
        np.testing.assert_array_equal(found[1], mask)
    else:
        assert np.mean((found[1] > 0.5) != moved) < 0.2  # interpolated in one way or another
        assert not np.array_equal(found[1], mask)


def test_what_moves_pixels_is_known_by_name() -> None:
    assert {given["kind"] for given in (*MOVING, *COLOURING)} == set(AUGMENTATIONS)
    assert {given["kind"] for given in MOVING} == OF_PLACES


# Patches: their slices are moved all alike.


@pytest.mark.parametrize("given", [*EVERY, AXIAL], ids=named)
def test_every_kind_takes_patches(given: dict[str, Any]) -> None:
    draw = np.random.default_rng(0)
    image, mask = draw.random((2, 6, 16, 20), np.float32), draw.random((6, 16, 20)) > 0.5
    before = image.copy(), mask.copy()
    found, drawn = changed(image, mask, chosen(**given))
    assert (found.shape, found.dtype) == (image.shape, image.dtype)
    assert (drawn.shape, drawn.dtype) == (mask.shape, mask.dtype)
    assert 0 <= found.min() <= found.max() <= 1
    assert not np.array_equal(found, image)
    assert np.array_equal(image, before[0])
    assert np.array_equal(mask, before[1])


@pytest.mark.parametrize("given", [*MOVING, {"kind": "low_resolution", "factors": (0.3, 0.9)}], ids=named)
def test_slices_of_a_patch_are_moved_as_one_would_be(given: dict[str, Any]) -> None:
    draw = np.random.default_rng(0)
    image, mask = draw.random((1, 4, 16, 20), np.float32), draw.random((4, 16, 20)) > 0.5
    found, moved = changed(image, mask, chosen(**given))
    for number in range(4):
        alone, of_alone = changed(image[:, number], mask[number], chosen(**given))
        np.testing.assert_allclose(found[:, number], alone, atol=1e-6)
        np.testing.assert_array_equal(moved[number], of_alone)


def test_an_axial_flip_changes_the_order_of_slices() -> None:
    image, mask = np.random.default_rng(0).random((1, 3, 4, 4), np.float32), np.zeros((3, 4, 4), bool)
    mask[0] = True
    found, moved = changed(image, mask, chosen(**AXIAL))
    np.testing.assert_array_equal(found, image[:, ::-1])
    np.testing.assert_array_equal(moved, mask[::-1])


def test_blur_and_cut_out_of_a_patch_have_three_dimensions() -> None:
    image, mask = np.zeros((1, 9, 9, 9), np.float32), np.zeros((9, 9, 9), bool)
    image[0, 4, 4, 4] = 1
    smooth, _ = changed(image, mask, chosen(kind="blur", sigma=(1, 1)))
    beside = [smooth[0, 3, 4, 4], smooth[0, 4, 3, 4], smooth[0, 4, 4, 3]]
    assert beside == pytest.approx([beside[0]] * 3)
    assert beside[0] > 0
    ones = np.ones((1, 9, 9, 9), np.float32)
    ones[0, 0, 0, 0] = 0
    cut, _ = changed(ones, mask, chosen(kind="cut_out", sides=(0.5, 0.5)))
    gone = np.argwhere((cut[0] < 1) & (ones[0] == 1))
    assert (np.ptp(gone, axis=0) < 5).all()
    assert len(gone) in (63, 64)


# What each does.


@pytest.mark.parametrize(("direction", "axis"), [("horizontal", 1), ("vertical", 0)])
def test_flip(direction: str, axis: int) -> None:
    image, mask = pair(channels=2)
    found = changed(image, mask, chosen(kind="flip", direction=direction))
    assert np.array_equal(found[0], np.flip(image, axis + 1))
    assert np.array_equal(found[1], np.flip(mask, axis))


@pytest.mark.parametrize("kind", ["rotate", "spatial"])
@pytest.mark.parametrize(("degrees", "quarters"), [(90, 1), (-90, 3), (180, 2), (0, 0)])
@pytest.mark.parametrize("size", [SIZE, SIZE + 1])
def test_rotate_by_quarters_counterclockwise(kind: str, degrees: int, quarters: int, size: int) -> None:
    image, mask = pair(size=size)
    found = changed(image, mask, chosen(kind=kind, degrees=(degrees, degrees)))
    np.testing.assert_allclose(found[0], np.rot90(image, quarters, axes=(1, 2)), atol=1e-4)
    assert np.array_equal(found[1], np.rot90(mask, quarters))


@pytest.mark.parametrize("kind", ["scale", "spatial"])
def test_scale_enlarges_about_the_centre(kind: str) -> None:
    image, mask = np.zeros((1, SIZE, SIZE), np.float32), np.zeros((SIZE, SIZE), bool)
    image[0, 9:15, 10:14], mask[9:15, 10:14] = 1, True
    larger, larger_mask = changed(image, mask, chosen(kind=kind, factors=(2, 2)))
    assert np.argwhere(larger_mask).min(0).tolist() == [6, 8]
    assert np.argwhere(larger_mask).max(0).tolist() == [17, 15]
    assert np.array_equal(larger[0] > 0.5, larger_mask)
    smaller, smaller_mask = changed(image + 1, np.ones_like(mask), chosen(kind=kind, factors=(0.5, 0.5)))
    assert smaller_mask.sum() == (SIZE / 2) ** 2
    assert not smaller[0, 0].any()  # beyond the edge it is dark


def test_a_spatial_change_draws_its_ways_evenly_and_each_for_itself() -> None:
    """A bright pixel tells where it was brought."""
    side = 65
    image, mask = np.zeros((1, side, side), np.float32), np.zeros((side, side), bool)
    image[0, 32, 32] = 1
    shift = chosen(kind="spatial", shift=(-0.2, 0.4), part_probability=0.5)
    places = []
    for number in range(200):
        found, _ = changed(image, mask, shift, number=number)
        if found is not image:
            places.append([np.average(axis - 32, weights=found[0]) / side for axis in np.indices((side, side))])
    assert len(places) == pytest.approx(100, abs=25)
    assert np.min(places) == pytest.approx(-0.2, abs=0.02)
    assert np.max(places) == pytest.approx(0.4, abs=0.02)
    assert abs(np.corrcoef(np.transpose(places))[0, 1]) < 0.3


def test_a_part_lies_anywhere_within_the_slice() -> None:
    side = 32
    rows, columns = (np.indices((side, side)) + 0.5) / side
    image, whole = np.stack([rows, columns]).astype(np.float32), np.ones((side, side), bool)
    begins = []
    for number in range(100):
        found, mask = changed(image, whole, chosen(kind="spatial", crop=(0.5, 0.5)), number=number)
        assert mask.all()
        begins.append(found[:, 16, 16] - 0.5 * image[:, 16, 16])
    assert np.min(begins) == pytest.approx(0, abs=0.03)
    assert np.max(begins) == pytest.approx(0.5, abs=0.03)


def test_a_further_way_leaves_what_the_others_draw() -> None:
    image, mask = pair()
    turned = {"kind": "spatial", "degrees": (-40, 40)}
    more = {"crop": (1, 1), "factors": (1, 1), "shift": (0, 0), "elastic": {"displacement": (0, 0)}}
    for number in range(5):
        alone, _ = changed(image, mask, chosen(**turned), number=number)
        together, _ = changed(image, mask, chosen(**turned, **more), number=number)
        np.testing.assert_allclose(together, alone, atol=1e-5)


def test_elastic_displacements_are_another_at_every_place_and_as_large_as_was_drawn() -> None:
    side = 96
    rows, columns = (np.indices((side, side)) + 0.5) / side
    image, mask = np.stack([rows, columns]).astype(np.float32), np.ones((side, side), bool)
    found, _ = changed(image, mask, chosen(kind="spatial", elastic={"spacing": 0.2, "displacement": (0.08, 0.08)}))
    apart = (found - image)[:, 10:-10, 10:-10]
    assert 0.02 < np.abs(apart).max() <= 0.08
    assert np.all(apart.min((1, 2)) < -0.01)
    assert np.all(apart.max((1, 2)) > 0.01)
    assert np.abs(np.diff(apart, axis=1)).max() < 0.01  # smooth


def test_brightness_is_one_factor_within_the_window() -> None:
    image, mask = pair()
    found, _ = changed(image, mask, chosen(kind="brightness", factors=(1.5, 1.5)))
    np.testing.assert_allclose(found, np.minimum(1.5 * image, 1), rtol=1e-6)
    factors = [
        float(
            changed(image, mask, chosen(kind="brightness", factors=(0.5, 0.9)), number=number)[0][0, 3, 3]
            / image[0, 3, 3]
        )
        for number in range(200)
    ]
    assert 0.5 <= min(factors) < 0.52
    assert 0.88 < max(factors) <= 0.9 + 1e-6


def test_contrast_is_one_factor_about_the_mean() -> None:
    image, mask = pair(channels=2)
    image[1] /= 2  # one mean for all channels
    found, _ = changed(image, mask, chosen(kind="contrast", factors=(0.5, 0.5)))
    np.testing.assert_allclose(found, image.mean() + 0.5 * (image - image.mean()), atol=1e-6)
    more = image.mean() + 2 * (image - image.mean())
    found, _ = changed(image, mask, chosen(kind="contrast", factors=(2, 2)))
    np.testing.assert_allclose(found, np.clip(more, 0, 1), atol=1e-6)
    image = 0.3 + 0.4 * image
    found, _ = changed(image, mask, chosen(kind="contrast", factors=(2, 2), keep_range=True))
    assert (found.min(), found.max()) == (image.min(), image.max())


def test_gamma_is_a_power_of_pixels_or_of_their_distances_from_the_windows_end() -> None:
    image, mask = pair()
    found, _ = changed(image, mask, chosen(kind="gamma", exponents=(2, 2)))
    np.testing.assert_allclose(found, image**2, atol=1e-6)
    found, _ = changed(image, mask, chosen(kind="gamma", exponents=(2, 2), inverted=True))
    np.testing.assert_allclose(found, 1 - (1 - image) ** 2, atol=1e-6)


def test_gamma_can_keep_mean_and_deviation() -> None:
    image, mask = pair()
    image = 0.4 + 0.2 * image  # so that nothing leaves the window
    found, _ = changed(image, mask, chosen(kind="gamma", exponents=(2, 2), keep_statistics=True))
    assert found.mean() == pytest.approx(image.mean(), abs=1e-6)
    assert found.std() == pytest.approx(image.std(), rel=1e-5)
    assert np.abs(found - image).max() > 0.005
    flat = np.full_like(image, 0.5)
    found, _ = changed(flat, mask, chosen(kind="gamma", exponents=(2, 2), keep_statistics=True))
    np.testing.assert_allclose(found, 0.25)  # without a deviation there is none to keep


def test_noise_has_the_deviation_and_stays_within_the_window() -> None:
    image = np.full((2, 200, 200), 0.5, np.float32)
    mask = np.zeros((200, 200), bool)
    found, _ = changed(image, mask, chosen(kind="noise", standard_deviation=(0.05, 0.05)))
    assert np.std(found) == pytest.approx(0.05, rel=0.02)
    assert np.mean(found) == pytest.approx(0.5, abs=0.002)
    assert abs(np.corrcoef(found.reshape(2, -1))[0, 1]) < 0.03  # each channel has its own
    strong, _ = changed(image, mask, chosen(kind="noise", standard_deviation=(1, 1)))
    assert (strong.min(), strong.max()) == (0, 1)


def test_blur_spreads_a_pixel_by_its_deviation() -> None:
    image, mask = np.zeros((2, 41, 41), np.float32), np.zeros((41, 41), bool)
    image[0, 20, 20] = 1
    found, _ = changed(image, mask, chosen(kind="blur", sigma=(2, 2)))
    assert found[0].sum() == pytest.approx(1, abs=1e-5)
    for axis in np.indices((41, 41)):
        assert np.average((axis - 20) ** 2, weights=found[0]) == pytest.approx(4, rel=0.02)
    assert not found[1].any()  # channels are not mixed
    found, _ = changed(np.full_like(image, 0.7), mask, chosen(kind="blur", sigma=(2, 2)))
    np.testing.assert_allclose(found, 0.7, atol=1e-6)  # nor is the edge darkened


def test_low_resolution_takes_means_of_neighbouring_pixels() -> None:
    mask = np.zeros((SIZE, SIZE), bool)
    rows, columns = np.indices((SIZE, SIZE))
    board = ((rows + columns) % 2)[np.newaxis].astype(np.float32)
    found, _ = changed(board, mask, chosen(kind="low_resolution", factors=(0.5, 0.5)))
    np.testing.assert_allclose(found[:, 4:-4, 4:-4], 0.5, atol=1e-6)
    slope = (rows / SIZE)[np.newaxis].astype(np.float32)
    found, _ = changed(slope, mask, chosen(kind="low_resolution", factors=(0.5, 0.5)))
    np.testing.assert_allclose(found[:, 4:-4], slope[:, 4:-4], atol=1e-5)  # nothing is shifted


def test_cut_out_sets_a_rectangle_to_the_mean() -> None:
    image, mask = pair(channels=2)
    corners = []
    for number in range(60):
        found, _ = changed(image, mask, chosen(kind="cut_out", sides=(0.25, 0.25)), number=number)
        rows, columns = np.nonzero((found != image)[0])
        assert np.array_equal((found != image)[0], (found != image)[1])
        assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1) == 36
        assert np.all(found[:, rows, columns] == image.mean())
        corners.append((rows.min(), columns.min()))
    assert np.min(corners) == 0
    assert np.max(corners) == SIZE - 6
    found, _ = changed(image, mask, chosen(kind="cut_out", sides=(0, 0)))
    assert (found != image)[0].sum() == 1
    found, _ = changed(image, mask, chosen(kind="cut_out", sides=(1, 1)))
    assert np.all(found == image.mean())


# What is drawn.


def test_the_probability_is_that_of_a_change() -> None:
    image, mask = pair()
    flip = chosen(0.3, kind="flip", direction="horizontal")
    hit = [changed(image, mask, flip, number=number)[0] is not image for number in range(2000)]
    assert np.mean(hit) == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize("other", [{"seed": 2}, {"epoch": 1}, {"number": 1}], ids=["seed", "epoch", "number"])
@pytest.mark.parametrize("given", [one for one in EVERY if one["kind"] != "flip"], ids=named)
def test_another_seed_epoch_or_number_draws_another(given: dict[str, Any], other: dict[str, int]) -> None:
    image, mask = pair()
    change = chosen(**given)
    found, again = changed(image, mask, change), changed(image, mask, change)
    assert all(map(np.array_equal, found, again))
    assert not np.array_equal(found[0], changed(image, mask, change, **other)[0])


def test_a_change_that_is_added_at_the_end_leaves_the_draws_of_the_others() -> None:
    image, mask = pair()
    first, last = chosen(kind="brightness", factors=(0.5, 1)), chosen(kind="flip", direction="vertical")
    for number in range(5):
        alone, _ = changed(image, mask, first, number=number)
        both, _ = changed(image, mask, first, last, number=number)
        assert np.array_equal(both, np.flip(alone, 1))


def test_two_of_a_kind_draw_each_for_itself() -> None:
    image, mask = pair()
    flip = chosen(0.5, kind="flip", direction="vertical")
    hit = {
        tuple(
            np.array_equal(changed(image, mask, *some, number=number)[0], image) for some in ([flip], [flip, flip])
        )
        for number in range(40)
    }
    assert len(hit) == 4  # the second flips, or not, whatever the first does


# As slices are loaded.


@pytest.fixture
def slices(tmp_path: Path) -> SliceDataset:
    return SliceDataset(write_exams(tmp_path / "slices", 4, 3, 2))


def loaded(slices: SliceDataset, epoch: int, numbers: list[int], *given: dict[str, Any]) -> list[NDArray[Any]]:
    images, masks = AugmentedSlices(slices, [chosen(0.7, **one) for one in given], 1)[epoch, numbers]
    assert images.shape == masks.shape == (len(numbers), 1, 32, 32)
    return [np.concatenate(both) for both in zip(images.numpy(), masks.numpy(), strict=True)]


def test_a_slice_does_not_depend_on_those_beside_it(slices: SliceDataset) -> None:
    """So devices, which share a mini-batch out, train on what one would."""
    together = loaded(slices, 3, [5, 0, 8, 2], *EVERY)
    apart = [*loaded(slices, 3, [5, 8], *EVERY), *loaded(slices, 3, [0, 2], *EVERY)]
    assert all(np.array_equal(together[place], one) for place, one in zip([0, 2, 1, 3], apart, strict=True))
    assert not np.array_equal(loaded(slices, 4, [5], *EVERY)[0], together[0])


def test_a_slice_that_no_change_meets_is_as_it_was(slices: SliceDataset) -> None:
    numbers = list(range(9))
    flip = {"kind": "flip", "direction": "horizontal"}
    before = [np.concatenate(both) for both in zip(*(part.numpy() for part in slices[numbers]), strict=True)]
    found = loaded(slices, 0, numbers, flip)
    met = [not np.array_equal(one, other) for one, other in zip(before, found, strict=True)]
    assert 0 < sum(met) < 9
    for one, other, hit in zip(before, found, met, strict=True):
        assert np.array_equal(np.flip(one, -1) if hit else one, other)


def test_a_slice_that_comes_again_is_changed_in_another_way(slices: SliceDataset) -> None:
    once, again, thrice = loaded(slices, 3, [5, 5 + AGAIN, 5 + 2 * AGAIN], *EVERY)
    assert np.array_equal(once, loaded(slices, 3, [5], *EVERY)[0])
    assert not np.array_equal(once, again)
    assert not np.array_equal(again, thrice)
    assert np.array_equal(again, loaded(slices, 3, [5 + AGAIN], *EVERY)[0])


def test_batches_count_how_often_a_slice_came_before() -> None:
    order = EpochBatches(range(3), 4, seed=1, batches=2)
    numbers = [number for _, batch in BatchesOfEpoch(order) for number in batch]
    assert sorted(numbers) == [0, 1, 2, AGAIN, 1 + AGAIN, 2 + AGAIN, *sorted(numbers)[6:]]
    assert [number % AGAIN for number in numbers] == [number for batch in order for number in batch]


def test_a_device_without_a_share_has_no_slices(slices: SliceDataset) -> None:
    assert loaded(slices, 0, [], *EVERY) == []


def test_slabs_are_changed_as_a_whole_and_have_one_mask(tmp_path: Path) -> None:
    slabs = SliceDataset(write_exams(tmp_path / "slices", 4, 3), 3)
    images, masks = AugmentedSlices(slabs, [chosen(**given) for given in EVERY], 1)[0, [2, 0]]
    assert images.shape == (2, 3, 32, 32)
    assert masks.shape == (2, 1, 32, 32)
    assert images.dtype == masks.dtype == torch.float32
    assert images.min() >= -1
    assert images.max() <= 1
    assert set(masks.unique().tolist()) <= {0, 1}


def test_batches_tell_the_epoch_in_which_a_pass_began() -> None:
    order = EpochBatches(range(9), 4, seed=1)
    batches = BatchesOfEpoch(order)
    order.epoch, order.done = 2, 1
    found = list(batches)
    assert len(batches) == len(found) == 1
    assert found == [(2, numbers) for numbers in order]
