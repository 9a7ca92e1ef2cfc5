"""Which slices a mini-batch holds, and in which order they come."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from torch.utils.data import Sampler


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
