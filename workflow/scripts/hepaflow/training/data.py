"""What a training sees: mini-batches of the slices that it learns from, and of those held out."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader, Dataset

from hepaflow.errors import UserError
from hepaflow.exams.folds import split_exams
from hepaflow.sampling.batches import EpochBatches
from hepaflow.sampling.protocol import Batch, Pieces
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.training import TrainSettings
from hepaflow.training.augmented import AugmentedSlices, BatchesOfEpoch
from hepaflow.training.loading import BYTES, POLL, begin, fitting_workers, in_shared_memory
from hepaflow.words import counted

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingData:
    """The mini-batches of a training.

    Attributes
    ----------
    order : EpochBatches
        Which slices are in which mini-batch of an epoch; its `epoch` and `done` are those of the next pass.
    batches : DataLoader
        What is trained on, in that order.
    held_out : DataLoader or None
        What the validation loss is taken of, if any exams are held out.
    """

    order: EpochBatches
    batches: DataLoader[Batch]
    held_out: DataLoader[Batch] | None


def training_data(
    slices: Pieces, settings: TrainSettings, compute: ComputeSettings, fabric: Fabric
) -> TrainingData:
    """Return the mini-batches of this device's share.

    Raises
    ------
    UserError
        If there are too few slices, too few in a mini-batch for the devices, or none to oversample.
    """
    recipe, seed = settings.training, settings.seed
    indices, others = _split(slices, settings)
    if len(indices) < 2:  # batch normalisation needs two samples
        raise UserError(
            _in_words(slices, indices),
            expected="at least 2",
            remedy="add training exams to the sheet",
        )
    if recipe.batch_size < 2 * fabric.world_size:
        raise UserError(
            f"batches of {recipe.batch_size} on {fabric.world_size} devices",
            expected=f"a batch_size of at least {2 * fabric.world_size}",
            remedy="raise batch_size, or train on fewer devices",
        )
    if recipe.validation_share and not others:
        log.warning("a single training exam has slices: none is held out for validation")
    # A single last slice is taken into the batch before it.
    piece = BYTES * (slices.channels + 1) * slices.pixels
    workers, ahead = fitting_workers(compute.workers, (recipe.batch_size + 1) * piece)

    def loader(dataset: Dataset[Batch], batches: Any) -> DataLoader[Batch]:
        return DataLoader(
            dataset,
            sampler=batches,
            batch_size=None,  # the data set fetches whole batches
            collate_fn=in_shared_memory,
            num_workers=workers,
            persistent_workers=workers > 0,
            prefetch_factor=ahead if workers else None,
            timeout=POLL if workers else 0,
            worker_init_fn=begin,
            pin_memory=fabric.device.type == "cuda",
            # Not the global one, which dropout uses: a loader draws from it when it starts its workers, which
            # happens in other epochs with workers than without, and in other epochs after a resume.
            generator=torch.Generator(),
        )

    order = EpochBatches(
        indices,
        recipe.batch_size,
        seed,
        rank=fabric.global_rank,
        world=fabric.world_size,
        batches=recipe.batches_per_epoch,
        oversampled=_with_structure(slices, indices) if recipe.oversample else (),
        share=recipe.oversample or 0.0,
    )
    if recipe.augmentation or slices.at_random:
        batches = loader(AugmentedSlices(slices, recipe.augmentation or (), seed), BatchesOfEpoch(order))
    else:
        batches = loader(slices, order)
    # A batch of these is one device's, for there may be fewer than devices.
    whole = EpochBatches(others, recipe.batch_size, seed, shuffle=False)
    held_out = loader(slices, list(whole)[fabric.global_rank :: fabric.world_size]) if others else None
    return TrainingData(order, batches, held_out)


def _split(slices: Pieces, settings: TrainSettings) -> tuple[list[int], list[int]]:
    """Return the numbers of the slices to train on, and of those of held-out exams."""
    exam_of = np.array(slices.exams_of(range(len(slices))))
    exams = np.unique(exam_of)  # those without slices can be neither trained on nor held out
    train, held_out = split_exams(len(exams), settings.training.validation_share, settings.seed)
    indices, others = (np.flatnonzero(np.isin(exam_of, exams[chosen])).tolist() for chosen in (train, held_out))
    return indices, others


def _in_words(slices: Pieces, indices: list[int]) -> str:
    """Return what is trained on: `1 training slice`; of patches, which are drawn anywhere, the exams."""
    if slices.at_random:
        return counted(len(set(slices.exams_of(indices))), "training exam")
    return counted(len(indices), "training slice")


def _with_structure(slices: Pieces, indices: list[int]) -> list[int]:
    """Return those of the slices that show the structure."""
    if not (found := slices.showing(indices)):
        raise UserError(
            f"no pixel of the structure in {_in_words(slices, indices)}",
            expected="at least one that shows it, as `oversample` is set",
            remedy="check the labels of the training exams, or set `oversample: null`",
        )
    return found
