"""Patches: where they are drawn in training, and how windows are put together in prediction."""

import math
from collections.abc import Iterator
from itertools import chain, combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from hepaflow.masks.map import map_of
from hepaflow.networks.compute import make_fabric
from hepaflow.preprocessing.slices import FULL, SliceFile, SlicesInMemory, SliceStack
from hepaflow.sampling.patches import PatchDataset, SlidingPatches
from hepaflow.sampling.predictor import Predictor
from hepaflow.sampling.protocol import AGAIN
from hepaflow.sampling.slices import normalise
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.sampling import Patches
from hepaflow.volumes.box import Box

torch.set_num_threads(1)
CPU = ComputeSettings(accelerator="cpu", workers=0)


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(1)


def stack_of(shape: tuple[int, int, int], mask: np.ndarray | None = None) -> SliceStack:
    """An exam whose voxels differ; the structure is wherever they are odd, by default."""
    image = (np.arange(math.prod(shape)) + 1).astype(np.uint16).reshape(shape)
    return SliceStack(image, image % 2 == 1 if mask is None else mask, Box.whole(shape), shape)


def saved(folder: Path, *stacks: SliceStack) -> list[Path]:
    paths = [folder / f"{number}.safetensors" for number in range(len(stacks))]
    for path, one in zip(paths, stacks, strict=True):
        one.save(path)
    return paths


SIZE = (4, 5, 6)


def values_of(images: np.ndarray) -> np.ndarray:
    return np.rint(images * FULL).astype(int)


# Training.


def test_an_exam_has_the_fewest_patches_of_its_number_of_voxels(tmp_path: Path) -> None:
    empty = SliceStack(np.empty((0, 0, 0), np.uint16), np.empty((0, 0, 0), bool), None, (3, 3, 3))
    paths = saved(tmp_path, stack_of((4, 5, 6)), empty, stack_of((9, 10, 6)), stack_of((1, 1, 1)))
    dataset = PatchDataset(paths, SIZE, seed=0)
    assert len(dataset) == 1 + 0 + 5 + 1  # 540 voxels are 4.5 times 120
    assert dataset.exams_of(range(7)) == [0, 2, 2, 2, 2, 2, 3]
    assert dataset.exams_of(range(7, 14)) == [0, 2, 2, 2, 2, 2, 3]
    assert len(PatchDataset([], SIZE, seed=0)) == 0


def test_a_patch_is_a_part_of_its_exam_with_its_mask(tmp_path: Path) -> None:
    shape = (9, 10, 8)
    dataset = PatchDataset(saved(tmp_path, stack_of(shape)), SIZE, seed=0)
    images, masks = dataset.of_epoch(3, list(range(len(dataset))))
    assert images.shape == (6, 1, *SIZE)
    assert masks.shape == (6, *SIZE)
    values = values_of(images[:, 0])
    np.testing.assert_array_equal(masks, values % 2 == 1)
    whole = (np.arange(math.prod(shape)) + 1).reshape(shape)
    for one in values:
        first = np.unravel_index(one[0, 0, 0] - 1, shape)
        part = tuple(slice(start, start + side) for start, side in zip(first, SIZE, strict=True))
        np.testing.assert_array_equal(one, whole[part])


def test_places_follow_from_seed_epoch_and_number_alone(tmp_path: Path) -> None:
    paths = saved(tmp_path, stack_of((20, 20, 20)))
    number = [2, 2 + AGAIN]
    first = PatchDataset(paths, SIZE, seed=0).of_epoch(1, number)[0]
    np.testing.assert_array_equal(PatchDataset(paths, SIZE, seed=0).of_epoch(1, number)[0], first)
    assert (first[0] != first[1]).any()  # one that comes again in an epoch lies elsewhere
    alone = PatchDataset(paths, SIZE, seed=0).of_epoch(1, number[1:])[0]
    np.testing.assert_array_equal(alone[0], first[1])
    for seed, epoch in ((0, 2), (1, 1)):
        assert (PatchDataset(paths, SIZE, seed=seed).of_epoch(epoch, number)[0] != first).any()
    images, masks = PatchDataset(paths, SIZE, seed=0)[[2]]
    np.testing.assert_array_equal(images.numpy(), normalise(PatchDataset(paths, SIZE, 0).of_epoch(0, [2])[0]))
    assert masks.shape == images.shape


