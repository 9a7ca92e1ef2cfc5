"""Which slices a mini-batch holds, and in which order they come."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from torch.utils.data import Sampler

Numbers = NDArray[np.int64]

_OVERSAMPLED = 0x05A
"""Keeps the draws of what is oversampled apart from others of the same seed and epoch."""

_ROUNDING = 1e-9
"""What a share of a mini-batch may exceed a whole number of slices by, and still be that number."""


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
    batches : int, optional
        Batches of an epoch, each full; where there are fewer slices, all come again, in another order. If absent,
        as many as hold every slice once.
    oversampled : sequence of int, optional
        Slices of which each batch has `share` at least. They take the last places of a batch; the other places are
        for slices in the order of the epoch, whichever they are.
    share : float
        Of a batch, rounded up to whole slices (Isensee et al. 2021 have a third of them).
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
        batches: int | None = None,
        oversampled: Sequence[int] = (),
        share: float = 0.0,
    ) -> None:
        self._indices, self._oversampled = np.asarray(indices, np.int64), np.asarray(oversampled, np.int64)
        self._seed, self._shuffle = seed, shuffle
        self._rank, self._world = rank, world
        self._sizes = _sizes(len(self._indices), batch_size) if batches is None else [batch_size] * batches
        self._extra = [math.ceil(share * size - _ROUNDING) for size in self._sizes]
        self.epoch, self.done = 0, 0  # the next pass: its epoch, and how many of its batches to leave out

    def __len__(self) -> int:
        return len(self._sizes) - self.done

    def __iter__(self) -> Iterator[list[int]]:
        return (batch.tolist() for batch, _ in self._own())

    def repeats(self) -> Iterator[list[int]]:
        """Yield for each slice of the same batches how often it came in the epoch before."""
        return (before.tolist() for _, before in self._own())

    def _own(self) -> Iterator[tuple[Numbers, Numbers]]:
        """Yield the batches that are not done, as far as they are this device's, with their repeats."""
        order = self._order()
        before = _times_before(order)
        ends = np.cumsum([0, *self._sizes])
        for first, last in pairwise(ends[self.done :]):
            own = slice(first + self._rank, last, self._world)
            yield order[own], before[own]

    def _order(self) -> Numbers:
        """Return the slices of all batches of the epoch, one after another."""
        size, extra = sum(self._sizes), sum(self._extra)
        if not self._shuffle:
            return np.resize(self._indices, size)
        plain = _drawn(np.random.default_rng([self._seed, self.epoch]), self._indices, size - extra)
        if not extra:
            return plain
        draw = np.random.default_rng([self._seed, self.epoch, _OVERSAMPLED])
        places = np.concatenate(
            [np.arange(size) >= size - extra for size, extra in zip(self._sizes, self._extra, strict=True)]
        )
        order = np.empty(size, np.int64)
        order[~places], order[places] = plain, _drawn(draw, self._oversampled, extra)
        return order


def _sizes(slices: int, batch_size: int) -> list[int]:
    """Return the sizes of batches that hold every slice once."""
    sizes = [min(batch_size, slices - first) for first in range(0, slices, batch_size)]
    if len(sizes) > 1 and sizes[-1] < 2:
        sizes = [*sizes[:-2], sizes[-2] + sizes[-1]]
    return sizes


def _drawn(draw: Generator, slices: Numbers, count: int) -> Numbers:
    """Draw so many slices: all in a drawn order, then all in another, and so on."""
    passes = max(1, math.ceil(count / max(1, len(slices))))
    return np.concatenate([draw.permutation(slices) for _ in range(passes)])[:count]


def _times_before(order: Numbers) -> Numbers:
    """Return how often each number comes before it."""
    sorting = np.argsort(order, kind="stable")
    sorted_order = order[sorting]
    starts = np.searchsorted(sorted_order, sorted_order, side="left")
    before = np.empty_like(order)
    before[sorting] = np.arange(len(order)) - starts
    return before
