"""Slices of many exams as mini-batches (thesis 4.5)."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from hepaflow.slices import SliceFile

Batch = tuple[Tensor, Tensor]


def normalise(image: NDArray[np.float32]) -> Tensor:
    """Turn slices in [0, 1], shape (b, h, w), into network input in [-1, 1], shape (b, 1, h, w) (thesis 4.5)."""
    return torch.from_numpy(image).sub_(0.5).div_(0.5).unsqueeze_(1)


class SliceDataset(Dataset[Batch]):
    """The slices of several exams with their masks, fetched a mini-batch at a time.

    Files are opened by each loading process for itself, at its first batch, and mapped into memory.

    Parameters
    ----------
    paths : sequence of Path
        Files of slices with masks.

    Attributes
    ----------
    size : int
        Rows and columns of a slice; 0 without files.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = list(paths)
        lengths, sizes = [], {0}
        for path in self._paths:
            file = SliceFile(path)
            lengths.append(len(file))
            sizes.add(file.size)
        self._ends, self.size = list(accumulate(lengths)), max(sizes)
        self._files: list[SliceFile] | None = None

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def exams_of(self, indices: Sequence[int]) -> list[int]:
        """Return for each slice the number of the exam it belongs to."""
        return [bisect_right(self._ends, index) for index in indices]

    def __getitem__(self, indices: Sequence[int]) -> Batch:
        """Fetch slices by number: images (b, 1, h, w) in [-1, 1] and masks (b, 1, h, w) in {0, 1}."""
        if self._files is None:
            self._files = [SliceFile(path) for path in self._paths]
        if len(indices) == 0:  # a device without a share of this batch
            file, none = max(self._files, key=len), slice(0)
            return normalise(file.image(none)), torch.from_numpy(file.mask(none)).float().unsqueeze_(1)
        images, masks = [], []
        for index, exam in zip(indices, self.exams_of(indices), strict=True):
            own = int(index) - (self._ends[exam - 1] if exam else 0)
            images.append(self._files[exam].image(own))
            masks.append(self._files[exam].mask(own))
        return normalise(np.stack(images)), torch.from_numpy(np.stack(masks)).float().unsqueeze_(1)


class EpochBatches(Sampler[list[int]]):
    """Mini-batches of slice numbers, in an order drawn from seed and epoch alone.

    So an epoch is the same whether the ones before it ran in this process or in one that was killed.

    Parameters
    ----------
    indices : sequence of int
        Slices to draw from.
    batch_size : int
        Slices in a batch, over all devices. A single slice left over joins the last batch, since batch
        normalisation has no variance of one sample.
    seed : int
    rank, world : int
        This device's number and the number of devices; each takes every `world`-th slice of a batch. The batches
        are those of one device: of one with fewer slices than devices, some devices have none.
    shuffle : bool
        Whether the order changes with the epoch.
    """

    def __init__(
        self,
        indices: Sequence[int],
        batch_size: int,
        seed: int,
        *,
        rank: int = 0,
        world: int = 1,
        shuffle: bool = True,
    ) -> None:
        self._indices = np.asarray(indices, np.int64)
        self._batch_size, self._seed, self._shuffle = batch_size, seed, shuffle
        self._rank, self._world = rank, world
        self.epoch, self.done = 0, 0  # the next pass: its epoch, and how many of its batches to leave out

    def _starts(self) -> list[int]:
        starts = list(range(0, len(self._indices), self._batch_size))
        if len(starts) > 1 and len(self._indices) - starts[-1] < 2:
            starts.pop()
        return starts

    def __len__(self) -> int:
        return len(self._starts()) - self.done

    def __iter__(self) -> Iterator[list[int]]:
        order = self._indices
        if self._shuffle:
            order = np.random.default_rng([self._seed, self.epoch]).permutation(order)
        ends = [*self._starts(), len(order)]
        for first, last in pairwise(ends[self.done :]):
            yield order[first:last][self._rank :: self._world].tolist()
