"""Slices of many exams as mini-batches (thesis 4.5)."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hepaflow.preprocessing.slices import SliceFile
from hepaflow.sampling.protocol import Batch, Pieces, Slices


def normalise(image: NDArray[np.float32]) -> Tensor:
    """Turn slices in [0, 1], shape (b, h, w), into network input in [-1, 1], shape (b, 1, h, w) (thesis 4.5)."""
    return torch.from_numpy(image).sub_(0.5).div_(0.5).unsqueeze_(1)


class SliceBySlice:
    """Shows one slice at a time (thesis 4.5); a :class:`~hepaflow.sampling.protocol.Sampling`."""

    def dataset(self, paths: Sequence[Path]) -> Pieces:
        """Return the slices of training exams, with their masks."""
        return SliceDataset(paths)

    def pieces(self, exam: Slices, at_once: int) -> Iterator[tuple[slice, Tensor]]:
        """Yield the slices of an exam, each batch with its place: (b, 1, h, w) in [-1, 1]."""
        for first in range(0, len(exam), at_once):
            where = slice(first, first + at_once)
            yield where, normalise(exam.image(where))

    def together(self, exam: Slices, found: Iterable[tuple[slice, NDArray[np.uint8]]]) -> NDArray[np.uint8]:
        """Return the map of an exam, shape (slices, size, size), from those of its slices."""
        whole = np.empty((len(exam), exam.size, exam.size), np.uint8)
        for where, part in found:
            whole[where] = part
        return whole


class SliceDataset(Pieces):
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
        return as_batch(*self.arrays(indices))

    def arrays(self, indices: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Fetch slices by number: images (b, h, w) in [0, 1] and masks (b, h, w)."""
        if self._files is None:
            self._files = [SliceFile(path) for path in self._paths]
        if len(indices) == 0:  # a device without a share of this batch
            file, none = max(self._files, key=len), slice(0)
            return file.image(none), file.mask(none)
        images, masks = [], []
        for index, exam in zip(indices, self.exams_of(indices), strict=True):
            own = int(index) - (self._ends[exam - 1] if exam else 0)
            images.append(self._files[exam].image(own))
            masks.append(self._files[exam].mask(own))
        return np.stack(images), np.stack(masks)


def as_batch(images: NDArray[np.float32], masks: NDArray[np.bool_]) -> Batch:
    """Turn images in [0, 1] and masks, each (b, h, w), into what networks are trained with, each (b, 1, h, w)."""
    return normalise(images), torch.from_numpy(masks).float().unsqueeze_(1)
