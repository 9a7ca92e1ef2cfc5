"""Training of one network: SGD over shuffled mini-batches, resumable after every one (thesis 4.6.1)."""

import hashlib
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
from torch import Tensor, nn
from torch.utils.data import DataLoader

from hepaflow.errors import UserError
from hepaflow.exams.folds import split_exams  # moved
from hepaflow.networks.compute import arithmetic, make_fabric, memory_format, prepare
from hepaflow.networks.network import build_network
from hepaflow.networks.weights import load_weights, save_weights
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.sampling.batches import EpochBatches
from hepaflow.sampling.slices import Batch, SliceDataset
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.training import TrainingSettings, TrainSettings
from hepaflow.training.devices import end_with_parent, shared, total
from hepaflow.training.history import Epoch, Part, progress, progress_within, write_history
from hepaflow.training.interruption import Interruption, ignore
from hepaflow.training.loading import BYTES, POLL, arriving, begin, fitting_workers, in_shared_memory
from hepaflow.training.losses import LOSSES, Loss
from hepaflow.training.schedules import learning_rate  # moved
from hepaflow.training.state import TrainingState

log = logging.getLogger(__name__)

Pause = Callable[[Callable[[], Part]], None]
"""Called after every mini-batch, with a function that returns what is done: saves it and ends, if asked to end."""

Wait = Callable[[Callable[[], Part], float], None]
"""The same while waiting for a mini-batch: called every few seconds, with the seconds of waiting so far."""

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

    Two runs on the CPU with the same inputs, settings, devices and threads write the same bytes, whether or not
    they were interrupted. The state is saved after every epoch. At SIGTERM it is saved after the current
    mini-batch, and the process ends: a killed training loses its current epoch, one that is asked to end loses
    nothing. Another number of devices gives the same network, except for rounding. The last state stays when
    the training is done, as its weights are only safe when its job has ended.

    Parameters
    ----------
    slices : sequence of Path
        Slices, with masks, of the training exams.
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
    fabric = make_fabric(settings.precision, compute, devices=compute.devices, threads=threads)
    fabric.launch()
    if not fabric.is_global_zero:
        end_with_parent()
    state = TrainingState(
        output.with_suffix(".training"),
        _recipe(slices, settings, code, start),
        arithmetic(compute, fabric.device),
    )
    with state.owned() if fabric.is_global_zero else nullcontext():
        fabric.barrier()
        network, epochs = _train(slices, settings, state, compute, start, fabric)
        if fabric.is_global_zero:
            with Interruption():
                save_weights(network, output, settings.canonical())
                write_history(history, epochs)
            state.keep_newest()  # Snakemake deletes what is written here, if the job ends before it is done
        else:
            ignore()  # of a SIGTERM to all, the first process is to decide what is still to be done
    fabric.barrier()
    return state.computed


def _train(
    slices: Sequence[Path],
    settings: TrainSettings,
    state: TrainingState,
    compute: ComputeSettings,
    start: Path | None,
    fabric: Fabric,
) -> tuple[nn.Module, list[Epoch]]:
    """Train from the last state, or from the start, to the end; return the network and its history."""
    recipe = settings.training
    dataset = SliceDataset(slices)
    training, validation = _loaders(dataset, settings, compute, fabric)

    torch.manual_seed(settings.seed)
    network = build_network(settings.network)
    if start is not None:
        load_weights(network, start)
    if fabric.world_size > 1:
        network = shared(network, fabric.device)
    sgd = torch.optim.SGD(network.parameters(), lr=recipe.learning_rate, momentum=recipe.momentum)
    model, optimizer = fabric.setup(prepare(network, compute), sgd)
    rows, part = state.load(network, sgd, lambda find: fabric.broadcast(find() if fabric.is_global_zero else None))
    epochs = [Epoch(**row) for row in rows]
    log.info(
        "%d slices of %d exams on %d × %s; %s",
        len(dataset),
        len(slices),
        fabric.world_size,
        fabric.device.type,
        _going_on(len(epochs), part),
    )

    def save(part: Part | None = None) -> None:
        if fabric.is_global_zero:
            state.save(network, sgd, [asdict(row) for row in epochs], part)

    with Interruption() as interruption:

        def pause(done: Callable[[], Part]) -> None:
            if _agreed(interruption.asked, fabric):
                part = done()
                save(part)
                log.info("asked to end: saved after epoch %d, batch %d", len(epochs), part.batches)
                fabric.barrier()  # the others end when the state is on the disk
                interruption.end()

        def wait(done: Callable[[], Part], seconds: float) -> None:
            if fabric.world_size == 1:
                pause(done)
            elif interruption.asked and seconds > _GRACE:  # devices can only save after the same mini-batch
                interruption.end()

        for epoch in range(len(epochs), recipe.epochs):
            rate = learning_rate(epoch, recipe)
            for group in optimizer.param_groups:
                group["lr"] = rate
            part = _train_epoch(model, optimizer, training, settings, epoch, compute, fabric, part, pause, wait)
            loss = part.loss / part.slices
            if not _finite(network):
                raise _diverged("weights that are no finite numbers", epoch)
            began = time.monotonic()
            held_out = (
                None
                if validation is None
                else _validation_loss(model, validation, recipe, compute, fabric, part, pause, wait)
            )
            seconds = part.seconds + time.monotonic() - began
            epochs.append(Epoch(epoch + 1, rate, loss, held_out, round(seconds, 3)))
            part = Part()
            log.info("%s", progress(epochs[-1], recipe.epochs))
            save()
            pause(Part)
    return network, epochs


