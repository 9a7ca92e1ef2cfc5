"""A shuffled epoch of slices, beside a file a slice as the thesis has it, and HDF5."""

import os
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import torch

from benchmarks.scale import Scale
from benchmarks.side_by_side import Comparison, digits, in_turn, stopwatch, table
from hepaflow.networks.threads import one_thread
from hepaflow.preprocessing.slices import FULL, SliceStack
from hepaflow.sampling.slices import SliceDataset, normalise
from hepaflow.volumes.box import Box

SIDE = 128
SLICES = 24
BATCH = 32
INPUT: dict[str, Callable[[np.ndarray], torch.Tensor]] = {
    "image": lambda stored: normalise(stored.astype(np.float32) / np.float32(FULL)).unsqueeze_(1),
    "mask": lambda stored: torch.from_numpy(stored).float()[:, None],
}
"""What a network gets, made from what was stored; the same for all."""


def noise(folder: Path, exams: int, side: int) -> Iterator[tuple[Path, np.ndarray, np.ndarray]]:
    """Write exams of noise in our layout; yield each one's file, slices and masks."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    for exam in range(exams):
        image = rng.integers(0, FULL, (SLICES, side, side), np.uint16)
        mask = image > FULL // 2
        path = folder / f"{exam:04}.safetensors"
        SliceStack(image, mask, Box.whole(image.shape), image.shape).save(path)
        yield path, image, mask


def write_epoch(folder: Path, exams: int) -> list[Path]:
    """Write the same slices in three layouts; return the files of ours."""
    ours = []
    (folder / "slices").mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / "slices.h5", "w") as hdf:
        images = hdf.create_dataset("image", (exams * SLICES, SIDE, SIDE), "u2", chunks=(1, SIDE, SIDE))
        masks = hdf.create_dataset("mask", (exams * SLICES, SIDE, SIDE), "?", chunks=(1, SIDE, SIDE))
        for exam, (path, image, mask) in enumerate(noise(folder, exams, SIDE)):
            ours.append(path)
            rows = slice(exam * SLICES, (exam + 1) * SLICES)
            images[rows], masks[rows] = image, mask
            for index in range(SLICES):
                number = exam * SLICES + index
                np.save(folder / "slices" / f"{number}.image.npy", image[index])
                np.save(folder / "slices" / f"{number}.mask.npy", mask[index])
    return ours


def shuffled(slices: int) -> list[list[int]]:
    """Return the numbers of the slices of an epoch's mini-batches."""
    order = np.random.default_rng(1).permutation(slices)
    return [order[first : first + BATCH].tolist() for first in range(0, slices, BATCH)]


def throughput(scratch: Path, scale: Scale) -> str:
    """Measure how many slices of the thesis' size one loading process delivers, as network input; a table."""
    dataset = SliceDataset([path for path, _, _ in noise(scratch / "throughput", scale.exams, 256)])

    def epoch() -> None:
        for batch in shuffled(len(dataset)):
            dataset[batch]

    with one_thread():
        rates = [len(dataset) / stopwatch(epoch) for _ in range(scale.rounds)]
    spread = f"{digits(statistics.median(rates))} ({digits(min(rates))}-{digits(max(rates))})"
    what = f"one loading process, batches of {BATCH} of 256×256, shuffled, {scale.exams} exams, warm"
    return table(["what", "slices a second"], [[what, spread]])


def drop(folder: Path) -> None:
    """Ask the system to forget what it has read of a folder's files; needs no root."""
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def measure(scratch: Path, scale: Scale) -> list[Comparison]:
    """Compare an epoch with everything in the system's cache, and with nothing in it."""
    folder = scratch / "epoch"
    with one_thread():
        return _measured(folder, scale)


def _measured(folder: Path, scale: Scale) -> list[Comparison]:
    paths = write_epoch(folder, scale.exams)
    batches = shuffled(scale.exams * SLICES)

    def ours() -> None:
        dataset = SliceDataset(paths)
        for batch in batches:
            dataset[batch]

    def by_files() -> None:
        for batch in batches:
            for kind in ("image", "mask"):
                INPUT[kind](np.stack([np.load(folder / "slices" / f"{number}.{kind}.npy") for number in batch]))

    def by_hdf5() -> None:
        with h5py.File(folder / "slices.h5") as hdf:
            for batch in batches:
                for kind in ("image", "mask"):
                    INPUT[kind](np.stack([hdf[kind][number] for number in batch]))

    what = f"a shuffled epoch, {scale.exams} exams of {SLICES} slices of {SIDE}×{SIDE}"
    return [
        in_turn(
            f"{what}, {state}",
            rival,
            "> 1",
            ours,
            theirs,
            rounds=scale.rounds,
            note=note,
            before=before,
        )
        for state, before, note in (
            ("warm", lambda: None, "network input, on one thread as in a loading process"),
            ("cold", lambda: drop(folder), "pages dropped by `posix_fadvise`, as far as the file system heeds it"),
        )
        for rival, theirs in (("a file a slice (.npy)", by_files), ("one HDF5 file, a chunk a slice", by_hdf5))
    ]
