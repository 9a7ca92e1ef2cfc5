"""Slices of many exams as mini-batches (thesis 4.5), alone or each in a slab with its neighbours."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hepaflow.preprocessing.slices import SliceFile
from hepaflow.sampling.protocol import Arrays, Batch, Pieces, SeesPieces, Slices


def normalise(image: NDArray[np.float32]) -> Tensor:
    """Turn pieces in [0, 1], shape (b, c, ...), into network input in [-1, 1], in place (thesis 4.5)."""
    return torch.from_numpy(image).sub_(0.5).div_(0.5)


class SliceBySlice:
    """Shows one slice at a time (thesis 4.5), or a slab; a :class:`~hepaflow.sampling.protocol.Sampling`.

    Parameters
    ----------
    slab : int, optional
        Channels of a piece: the slice in the middle, and its neighbours on both sides. An odd number.

    Attributes
    ----------
    channels : int
    dimensions : int
    """

    dimensions = 2

    def __init__(self, slab: int = 1) -> None:
        self.channels = slab

    def dataset(self, paths: Sequence[Path], seed: int = 0) -> Pieces:
        """Return the slices of training exams, with their masks; nothing of them is drawn."""
        return SliceDataset(paths, self.channels)

    def shape(self, size: int) -> tuple[int, ...]:
        """Return rows and columns of a slice."""
        return size, size

    def map(
        self, exam: Slices, network: SeesPieces, at_once: int, progress: Callable[[int], object] | None = None
    ) -> NDArray[np.uint8]:
        """Return the map of an exam, shape (slices, size, size), whose slices a network sees one by one."""

        def found() -> Iterator[tuple[slice, NDArray[np.uint8]]]:
            for where, piece in self.pieces(exam, at_once):
                yield where, network.maps(piece)
                if progress:
                    progress(len(piece))

        return self.together(exam, found())

    def pieces(self, exam: Slices, at_once: int) -> Iterator[tuple[slice, Tensor]]:
        """Yield the slices of an exam, each batch with its place: (b, slab, h, w) in [-1, 1]."""
        for first in range(0, len(exam), at_once):
            last = min(first + at_once, len(exam))
            yield slice(first, last), normalise(slabs(exam, first, last, self.channels))

    def together(self, exam: Slices, found: Iterable[tuple[slice, NDArray[np.uint8]]]) -> NDArray[np.uint8]:
        """Return the map of an exam, shape (slices, size, size), from those of its slices."""
        whole = np.empty((len(exam), exam.size, exam.size), np.uint8)
        for where, part in found:
            whole[where] = part
        return whole


def slabs(exam: Slices, first: int, last: int, slab: int) -> NDArray[np.float32]:
    """Return some slices of an exam, each with its neighbours; beyond the exam's ends, its last slice is repeated.

    Parameters
    ----------
    exam : Slices
        At least one slice.
    first, last : int
        Numbers of the first slice, and of the one behind the last.
    slab : int
        Slices of a slab.

    Returns
    -------
    ndarray of float32, shape (last - first, slab, size, size)
        The slices themselves are in the middle channel. Where the exam has a region, a last channel has its mask.
    """
    reach = slab // 2
    numbers = np.arange(first, last)[:, None] + np.arange(-reach, reach + 1)
    numbers = np.clip(numbers, 0, len(exam) - 1)
    lowest = int(numbers.min())
    around: NDArray[np.float32] = exam.image(slice(lowest, int(numbers.max()) + 1))[numbers - lowest]
    if not exam.has_region:
        return around
    return np.concatenate([around, exam.region(slice(first, last))[:, None].astype(np.float32)], axis=1)


class SliceDataset(Pieces):
    """The slices of several exams with their masks, fetched a mini-batch at a time.

    Files are opened by each loading process for itself, at its first batch, and mapped into memory.

    Parameters
    ----------
    paths : sequence of Path
        Files of slices with masks.
    slab : int, optional
        Slices of a slab: channels of an image. The mask is that of the middle one.

    Attributes
    ----------
    channels : int
        Slices of a slab, and the region's mask.
    regions : int
        1 where exams have a region, whose mask is the last channel; else 0.
    pixels : int
        Of a slice; 0 without files.
    """

    def __init__(self, paths: Sequence[Path], slab: int = 1) -> None:
        self._paths, self._slab = list(paths), slab
        lengths, sizes, regions = [], {0}, {False}
        for path in self._paths:
            file = SliceFile(path)
            lengths.append(len(file))
            sizes.add(file.size)
            regions.add(file.has_region)
        self.regions = int(any(regions))
        self.channels = slab + self.regions
        self._ends, self._size = list(accumulate(lengths)), max(sizes)
        self.pixels = self._size**2
        self._files: list[SliceFile] | None = None

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def exams_of(self, indices: Sequence[int]) -> list[int]:
        """Return for each slice the number of the exam it belongs to."""
        return [bisect_right(self._ends, index) for index in indices]

    def holds_structure(self) -> NDArray[np.bool_]:
        """Return for every slice whether its mask is not empty; reads all masks, an exam at a time."""
        found = [SliceFile(path).mask().any(axis=(1, 2)) for path in self._paths]
        return np.concatenate([np.zeros(0, bool), *found])

    def __getitem__(self, indices: Sequence[int]) -> Batch:
        """Fetch slices by number: images (b, slab, h, w) in [-1, 1] and masks (b, 1, h, w) in {0, 1}."""
        return as_batch(*self.arrays(indices))

    def arrays(self, indices: Sequence[int]) -> Arrays:
        """Fetch slices by number: images (b, slab, h, w) in [0, 1] and masks (b, h, w)."""
        if self._files is None:
            self._files = [SliceFile(path) for path in self._paths]
        if len(indices) == 0:  # a device without a share of this batch
            none = np.empty((0, self.channels, self._size, self._size), np.float32)
            return none, np.empty((0, self._size, self._size), bool)
        images, masks = [], []
        for index, exam in zip(indices, self.exams_of(indices), strict=True):
            own = int(index) - (self._ends[exam - 1] if exam else 0)
            images.append(slabs(self._files[exam], own, own + 1, self._slab)[0])
            masks.append(self._files[exam].mask(own))
        return np.stack(images), np.stack(masks)


def as_batch(images: NDArray[np.float32], masks: NDArray[np.bool_]) -> Batch:
    """Turn images (b, c, ...) in [0, 1] and masks (b, ...) into what networks are trained with (`Batch`)."""
    return normalise(images), torch.from_numpy(masks).float().unsqueeze_(1)