def _diverged(found: str, epoch: int) -> UserError:
    return UserError(
        f"{found}, in epoch {epoch + 1}",
        expected="finite numbers",
        remedy="lower the learning rate, or train in fp32; the last state with finite numbers is kept",
    )


def _finite(network: nn.Module) -> bool:
    """Return whether all weights and statistics are finite numbers."""
    numbers = [value for value in network.state_dict().values() if value.is_floating_point()]
    return bool(torch.stack([value.isfinite().all() for value in numbers]).all())


def _going_on(epochs: int, part: Part) -> str:
    if part.batches:
        return f"going on after epoch {epochs}, batch {part.batches}"
    return f"going on after epoch {epochs}" if epochs else "starting"


def _agreed(asked: bool, fabric: Fabric) -> bool:
    """Return whether any device's process was asked to end: they save, and end, after the same mini-batch."""
    if fabric.world_size == 1:
        return asked
    votes: Any = fabric.all_reduce(torch.tensor(float(asked), device=fabric.device), reduce_op="sum")
    return bool(votes > 0)


def _recipe(slices: Sequence[Path], settings: TrainSettings, code: str, start: Path | None) -> str:
    """Digest everything that the result of a training depends on."""
    digest = hashlib.sha256(f"{settings.canonical()}\n{code}\n".encode())
    for path in slices:
        digest.update(f"{path.name} {SliceFile(path).sha256}\n".encode())
    pretrained = Path(settings.network.weights)
    for file in (start, pretrained if pretrained.is_file() else None):
        if file is not None:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _loaders(
    dataset: SliceDataset, settings: TrainSettings, compute: ComputeSettings, fabric: Fabric
) -> tuple[DataLoader[Batch], DataLoader[Batch] | None]:
    """Return loaders of the training slices and of the held-out ones, if any."""
    every = range(len(dataset))
    exam_of = np.array(dataset.exams_of(every))
    exams = np.unique(exam_of)  # those without slices can be neither trained on nor held out
    train, held_out = split_exams(len(exams), settings.training.validation_share, settings.seed)
    indices = np.flatnonzero(np.isin(exam_of, exams[train])).tolist()
    if len(indices) < 2:  # batch normalisation needs two samples
        raise UserError(
            f"{len(indices)} training slices",
            expected="at least 2",
            remedy="add training exams to the sheet",
        )
    if settings.training.batch_size < 2 * fabric.world_size:
        raise UserError(
            f"batches of {settings.training.batch_size} on {fabric.world_size} devices",
            expected=f"a batch_size of at least {2 * fabric.world_size}",
            remedy="raise batch_size, or train on fewer devices",
        )
    if settings.training.validation_share and not held_out:
        log.warning("a single training exam has slices: none is held out for validation")
    recipe, seed = settings.training, settings.seed
    shares = EpochBatches(indices, recipe.batch_size, seed, rank=fabric.global_rank, world=fabric.world_size)
    # A batch of these is one device's, for there may be fewer than devices.
    others = np.flatnonzero(np.isin(exam_of, exams[held_out])).tolist()
    whole = EpochBatches(others, recipe.batch_size, seed, shuffle=False)

    # A single last slice is taken into the batch before it.
    workers, ahead = fitting_workers(compute.workers, (recipe.batch_size + 1) * BYTES * dataset.size**2)

    def loader(batches: Any) -> DataLoader[Batch]:
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

    validation = loader(list(whole)[fabric.global_rank :: fabric.world_size]) if held_out else None
    return loader(shares), validation


