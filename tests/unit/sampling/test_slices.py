"""Mini-batches of slices: each slice once an epoch, in an order of its own, from memory-mapped files."""

import subprocess
import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_exams import stack
from torch.utils.data import DataLoader

import hepaflow
from hepaflow.preprocessing.slices import FULL, SliceFile, SlicesInMemory, SliceStack
from hepaflow.sampling.batches import EpochBatches
from hepaflow.sampling.registry import SAMPLINGS
from hepaflow.sampling.slices import SliceDataset, normalise
from hepaflow.settings.sampling import Slabs, Slices
from hepaflow.volumes.box import Box

torch.set_num_threads(1)
SIZE = 8


def write_exam(path: Path, slices: int, first: int, size: int = SIZE) -> Path:
    """Write an exam whose slices are numbered from `first`, by their stored pixels; odd ones have a full mask."""
    numbers = np.arange(first, first + slices)
    pixels = np.broadcast_to(numbers[:, None, None], (slices, size, size))
    shape = (slices, size, size)
    SliceStack(pixels.astype(np.uint16), pixels % 2 == 1, Box.whole(shape), shape).save(path)
    return path


def numbers_of(images: torch.Tensor) -> list[int]:
    """Read the numbers of slices off their pixels."""
    return [round(pixel) for pixel in ((images[:, 0, 0, 0].double() + 1) / 2 * FULL).tolist()]


@pytest.fixture
def exams(tmp_path: Path) -> list[Path]:
    """Write exams of 3, 0, 30 and 5 slices; the slices are numbered throughout."""
    paths, first = [], 0
    for name, slices in (("a", 3), ("b", 0), ("c", 30), ("d", 5)):
        paths.append(write_exam(tmp_path / f"{name}.safetensors", slices, first))
        first += slices
    return paths


# The data set.


def test_pixels_are_normalised_as_the_thesis_does() -> None:
    image = np.array([[[[0.0, 0.25], [0.5, 1.0]]]], np.float32)
    expected = (torch.tensor([[[[0.0, 0.25], [0.5, 1.0]]]]) - 0.5) / 0.5
    assert torch.equal(normalise(image.copy()), expected)
    assert expected.min() == -1
    assert expected.max() == 1


def test_every_slice_has_a_number(exams: list[Path]) -> None:
    dataset = SliceDataset(exams)
    assert len(dataset) == 38
    assert dataset.pixels == SIZE**2
    images, masks = dataset[range(38)]
    assert images.shape == masks.shape == (38, 1, SIZE, SIZE)
    assert images.dtype == masks.dtype == torch.float32
    assert numbers_of(images) == list(range(38))
    assert masks[:, 0, 0, 0].tolist() == [number % 2 for number in range(38)]


def test_slices_come_in_the_order_asked_for(exams: list[Path]) -> None:
    images, _ = SliceDataset(exams)[[37, 0, 3, 2, 37]]
    assert numbers_of(images) == [37, 0, 3, 2, 37]


def test_slices_know_their_exam(exams: list[Path]) -> None:
    assert SliceDataset(exams).exams_of(range(38)) == [0] * 3 + [2] * 30 + [3] * 5


def test_slices_tell_whether_their_masks_hold_the_structure(tmp_path: Path, exams: list[Path]) -> None:
    assert SliceDataset(exams).holds_structure().tolist() == [number % 2 == 1 for number in range(38)]
    mask = np.zeros((3, SIZE, SIZE), bool)
    mask[1, -1, -1] = True  # a single pixel is enough
    SliceStack(mask.astype(np.uint16), mask, Box.whole(mask.shape), mask.shape).save(tmp_path / "x.safetensors")
    assert SliceDataset([tmp_path / "x.safetensors"]).holds_structure().tolist() == [False, True, False]


def test_no_exams_are_no_slices() -> None:
    assert len(SliceDataset([])) == SliceDataset([]).pixels == 0
    assert SliceDataset([]).holds_structure().shape == (0,)


def test_exams_without_a_reference_are_refused(tmp_path: Path) -> None:
    shape = (2, SIZE, SIZE)
    path = tmp_path / "new.safetensors"
    SliceStack(np.zeros(shape, np.uint16), None, Box.whole(shape), shape).save(path)
    with pytest.raises(ValueError, match="no reference"):
        SliceDataset([path])[[0]]


# Slabs.


def middles(images: torch.Tensor) -> list[list[int]]:
    """Read the numbers of slices off every channel."""
    return [numbers_of(channel[:, None]) for channel in images.unbind(1)]


