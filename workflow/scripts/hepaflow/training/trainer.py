"""Training of one network: shuffled mini-batches, resumable after every one (thesis 4.6.1)."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from hepaflow.networks.compute import arithmetic, make_fabric, memory_format, prepare
from hepaflow.networks.network import build_network
from hepaflow.networks.weights import load_weights, save_weights
from hepaflow.sampling.protocol import Batch, Pieces, Sampling
from hepaflow.sampling.registry import DRAWN, SAMPLINGS
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.training import TrainSettings
from hepaflow.training.averages import make_average
from hepaflow.training.data import training_data
from hepaflow.training.devices import agreed, end_with_parent, shared, sums_over_devices, total
from hepaflow.training.divergence import check_loss, check_weights
from hepaflow.training.history import Epoch, Part, progress, progress_within, write_history
from hepaflow.training.interruption import Interruption, ignore
from hepaflow.training.key import key_of
from hepaflow.training.loading import arriving
from hepaflow.training.losses import criterion_of
from hepaflow.training.optimisers import make_optimiser
from hepaflow.training.schedules import learning_rate
from hepaflow.training.state import TrainingState
from hepaflow.training.supervision import supervised

log = logging.getLogger(__name__)

_GRACE = 20.0
"""Seconds that several devices that are asked to end wait for a mini-batch, after which they could save."""

_LOG_EVERY = 60.0
"""Seconds between two lines of the log within an epoch."""

_LOOK_EVERY = 50
"""Mini-batches between two checks that the loss is finite: at each, a GPU has to wait."""


def train_network(
    slices: Sequence[Path],
    settings: TrainSettings,
    *,
    code: str,
    output: Path,
    history: Path,
    compute: ComputeSettings,
    start: Path | None = None,
    threads: int | None = None,
) -> list[dict[str, Any]]:
    """Train a network and write its weights and its history.

    Two runs on the CPU with the same inputs, settings, devices and threads write the same bytes of weights,
    whether or not they were interrupted. The state is saved after every epoch. At SIGTERM it is saved after the
    current mini-batch, and the process ends: a killed training loses its current epoch, one that is asked to end
    loses nothing. Another number of devices gives the same network, except for rounding. The last state stays when
    the training is done, as its weights are only safe when its job has ended.

    Parameters
    ----------
    slices : sequence of Path
        Slices, with masks, of the training exams; none, if the settings have phantoms drawn or no epoch.
    settings : TrainSettings
    code : str
        Fingerprint of the code that trains. An interrupted training goes on only with the same code, settings,
        slices and starting weights.
    output : Path
        Weights to write, `.safetensors`.
    history : Path
        Table to write: epoch, learning rate, losses and seconds.
    compute : ComputeSettings
    start : Path, optional
        Weights of the same network to start from (thesis 4.6.1: a lesion network starts from the liver's).
    threads : int, optional
        CPU threads, of all devices' processes together.

    Returns
    -------
    list of dict
        What it was computed with, and from which epoch and mini-batch on: one entry, or more where it was resumed
        with other devices, threads or the like.

    Raises
    ------
    UserError
        If there are too few slices, the loss or the weights are no longer finite, the starting weights do not fit,
        or the state of an interrupted training cannot be read.
    """
    if not settings.training.epochs:
        _take_unchanged(settings, start, output, history)
        return []
    fabric = make_fabric(settings.precision, compute, devices=compute.devices, threads=threads)
    fabric.launch()
    if not fabric.is_global_zero:
        end_with_parent()
    state = TrainingState(
        output.with_suffix(".training"),
        key_of(slices, settings, code, start),
        arithmetic(compute, fabric.device),
    )
    with state.owned() if fabric.is_global_zero else nullcontext():
        fabric.barrier()
        trainer = Trainer(slices, settings, compute, start=start, fabric=fabric, state=state)
        trainer.train()
        if fabric.is_global_zero:
            with Interruption():
                save_weights(trainer.result, output, settings.canonical())
                write_history(history, trainer.epochs)
            state.keep_newest()  # Snakemake deletes what is written here, if the job ends before it is done
        else:
            ignore()  # of a SIGTERM to all, the first process is to decide what is still to be done
    fabric.barrier()
    return state.computed


def _take_unchanged(settings: TrainSettings, start: Path | None, output: Path, history: Path) -> None:
    """Write the weights that a network starts from, and a history of no epoch."""
    network = build_network(settings.network, _channels(settings))
    if start is not None:
        load_weights(network, start)
    log.info("no epoch: the network is taken unchanged")
    save_weights(network, output, settings.canonical())
    write_history(history, [])


class Trainer:
    """One training: its network, optimiser and data on these devices, and how far it has come.

    It begins where the newest state that it finds ends.

    Parameters
    ----------
    slices : sequence of Path
        Slices, with masks, of the training exams.
    settings : TrainSettings
    compute : ComputeSettings
    start : Path or None
        Weights of the same network to start from.
    fabric : Fabric
        The devices; launched.
    state : TrainingState
        Where the training is kept.

    Attributes
    ----------
    network : Module
        What is trained.
    result : Module
        What is validated and written: the network, or the average of its weights.
    epochs : list of Epoch
        The finished ones.

    Raises
    ------
    UserError
        See :func:`train_network`.
    """

    def __init__(
        self,
        slices: Sequence[Path],
        settings: TrainSettings,
        compute: ComputeSettings,
        *,
        start: Path | None,
        fabric: Fabric,
        state: TrainingState,
    ) -> None:
        self._settings, self._recipe = settings, settings.training
        self._fabric, self._state, self._interruption = fabric, state, Interruption()
        sampling = SAMPLINGS[settings.sampling.kind](settings.sampling)
        dataset = _pieces(slices, settings, sampling)
        self._data = training_data(dataset, settings, compute, fabric)
        self._batches = len(self._data.order)
        self._criterion = criterion_of(self._recipe.loss)

        torch.manual_seed(settings.seed)
        network = build_network(settings.network, _channels(settings))
        if start is not None:
            load_weights(network, start)
        self.network = shared(network, fabric.device) if fabric.world_size > 1 else network
        self._optimiser = make_optimiser(self.network.parameters(), self._recipe)
        self._layout = memory_format(self.network, compute, sampling.dimensions)
        self._model: Any
        self._model, self._stepper = fabric.setup(
            prepare(self.network, compute, sampling.dimensions), self._optimiser
        )
        chosen = self._recipe.average
        self._average = None if chosen is None else make_average(self.network, chosen)
        self.result = self.network if self._average is None else self._average.module
        # One process looks for the state, and tells the others.
        rows, self._part = state.load(
            self.network,
            self._optimiser,
            lambda find: fabric.broadcast(find() if fabric.is_global_zero else None),
            self._average,
        )
        self.epochs = [Epoch(**row) for row in rows]
        log.info(
            "%s on %d × %s; %s",
            f"{len(dataset)} slices of {len(slices)} exams"
            if slices
            else f"{len(dataset)} drawn patches an epoch",
            fabric.world_size,
            fabric.device.type,
            _going_on(len(self.epochs), self._part),
        )

    def train(self) -> None:
        """Train to the end, and save the state after every epoch; or until the process is asked to end."""
        with self._interruption:
            for epoch in range(len(self.epochs), self._recipe.epochs):
                part = self._train_epoch(epoch)
                check_weights(self.network, epoch)
                began = time.monotonic()
                held_out = self._validation_loss(part)
                seconds = round(part.seconds + time.monotonic() - began, 3)
                self.epochs.append(
                    Epoch(epoch + 1, self._rate(epoch, 0), part.loss / part.slices, held_out, seconds)
                )
                self._part = Part()
                log.info("%s", progress(self.epochs[-1], self._recipe.epochs))
                self._save(self._part)
                self._pause(Part)

    def _train_epoch(self, epoch: int) -> Part:
        """Train for the rest of an epoch, of which a part may be done; return the whole."""
        fabric, before = self._fabric, self._part
        order = self._data.order
        order.epoch, order.done = epoch, before.batches
        self._model.train()
        began = logged = time.monotonic()
        # What was done before counts once, not once a device.
        losses = torch.tensor(
            before.loss if fabric.is_global_zero else 0.0, dtype=torch.float64, device=fabric.device
        )
        seen = before.slices if fabric.is_global_zero else 0

        def so_far(batch: int) -> Part:
            loss, slices = sums_over_devices(losses, seen, fabric)
            check_loss(loss, epoch)  # the sum: before the first mini-batch there are no slices to divide it by
            return Part(batch, slices, loss, before.seconds + time.monotonic() - began)

        batch = before.batches
        loaded = arriving(self._data.batches, lambda seconds: self._wait(partial(so_far, batch), seconds))
        for batch, (images, masks) in enumerate(loaded, before.batches + 1):
            loss = self._step(images, masks, epoch, batch)
            losses += loss.double() * len(images)
            seen += len(images)
            self._pause(partial(so_far, batch))
            if batch % _LOOK_EVERY == 0:
                check_loss(float(losses), epoch)
            if time.monotonic() - logged > _LOG_EVERY:
                logged = time.monotonic()
                here = Part(batch, seen, float(losses), before.seconds + logged - began)
                rate = self._rate(epoch, batch - 1)
                log.info("%s", progress_within(here, self._batches, epoch + 1, self._recipe.epochs, rate))
        return so_far(self._batches)

    def _step(self, images: Tensor, masks: Tensor, epoch: int, batch: int) -> Tensor:
        """Take the optimiser's step for a mini-batch, counted from 1; return its loss."""
        # Dropout is drawn from seed, epoch and batch alone: nothing random needs to be kept for resuming.
        torch.manual_seed(_mixed(self._settings.seed, epoch, batch, 0))
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate(epoch, batch - 1)
        images, masks = self._to_device((images, masks))  # (b, 1, h, w) each
        criterion = self._criterion if self._fabric.world_size == 1 else partial(self._criterion, total=total)
        loss = supervised(criterion, self._model(images), masks)
        self._stepper.zero_grad()
        self._fabric.backward(loss)
        if self._recipe.clip_gradients is not None:  # what is not finite shows in the loss or in the weights
            self._fabric.clip_gradients(
                self._model, self._stepper, max_norm=self._recipe.clip_gradients, error_if_nonfinite=False
            )
        self._stepper.step()
        if self._average is not None:
            self._average.update_parameters(self.network)
        return loss.detach()

    @torch.no_grad()
    def _validation_loss(self, part: Part) -> float | None:
        """Return the mean loss over the held-out slices, if any, after the training of an epoch."""
        if self._data.held_out is None:
            return None
        fabric = self._fabric
        self._model.eval()
        # The wrapper would make devices wait for each other, which may have different numbers of batches here.
        network = self._model if fabric.world_size == 1 else self._model.module
        if self._average is not None:
            network = self.result
        losses, seen = torch.zeros((), dtype=torch.float64, device=fabric.device), 0
        for batch in arriving(self._data.held_out, lambda seconds: self._wait(lambda: part, seconds)):
            images, masks = self._to_device(batch)
            with fabric.autocast():
                logits = network(images)
            losses += self._criterion(logits, masks).double() * len(images)  # of whole batches, each on one device
            seen += len(images)
            if fabric.world_size == 1:
                self._pause(lambda: part)
        loss, slices = sums_over_devices(losses, seen, fabric)
        return loss / slices

    def _rate(self, epoch: int, batch: int) -> float:
        """Return the learning rate of a mini-batch; both count from 0."""
        return learning_rate(epoch, self._recipe, batch, self._batches)

    def _to_device(self, batch: Batch) -> Batch:
        images, masks = (part.to(self._fabric.device, non_blocking=True) for part in batch)
        return images.to(memory_format=self._layout), masks

    def _save(self, part: Part) -> None:
        if self._fabric.is_global_zero:
            rows = [asdict(row) for row in self.epochs]
            self._state.save(self.network, self._optimiser, rows, part, self._average)

    def _pause(self, done: Callable[[], Part]) -> None:
        """Save and end, if any device's process was asked to; all come here after the same mini-batch.

        Parameters
        ----------
        done : callable
            Tells what is done of the epoch.
        """
        if agreed(self._interruption.asked, self._fabric):
            part = done()
            self._save(part)
            log.info("asked to end: saved after epoch %d, batch %d", len(self.epochs), part.batches)
            self._fabric.barrier()  # the others end when the state is on the disk
            self._interruption.end()

    def _wait(self, done: Callable[[], Part], seconds: float) -> None:
        """Do the same while a mini-batch is waited for, since so many seconds."""
        if self._fabric.world_size == 1:
            self._pause(done)
        elif self._interruption.asked and seconds > _GRACE:  # devices can only save after the same mini-batch
            self._interruption.end()


def _channels(settings: TrainSettings) -> int:
    """Return the channels of a network's input."""
    return SAMPLINGS[settings.sampling.kind](settings.sampling).channels + bool(settings.with_region)


def _pieces(slices: Sequence[Path], settings: TrainSettings, sampling: Sampling) -> Pieces:
    """Return what the training sees: pieces of exams, or of phantoms that are drawn."""
    recipe = settings.training
    if recipe.drawn is None:
        return sampling.dataset(slices, settings.seed)
    count = (recipe.batches_per_epoch or 1) * recipe.batch_size
    return DRAWN[recipe.drawn.kind](recipe.drawn, settings.drawn_as, sampling.shape(0), count, settings.seed)


def _going_on(epochs: int, part: Part) -> str:
    if part.batches:
        return f"going on after epoch {epochs}, batch {part.batches}"
    return f"going on after epoch {epochs}" if epochs else "starting"


def _mixed(*numbers: int) -> int:
    """Mix whole numbers into one seed."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))