def _to_device(batch: Batch, compute: ComputeSettings, fabric: Fabric) -> tuple[Tensor, Tensor]:
    images, masks = (part.to(fabric.device, non_blocking=True) for part in batch)
    return images.to(memory_format=memory_format(compute, training=True)), masks


def _train_epoch(
    model: Any,
    optimizer: Any,
    batches: DataLoader[Batch],
    settings: TrainSettings,
    epoch: int,
    compute: ComputeSettings,
    fabric: Fabric,
    part: Part,
    pause: Pause,
    wait: Wait,
) -> Part:
    """Train for the rest of an epoch, of which a part is done; return the whole."""
    criterion = _loss(settings.training, fabric)
    sampler = batches.sampler
    assert isinstance(sampler, EpochBatches)
    sampler.epoch, sampler.done = epoch, 0
    count = len(sampler)
    sampler.done = part.batches
    model.train()
    began = logged = time.monotonic()
    # What was done before counts once, not once a device.
    losses = torch.tensor(part.loss if fabric.is_global_zero else 0.0, dtype=torch.float64, device=fabric.device)
    seen = part.slices if fabric.is_global_zero else 0

    def so_far(batch: int) -> Part:
        loss, slices = _sums_over_devices(losses, seen, fabric)
        _check_loss(loss, epoch)  # the sum: before the first mini-batch there are no slices to divide it by
        return Part(batch, slices, loss, part.seconds + time.monotonic() - began)

    batch = part.batches
    loaded = arriving(batches, lambda seconds: wait(partial(so_far, batch), seconds))
    for batch, (images, masks) in enumerate(loaded, part.batches + 1):
        # Dropout is drawn from seed, epoch and batch alone: nothing random needs to be kept for resuming.
        torch.manual_seed(_mixed(settings.seed, epoch, batch, 0))
        images, masks = _to_device((images, masks), compute, fabric)  # (b, 1, h, w) each
        loss = criterion(model(images), masks)
        optimizer.zero_grad()
        fabric.backward(loss)
        optimizer.step()
        losses += loss.detach().double() * len(images)
        seen += len(images)
        pause(partial(so_far, batch))
        if batch % _LOOK_EVERY == 0:
            _check_loss(float(losses), epoch)
        if time.monotonic() - logged > _LOG_EVERY:
            logged = time.monotonic()
            here = Part(batch, seen, float(losses), part.seconds + logged - began)
            rate = optimizer.param_groups[0]["lr"]
            log.info("%s", progress_within(here, count, epoch + 1, settings.training.epochs, rate))
    return so_far(count)


def _loss(recipe: TrainingSettings, fabric: Fabric) -> Loss:
    """Return the loss of a mini-batch, which several devices may share."""
    criterion = LOSSES[recipe.loss]
    return criterion if fabric.world_size == 1 else partial(criterion, total=total)


def _check_loss(loss: float, epoch: int) -> None:
    if not np.isfinite(loss):
        raise _diverged(f"a training loss of {loss}", epoch)


@torch.no_grad()
def _validation_loss(
    model: Any,
    batches: DataLoader[Batch],
    recipe: TrainingSettings,
    compute: ComputeSettings,
    fabric: Fabric,
    part: Part,
    pause: Pause,
    wait: Wait,
) -> float:
    """Return the mean loss over the held-out slices, after an epoch's training."""
    criterion = LOSSES[recipe.loss]  # of whole batches, each on one device
    model.eval()
    # The wrapper would make devices wait for each other, which may have different numbers of batches here.
    network = model if fabric.world_size == 1 else model.module
    losses, seen = torch.zeros((), dtype=torch.float64, device=fabric.device), 0
    for batch in arriving(batches, lambda seconds: wait(lambda: part, seconds)):
        images, masks = _to_device(batch, compute, fabric)
        with fabric.autocast():
            logits = network(images)
        losses += criterion(logits, masks).double() * len(images)
        seen += len(images)
        if fabric.world_size == 1:
            pause(lambda: part)
    loss, slices = _sums_over_devices(losses, seen, fabric)
    return loss / slices


def _sums_over_devices(losses: Tensor, seen: int, fabric: Fabric) -> tuple[float, int]:
    summed: Any = fabric.all_reduce(torch.stack([losses, losses.new_tensor(seen)]), reduce_op="sum")
    return float(summed[0]), int(summed[1])


def _mixed(*numbers: int) -> int:
    """Mix whole numbers into one seed."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))