def test_places_are_everywhere(tmp_path: Path) -> None:
    shape = (6, 6, 8)
    dataset = PatchDataset(saved(tmp_path, stack_of(shape)), SIZE, seed=0)
    images, _ = dataset.of_epoch(0, [AGAIN * times for times in range(200)])
    firsts = {np.unravel_index(one[0, 0, 0, 0] - 1, shape) for one in values_of(images)}
    assert firsts == {(z, y, x) for z in range(3) for y in range(2) for x in range(3)}


def test_what_shows_the_structure_is_drawn_around_a_voxel_of_it(tmp_path: Path) -> None:
    shape = (30, 30, 30)
    mask = np.zeros(shape, bool)
    mask[3, 4, 29] = mask[15, 16, 17] = True  # at the end, where a patch's middle cannot be, and inside
    paths = saved(tmp_path, stack_of(shape, np.zeros(shape, bool)), stack_of(shape, mask))
    dataset = PatchDataset(paths, SIZE, seed=0)
    count = len(dataset)
    assert count == 2 * 225
    assert dataset.holds_structure().tolist() == [False] * 225 + [True] * 225
    assert dataset.showing([0, 224, 225, 449]) == [count + 225, count + 449]
    _, masks = dataset.of_epoch(0, dataset.showing(range(count)))
    assert (masks.sum(axis=(1, 2, 3)) == 1).all()
    where = {tuple(map(int, place)) for place in np.argwhere(masks)[:, 1:]}
    assert where == {(2, 2, 5), (2, 2, 3)}  # the middle, but for the column at the end
    plain = dataset.of_epoch(0, list(range(count)))[1]
    assert not plain[:225].any()
    assert 0 < plain.any(axis=(1, 2, 3)).sum() < 30


def test_whole_masks_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    mask_of = SliceFile.mask

    def noted(self: SliceFile, index: int | slice = slice(None)) -> np.ndarray:
        read.append(index)
        return mask_of(self, index)

    dataset = PatchDataset(saved(tmp_path, stack_of((8, 9, 10))), SIZE, seed=0)
    numbers = dataset.showing(range(len(dataset)))
    monkeypatch.setattr(SliceFile, "mask", noted)
    for epoch in range(3):
        dataset.of_epoch(epoch, numbers)
    assert read.count(slice(None)) == 1
    assert len([index for index in read if isinstance(index, int)]) == 3 * len(dataset)


def test_a_small_exam_is_in_the_middle_of_a_patch(tmp_path: Path) -> None:
    dataset = PatchDataset(saved(tmp_path, stack_of((3, 5, 2), np.ones((3, 5, 2), bool))), SIZE, seed=0)
    for numbers in ([0], dataset.showing([0])):
        images, masks = dataset.of_epoch(0, numbers)
        inside = np.zeros(SIZE, bool)
        inside[0:3, :, 2:4] = True
        np.testing.assert_array_equal(images[0, 0] > 0, inside)
        np.testing.assert_array_equal(masks[0], inside)


def test_a_device_without_a_patch_has_none(tmp_path: Path) -> None:
    images, masks = PatchDataset(saved(tmp_path, stack_of(SIZE)), SIZE, seed=0)[[]]
    assert images.shape == masks.shape == (0, 1, *SIZE)


# Prediction.


def exam(shape: tuple[int, int, int], seed: int = 0) -> SlicesInMemory:
    image = np.random.default_rng(seed).integers(0, FULL + 1, shape).astype(np.uint16)
    return SlicesInMemory(SliceStack(image, None, Box.whole(shape), shape))


def convolution() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv3d(4, 1, 3, padding=1))


def predictor(network: nn.Module, size: tuple[int, int, int], overlap: float = 0.5, **others: object) -> Predictor:
    chosen = Patches(kind="patches", size=size, overlap=overlap)
    return Predictor(network, chosen, make_fabric("fp32", CPU, threads=1), CPU, **others)  # type: ignore[arg-type]


def drawn(network: nn.Module, of: SlicesInMemory) -> Tensor:
    with torch.no_grad():
        logits: Tensor = network(normalise(of.image()[None, None]))
    return logits