@pytest.mark.parametrize("slab", [1, 3, 5])
def test_a_slice_lies_in_the_middle_of_its_slab(exams: list[Path], slab: int) -> None:
    images, masks = SliceDataset(exams, slab)[range(38)]
    assert images.shape == (38, slab, SIZE, SIZE)
    assert middles(images)[slab // 2] == list(range(38))
    torch.testing.assert_close(masks, SliceDataset(exams)[range(38)][1], rtol=0, atol=0)


def test_a_slab_ends_with_its_exam(exams: list[Path]) -> None:
    """The exams hold slices 0 to 2, 3 to 32 and 33 to 37."""
    images, _ = SliceDataset(exams, 5)[[0, 2, 3, 20, 37]]
    assert list(zip(*middles(images), strict=True)) == [
        (0, 0, 0, 1, 2),
        (0, 1, 2, 2, 2),
        (3, 3, 3, 4, 5),
        (18, 19, 20, 21, 22),
        (35, 36, 37, 37, 37),
    ]


def test_slabs_of_one_slice_are_slices(exams: list[Path]) -> None:
    numbers = [37, 0, 3, 2, 20]
    for one, other in zip(SliceDataset(exams, 1)[numbers], SliceDataset(exams)[numbers], strict=True):
        assert torch.equal(one, other)
    exam = SliceFile(exams[2])
    for (where, one), (same, other) in zip(
        SAMPLINGS["slabs"](Slabs(kind="slabs", slices=1)).pieces(exam, 7),
        SAMPLINGS["slices"](Slices()).pieces(exam, 7),
        strict=True,
    ):
        assert where == same
        assert torch.equal(one, other)


@settings(deadline=None, max_examples=30, derandomize=True)
@given(slices=st.integers(1, 9), slab=st.sampled_from([1, 3, 5]), at_once=st.integers(1, 10))
def test_slabs_do_not_depend_on_the_batch_they_come_in(slices: int, slab: int, at_once: int) -> None:
    exam = SlicesInMemory(stack(slices))
    sampling = SAMPLINGS["slabs"](Slabs.model_validate({"kind": "slabs", "slices": slab}))
    together = torch.cat([piece for _, piece in sampling.pieces(exam, at_once)])
    alone = torch.cat([piece for _, piece in sampling.pieces(exam, 1)])
    assert torch.equal(together, alone)
    assert together.shape == (slices, slab, exam.size, exam.size)


# The order.


def flat(batches: list[list[int]]) -> list[int]:
    return list(chain.from_iterable(batches))


def epoch_of(batches: EpochBatches, epoch: int) -> list[list[int]]:
    batches.epoch = epoch
    return list(batches)


def test_an_epoch_is_every_slice_once_in_batches_of_32() -> None:
    indices = range(100, 200)
    batches = EpochBatches(indices, 32, seed=1)
    drawn = epoch_of(batches, 0)
    assert [len(batch) for batch in drawn] == [32, 32, 32, 4]
    assert len(batches) == 4
    assert sorted(flat(drawn)) == list(indices)


def test_the_order_is_another_every_epoch() -> None:
    batches = EpochBatches(range(100), 32, seed=1)
    orders = {tuple(flat(epoch_of(batches, epoch))) for epoch in range(20)}
    assert len(orders) == 20
    assert tuple(range(100)) not in orders


def test_an_epochs_order_depends_on_seed_and_epoch_alone() -> None:
    went_through = EpochBatches(range(100), 32, seed=1)
    for epoch in range(7):
        epoch_of(went_through, epoch)
    torch.manual_seed(99)
    np.random.seed(99)
    assert epoch_of(went_through, 7) == epoch_of(EpochBatches(range(100), 32, seed=1), 7)
    assert epoch_of(went_through, 7) != epoch_of(EpochBatches(range(100), 32, seed=2), 7)


def test_slices_are_mixed_over_exams() -> None:
    """The first batch of an epoch is a random subset: on average the mean of all numbers."""
    batches = EpochBatches(range(1000), 32, seed=1)
    means = [np.mean(epoch_of(batches, epoch)[0]) for epoch in range(50)]
    assert np.mean(means) == pytest.approx(499.5, abs=4 * 288.7 / np.sqrt(32 * 50))


@pytest.mark.parametrize(
    ("slices", "sizes"), [(2, [2]), (31, [31]), (32, [32]), (33, [33]), (34, [32, 2]), (65, [32, 33])]
)
def test_a_single_slice_left_over_joins_the_last_batch(slices: int, sizes: list[int]) -> None:
    batches = EpochBatches(range(slices), 32, seed=1)
    assert [len(batch) for batch in epoch_of(batches, 0)] == sizes
    assert len(batches) == len(sizes)


def test_an_epoch_goes_on_after_the_batches_that_are_done() -> None:
    batches = EpochBatches(range(100), 8, seed=1)
    whole = list(batches)
    assert whole == epoch_of(EpochBatches(range(100), 8, seed=1), 0)  # the first one, if none is named
    for done in (0, 1, 5, 12, 13):
        batches.done = done
        assert list(batches) == whole[done:]
        assert len(batches) == 13 - done


def test_without_shuffling_the_order_stays() -> None:
    batches = EpochBatches(range(50), 32, seed=1, shuffle=False)
    assert flat(epoch_of(batches, 3)) == list(range(50))


@settings(deadline=None, max_examples=50)
@given(
    slices=st.integers(2, 300),
    batch_size=st.integers(8, 64),
    world=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
    epoch=st.integers(0, 300),
)
def test_devices_share_every_batch(slices: int, batch_size: int, world: int, seed: int, epoch: int) -> None:
    whole = epoch_of(EpochBatches(range(slices), batch_size, seed), epoch)
    shares = [
        epoch_of(EpochBatches(range(slices), batch_size, seed, rank=rank, world=world), epoch)
        for rank in range(world)
    ]
    assert sorted(flat(whole)) == list(range(slices))
    assert {len(share) for share in shares} == {len(whole)}, "a device would wait for the others for ever"
    for batch, parts in zip(whole, zip(*shares, strict=True), strict=True):  # the batches are those of one device
        assert sorted(flat(list(parts))) == sorted(batch)
        assert [batch[rank::world] for rank in range(world)] == list(parts)
        sizes = [len(part) for part in parts]
        assert max(sizes) - min(sizes) <= 1


def test_a_device_without_a_share_gets_a_batch_of_no_slices(exams: list[Path]) -> None:
    assert epoch_of(EpochBatches([5], 32, seed=1, rank=1, world=2, shuffle=False), 0) == [[]]
    assert epoch_of(EpochBatches([5], 32, seed=1, rank=0, world=2, shuffle=False), 0) == [[5]]
    images, masks = SliceDataset(exams)[[]]
    assert images.shape == masks.shape == (0, 1, SIZE, SIZE)
    assert images.dtype == masks.dtype == torch.float32


# Both together, as training loads them.


def loaded(exams: Sequence[Path], workers: int, epochs: int) -> list[list[list[int]]]:
    batches = EpochBatches(range(38), 8, seed=1)
    loader = DataLoader(
        SliceDataset(exams),
        sampler=batches,
        batch_size=None,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    found = []
    for epoch in range(epochs):
        batches.epoch = epoch
        found.append([numbers_of(images) for images, _ in loader])
    return found


@pytest.mark.parametrize("workers", [0, 2])
def test_loading_processes_do_not_change_what_is_loaded(exams: list[Path], workers: int) -> None:
    found = loaded(exams, workers, epochs=3)
    sampler = EpochBatches(range(38), 8, seed=1)
    assert found == [epoch_of(sampler, epoch) for epoch in range(3)]
    for epoch in found:
        assert sorted(flat(epoch)) == list(range(38))


MEASURE = """
import sys
from pathlib import Path

import torch

from hepaflow.sampling.slices import SliceDataset

torch.set_num_threads(1)


def held():
    # Memory of this process alone; pages of mapped files belong to the system, which takes them back at need.
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Anonymous:", "Shared_Dirty:")))


paths = sorted(Path(sys.argv[1]).iterdir())
for count in (2, 4, 64):
    dataset = SliceDataset(paths[:count])
    read = 0
    for first in range(0, len(dataset), 32):
        images, masks = dataset[range(first, min(first + 32, len(dataset)))]
        read += images.numel() * 3
    print(count, read, held())
"""


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="measures memory as Linux reports it")
def test_memory_does_not_grow_with_the_number_of_exams(tmp_path: Path) -> None:
    for number in range(64):
        write_exam(tmp_path / f"{number:02}.safetensors", 16, 16 * number, size=256)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) > 200e6
    root = str(Path(hepaflow.__file__).parents[1])
    try:
        told = subprocess.run(
            [sys.executable, "-c", MEASURE, str(tmp_path)],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            # Every array of its own, given back at once: what an allocator keeps for later hides the rest.
            env={"PYTHONPATH": root, "OMP_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": "65536"},
        ).stdout
    finally:
        for path in tmp_path.iterdir():
            path.unlink()
    _, few, many = ([int(number) for number in line.split()] for line in told.splitlines())
    assert many[1] > 200e6  # all of it was read
    assert many[2] - few[2] < 2_000, "KiB more for 64 exams than for 4"


def test_a_file_is_mapped_and_not_read(tmp_path: Path) -> None:
    path = write_exam(tmp_path / "a.safetensors", 40, 0, size=256)
    file = SliceFile(path)
    file.image(3)
    with open("/proc/self/maps", encoding="utf-8") as maps:
        assert any(str(path) in line for line in maps)
