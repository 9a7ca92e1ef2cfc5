"""Pieces of a training that are drawn or changed at random as they are loaded."""

from collections.abc import Iterator, Sequence

from torch.utils.data import Dataset, Sampler

from hepaflow.sampling.batches import EpochBatches
from hepaflow.sampling.protocol import AGAIN, Batch, Pieces
from hepaflow.sampling.slices import as_batch
from hepaflow.settings.augmentation import Augmentation
from hepaflow.training.augmentations import augmented

OfEpoch = tuple[int, list[int]]
"""An epoch, and slice numbers of one of its mini-batches, with `AGAIN` for each time that a slice came before."""


class BatchesOfEpoch(Sampler[OfEpoch]):
    """Mini-batches with the number of their epoch, which a loading process is not told otherwise.

    Parameters
    ----------
    batches : EpochBatches
        Its `epoch` counts when a pass begins.
    """

    def __init__(self, batches: EpochBatches) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[OfEpoch]:
        epoch, batches = self._batches.epoch, self._batches
        return (
            (epoch, [number + AGAIN * times for number, times in zip(numbers, before, strict=True)])
            for numbers, before in zip(batches, batches.repeats(), strict=True)
        )


class AugmentedSlices(Dataset[Batch]):
    """Slices with their masks, changed at random, fetched a mini-batch at a time.

    Parameters
    ----------
    slices : Pieces
    changes : sequence of settings
    seed : int
    """

    def __init__(self, slices: Pieces, changes: Sequence[Augmentation], seed: int) -> None:
        self._slices, self._changes, self._seed = slices, tuple(changes), seed

    def __getitem__(self, batch: OfEpoch) -> Batch:
        """Fetch slices by epoch and numbers: images (b, c, ...) in [-1, 1] and masks (b, 1, ...) in {0, 1}."""
        epoch, numbers = batch
        images, masks = self._slices.of_epoch(epoch, numbers)
        for place, number in enumerate(numbers):
            images[place], masks[place] = augmented(
                images[place],
                masks[place],
                self._changes,
                regions=self._slices.regions,
                seed=self._seed,
                epoch=epoch,
                number=number,
            )
        return as_batch(images, masks)