@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_a_window_of_one_full_patch_is_the_network_itself(overlap: float) -> None:
    shape, network = (6, 8, 10), convolution()
    found = predictor(network, shape, overlap).map(exam(shape))
    expected = map_of(drawn(network, exam(shape))[0, 0].numpy())
    np.testing.assert_array_equal(found, expected)
    assert len(np.unique(found)) > 10


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.tuples(*[st.integers(1, 11)] * 3), st.sampled_from([0.0, 0.25, 0.5, 0.75]), st.integers(1, 5))
def test_windows_do_not_show_where_a_network_looks_at_each_voxel_alone(
    shape: tuple[int, int, int], overlap: float, at_once: int
) -> None:
    network = nn.Conv3d(1, 1, 1)
    nn.init.constant_(network.weight, 3.0)
    nn.init.constant_(network.bias, 0.1)
    drawing = predictor(network, (4, 5, 6), overlap)
    with torch.inference_mode():
        found = SlidingPatches((4, 5, 6), overlap).map(exam(shape), drawing, at_once)
    expected = map_of(drawn(network, exam(shape))[0, 0].numpy())
    assert np.abs(found.astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(found >= 128, expected >= 128)


def test_where_windows_overlap_their_middles_count_most() -> None:
    """A network that says yes in the first window and no in the second."""

    class FirstAlone(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.where(x.amax((1, 2, 3, 4), keepdim=True) > 0, -10.0, 10.0).expand(x.shape).clone()

    image = np.zeros((4, 4, 12), np.uint16)
    image[..., -1] = FULL
    of = SlicesInMemory(SliceStack(image, None, Box.whole(image.shape), image.shape))
    found = predictor(FirstAlone(), (4, 4, 8)).map(of)  # windows from 0 and from 4
    row = found[2, 2].astype(int)  # not at the edge, where all weights are the smallest that MONAI gives
    assert (np.diff(row) <= 0).all()
    assert row[3] == 255
    assert row[8] == 0
    assert 128 < row[5] < 255
    assert row[4] + row[7] == pytest.approx(255, abs=1)


def test_beyond_a_small_exam_is_the_windows_lower_end() -> None:
    seen: list[Tensor] = []

    class Seeing(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(x.clone())
            return x

    found = predictor(Seeing(), (4, 4, 6)).map(exam((3, 4, 2)))
    assert found.shape == (3, 4, 2)
    (window,) = seen
    inside = torch.zeros(4, 4, 6, dtype=torch.bool)
    inside[:3, :, 2:4] = True
    assert (window[0, 0][~inside] == -1).all()
    assert (window[0, 0][inside] > -1).all()


def test_flips_go_over_three_axes() -> None:
    shape, network, of = (4, 6, 8), convolution(), exam((4, 6, 8))
    x = normalise(of.image()[None, None])
    axes = (-1, -2, -3)
    ways = list(chain.from_iterable(combinations(axes, count) for count in range(4)))
    with torch.no_grad():
        probabilities = torch.stack([network(x.flip(way)).sigmoid().flip(way) for way in ways])
    assert len(ways) == 8
    found = predictor(network, shape, flips=("horizontal", "vertical", "axial")).map(of)
    expected = probabilities.mean(0)[0, 0].numpy() * 255
    assert np.abs(found - expected).max() <= 0.51
    assert (found != predictor(network, shape).map(of)).any()


def test_the_smallest_logit_above_zero_is_inside() -> None:
    class Barely(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.where(x > 0, 1e-12, -1e-12)

    of = exam((4, 4, 5))
    found = predictor(Barely(), (4, 4, 5)).map(of)
    np.testing.assert_array_equal(found >= 128, of.image() > 0.5)


def test_an_exam_without_a_voxel_has_an_empty_map(tmp_path: Path) -> None:
    SliceStack(np.empty((0, 0, 0), np.uint16), None, None, (3, 4, 5)).save(tmp_path / "none.safetensors")
    found = predictor(convolution(), (4, 4, 4)).map(SliceFile(tmp_path / "none.safetensors"))
    assert found.shape == (0, 0, 0)
    assert found.dtype == np.uint8
