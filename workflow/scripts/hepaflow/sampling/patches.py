"""Patches in three dimensions: at random places in training, as windows that slide over an exam in prediction."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from math import ceil, prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from hepaflow.masks.map import FULL, rounded_to
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.sampling.protocol import AGAIN, Arrays, Batch, Pieces, SeesPieces, Slices
from hepaflow.sampling.slices import as_batch, normalise
from hepaflow.system.plain_matplotlib import matplotlib  # noqa: F401 (MONAI imports it, too)
from hepaflow.volumes.box import Box

# isort: split
from monai.inferers.utils import sliding_window_inference

Shape = tuple[int, int, int]
"""Slices, rows and columns."""

_DRAWN_FOR = 0x3D0
"""Keeps the draws of places apart from others of the same seed and epoch."""

LOWEST = -1.0
"""What a network sees beyond an exam: the window's lower end."""


class SlidingPatches:
    """Shows patches; a :class:`~hepaflow.sampling.protocol.Sampling`.

    Parameters
    ----------
    size : tuple of int
        Slices, rows and columns of a patch.
    overlap : float
        Share of a side that neighbouring windows have in common, at least.

    Attributes
    ----------
    channels, dimensions : int
    """

    channels = 1
    dimensions = 3

    def __init__(self, size: Shape, overlap: float) -> None:
        self._size, self._overlap = size, overlap

    def dataset(self, paths: Sequence[Path], seed: int = 0) -> Pieces:
        """Return patches of training exams, with their masks, at places drawn from the seed."""
        return PatchDataset(paths, self._size, seed)

    def shape(self, size: int) -> tuple[int, ...]:
        """Return slices, rows and columns of a patch, whatever the size of the data."""
        return self._size

    def map(
        self, exam: Slices, network: SeesPieces, at_once: int, progress: Callable[[int], object] | None = None
    ) -> NDArray[np.uint8]:
        """Return the map of an exam: where windows overlap, a mean that counts a window's middle most.

        The mean is of probabilities. Its weights are a Gaussian whose standard deviation is an eighth of a
        window's side (Isensee et al. 2021). An exam that is smaller than a window is in the window's middle.
        """
        if not prod(exam.voxels):
            return np.zeros(exam.voxels, np.uint8)
        above: Any = sliding_window_inference(
            normalise(_channels(exam)[None]).to(network.device),
            self._size,
            at_once,
            network.above_half,
            overlap=self._overlap,
            mode="gaussian",
            sigma_scale=0.125,
            padding_mode="constant",
            cval=LOWEST,
        )
        if progress:
            progress(len(exam))
        found = above[0, 0].cpu().numpy()
        return rounded_to(found > 0, FULL * (found + 0.5))


