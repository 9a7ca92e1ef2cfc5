"""Augmentations: what each does to image and mask, and that all is drawn from seed, epoch and number alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter
from unit.training.test_trainer import write_exams

from hepaflow.sampling.batches import EpochBatches
from hepaflow.sampling.slices import SliceDataset
from hepaflow.settings.augmentation import Augmentation
from hepaflow.training.augmentations import AUGMENTATIONS, augmented
from hepaflow.training.augmented import AugmentedSlices, BatchesOfEpoch

CHOICES: TypeAdapter[Augmentation] = TypeAdapter(Augmentation)
SIZE = 24
EVERY = (
    {"kind": "flip", "direction": "horizontal"},
    {"kind": "flip", "direction": "vertical"},
    {"kind": "rotate", "degrees": (-30, 30)},
    {"kind": "scale", "factors": (0.8, 1.25)},
    {"kind": "brightness", "factors": (0.75, 1.25)},
    {"kind": "noise", "standard_deviation": (0.01, 0.1)},
)


def chosen(probability: float = 1.0, **given: Any) -> Augmentation:
    return CHOICES.validate_python({"probability": probability, **given})


def pair(seed: int = 0, size: int = SIZE) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    draw = np.random.default_rng(seed)
    return draw.random((size, size), np.float32), draw.random((size, size)) > 0.5


def changed(
    image: Any, mask: Any, *choices: Augmentation, seed: int = 1, epoch: int = 0, number: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    return augmented(image, mask, choices, seed=seed, epoch=epoch, number=number)


# What each does.


@pytest.mark.parametrize(("direction", "mirrored"), [("horizontal", np.fliplr), ("vertical", np.flipud)])
def test_flip(direction: str, mirrored: Any) -> None:
    image, mask = pair()
    found = changed(image, mask, chosen(kind="flip", direction=direction))
    assert np.array_equal(found[0], mirrored(image))
    assert np.array_equal(found[1], mirrored(mask))


@pytest.mark.parametrize(("degrees", "quarters"), [(90, 1), (-90, 3), (180, 2), (0, 0)])
@pytest.mark.parametrize("size", [SIZE, SIZE + 1])
def test_rotate_by_quarters_counterclockwise(degrees: int, quarters: int, size: int) -> None:
    image, mask = pair(size=size)
    found = changed(image, mask, chosen(kind="rotate", degrees=(degrees, degrees)))
    np.testing.assert_allclose(found[0], np.rot90(image, quarters), atol=1e-5)
    assert np.array_equal(found[1], np.rot90(mask, quarters))


def test_scale_enlarges_about_the_centre() -> None:
    image, mask = np.zeros((SIZE, SIZE), np.float32), np.zeros((SIZE, SIZE), bool)
    image[9:15, 10:14], mask[9:15, 10:14] = 1, True
    larger, larger_mask = changed(image, mask, chosen(kind="scale", factors=(2, 2)))
    assert np.argwhere(larger_mask).min(0).tolist() == [6, 8]
    assert np.argwhere(larger_mask).max(0).tolist() == [17, 15]
    assert np.array_equal(larger > 0.5, larger_mask)
    smaller, smaller_mask = changed(image + 1, np.ones_like(mask), chosen(kind="scale", factors=(0.5, 0.5)))
    assert smaller_mask.sum() == (SIZE / 2) ** 2
    assert not smaller[0].any()  # beyond the edge it is dark


@pytest.mark.parametrize("kind", ["rotate", "scale"])
def test_image_and_mask_are_moved_alike(kind: str) -> None:
    ranges = {"rotate": {"degrees": (-60, 60)}, "scale": {"factors": (0.6, 1.6)}}[kind]
    rows, columns = np.indices((64, 64))
    mask = (rows - 26) ** 2 + (columns - 36) ** 2 < 13**2
    apart = []
    for number in range(10):
        image, moved = changed(mask.astype(np.float32), mask, chosen(kind=kind, **ranges), number=number)
        assert moved.dtype == bool
        assert image.dtype == np.float32
        assert np.mean((image > 0.5) != moved) < 0.01
        apart.append(np.mean(mask != moved))
    assert max(apart) > 0.02


def test_brightness_is_one_factor_within_the_window() -> None:
    image, mask = pair()
    found, same = changed(image, mask, chosen(kind="brightness", factors=(1.5, 1.5)))
    np.testing.assert_allclose(found, np.minimum(1.5 * image, 1), rtol=1e-6)
    assert np.array_equal(same, mask)
    factors = [
        float(
            changed(image, mask, chosen(kind="brightness", factors=(0.5, 0.9)), number=number)[0][3, 3]
            / image[3, 3]
        )
        for number in range(200)
    ]
    assert 0.5 <= min(factors) < 0.52
    assert 0.88 < max(factors) <= 0.9 + 1e-6


def test_noise_has_the_deviation_and_stays_within_the_window() -> None:
    image = np.full((200, 200), 0.5, np.float32)
    mask = np.zeros((200, 200), bool)
    found, same = changed(image, mask, chosen(kind="noise", standard_deviation=(0.05, 0.05)))
    assert found.dtype == np.float32
    assert np.std(found) == pytest.approx(0.05, rel=0.02)
    assert np.mean(found) == pytest.approx(0.5, abs=0.002)
    assert same is mask
    strong, _ = changed(image, mask, chosen(kind="noise", standard_deviation=(1, 1)))
    assert (strong.min(), strong.max()) == (0, 1)


@pytest.mark.parametrize("given", EVERY, ids=lambda given: "-".join(map(str, given.values()))[:20])
def test_every_kind_keeps_shapes_types_range_and_its_input(given: dict[str, Any]) -> None:
    image, mask = pair()
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
    assert given["kind"] in AUGMENTATIONS


def test_all_kinds_are_tried() -> None:
    assert {str(given["kind"]) for given in EVERY} == set(AUGMENTATIONS)


# What is drawn.


def test_the_probability_is_that_of_a_change() -> None:
    image, mask = pair()
    flip = chosen(0.3, kind="flip", direction="horizontal")
    hit = [changed(image, mask, flip, number=number)[0] is not image for number in range(2000)]
    assert np.mean(hit) == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize("other", [{"seed": 2}, {"epoch": 1}, {"number": 1}])
def test_another_seed_epoch_or_number_draws_another(other: dict[str, int]) -> None:
    image, mask = pair()
    noise = chosen(kind="noise", standard_deviation=(0.1, 0.1))
    assert np.array_equal(changed(image, mask, noise)[0], changed(image, mask, noise)[0])
    assert not np.array_equal(changed(image, mask, noise)[0], changed(image, mask, noise, **other)[0])


def test_a_change_that_is_added_at_the_end_leaves_the_draws_of_the_others() -> None:
    image, mask = pair()
    first, last = chosen(kind="brightness", factors=(0.5, 1)), chosen(kind="flip", direction="vertical")
    for number in range(5):
        alone, _ = changed(image, mask, first, number=number)
        both, _ = changed(image, mask, first, last, number=number)
        assert np.array_equal(both, np.flipud(alone))


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


def test_a_device_without_a_share_has_no_slices(slices: SliceDataset) -> None:
    assert loaded(slices, 0, [], *EVERY) == []


def test_batches_tell_the_epoch_in_which_a_pass_began() -> None:
    order = EpochBatches(range(9), 4, seed=1)
    batches = BatchesOfEpoch(order)
    order.epoch, order.done = 2, 1
    found = list(batches)
    assert len(batches) == len(found) == 1
    assert found == [(2, numbers) for numbers in order]