class PatchDataset(Pieces):
    """Patches of several exams with their masks, fetched a mini-batch at a time.

    An exam has the fewest patches that together have its number of voxels. Where a patch lies is drawn from the
    seed, the epoch and the patch's number: anywhere in its exam; or, of patches fetched by the numbers of
    `showing`, around a voxel of the structure.

    Parameters
    ----------
    paths : sequence of Path
        Files of preprocessed exams with masks.
    size : tuple of int
        Slices, rows and columns of a patch.
    seed : int

    Attributes
    ----------
    channels, regions, pixels : int
    at_random : bool
    """

    at_random = True

    def __init__(self, paths: Sequence[Path], size: Shape, seed: int) -> None:
        self._paths, self._size, self._seed, self.pixels = list(paths), size, seed, prod(size)
        counts, regions = [], {False}
        for path in self._paths:
            file = SliceFile(path)
            counts.append(ceil(prod(file.voxels) / self.pixels))
            regions.add(file.has_region)
        self._ends, self.regions = list(accumulate(counts)), int(any(regions))
        self.channels = 1 + self.regions
        self._files: list[SliceFile] | None = None
        self._counts: dict[int, NDArray[np.int64]] = {}

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def exams_of(self, indices: Sequence[int]) -> list[int]:
        """Return for each patch the number of the exam it belongs to."""
        return [bisect_right(self._ends, index % max(1, len(self))) for index in indices]

    def holds_structure(self) -> NDArray[np.bool_]:
        """Return for every patch whether its exam shows the structure; reads all masks, an exam at a time."""
        shown = [SliceFile(path).mask().any() for path in self._paths]
        return np.repeat(np.array(shown, bool), np.diff([0, *self._ends]))

    def showing(self, indices: Sequence[int]) -> list[int]:
        """Return the numbers by which patches that show the structure are fetched: others than those of all."""
        return [len(self) + index for index in super().showing(indices)]

    def __getitem__(self, indices: Sequence[int]) -> Batch:
        """Fetch patches by number, at the places of the first epoch."""
        return as_batch(*self.arrays(indices))

    def arrays(self, indices: Sequence[int]) -> Arrays:
        """Fetch patches by number, at the places of the first epoch."""
        return self.of_epoch(0, indices)

    def of_epoch(self, epoch: int, numbers: Sequence[int]) -> Arrays:
        """Fetch patches at the places of an epoch: images (b, c, z, h, w) in [0, 1] and masks (b, z, h, w)."""
        if self._files is None:
            self._files = [SliceFile(path) for path in self._paths]
        images = np.empty((len(numbers), self.channels, *self._size), np.float32)
        masks = np.empty((len(numbers), *self._size), bool)
        exams = self.exams_of([number % AGAIN for number in numbers])
        for place, (number, exam) in enumerate(zip(numbers, exams, strict=True)):
            draw = np.random.default_rng([self._seed, epoch, number, _DRAWN_FOR])
            file, shows = self._files[exam], number % AGAIN >= len(self)
            voxel = _voxel_of(file, self._counts_of(exam, file), draw) if shows else None
            images[place], masks[place] = _cut(file, _place(file.voxels, self._size, voxel, draw))
        return images, masks

    def _counts_of(self, exam: int, file: SliceFile) -> NDArray[np.int64]:
        """Return how many voxels of the structure each slice of an exam has; the whole mask is read once."""
        if exam not in self._counts:
            self._counts[exam] = np.count_nonzero(file.mask(), axis=(1, 2)).astype(np.int64)
        return self._counts[exam]


def _voxel_of(file: SliceFile, counts: NDArray[np.int64], draw: Generator) -> Shape:
    """Draw a voxel of the structure, of which slices have these counts; its slice alone is read."""
    ends = np.cumsum(counts)
    number = int(draw.integers(ends[-1]))
    plane = int(np.searchsorted(ends, number, side="right"))
    mask = file.mask(plane)
    inside = np.flatnonzero(mask)
    row, column = np.unravel_index(inside[number - int(ends[plane] - counts[plane])], mask.shape)
    return plane, int(row), int(column)


def _place(voxels: Shape, size: Shape, around: Shape | None, draw: Generator) -> Box:
    """Return where a patch lies in an exam: anywhere, or with a voxel as near to its middle as the ends allow.

    Along an axis on which the exam is smaller than the patch, it is in the patch's middle.
    """
    ranges = []
    for axis, (length, side) in enumerate(zip(voxels, size, strict=True)):
        room = length - side
        if room <= 0:
            start = -(-room // 2)
        elif around is None:
            start = int(draw.integers(room, endpoint=True))
        else:
            start = min(max(around[axis] - side // 2, 0), room)
        ranges.append((start, start + side))
    return Box(*ranges)


def _cut(file: SliceFile, box: Box) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Cut a patch (c, z, h, w) and its mask (z, h, w) out of an exam; what lies outside is zero."""
    planes = slice(max(box.slices[0], 0), min(box.slices[1], len(file)))
    inner = Box((box.slices[0] - planes.start, box.slices[1] - planes.start), box.rows, box.columns)
    channels = [inner.crop(one) for one in _channels(file, planes)]
    return np.stack(channels), inner.crop(file.mask(planes))


def _channels(exam: Slices, planes: slice = slice(None)) -> NDArray[np.float32]:
    """Return slices of an exam as networks see them, (c, z, h, w): the image, and the region's mask if any."""
    image = exam.image(planes)[None]
    return np.concatenate([image, exam.region(planes)[None].astype(np.float32)]) if exam.has_region else image
