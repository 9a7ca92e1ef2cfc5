"""Networks: training beside a bare loop, prediction beside one slice at a time, other precisions and layouts."""

import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal, NoReturn
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch
from torch import nn

from benchmarks.loading import write_epoch
from benchmarks.scale import Scale
from benchmarks.side_by_side import Comparison, digits, in_turn, seconds, stopwatch, table
from hepaflow.networks.compute import make_fabric, memory_format, prepare
from hepaflow.networks.network import build_network
from hepaflow.networks.operations import GMACS
from hepaflow.preprocessing.slices import FULL, SliceFile, SliceStack
from hepaflow.sampling.predictor import Predictor
from hepaflow.sampling.slices import normalise
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.head import HeadSettings
from hepaflow.settings.network import NetworkSettings
from hepaflow.settings.sampling import Slices
from hepaflow.settings.training import Precision, TrainingSettings, TrainSettings
from hepaflow.settings.workflow import THESIS_BACKBONES
from hepaflow.training.losses import criterion_of
from hepaflow.training.trainer import Trainer, train_network
from hepaflow.volumes.box import Box

SIDE = 64
BATCH = 4
STEPS = 3
COMPUTE = ComputeSettings(accelerator="cpu", workers=0)


def write_slices(path: Path, slices: int, side: int = SIDE) -> None:
    """Write noise with half of it as mask."""
    image = np.random.default_rng(0).integers(0, FULL, (slices, side, side), np.uint16)
    SliceStack(image, image > FULL // 2, Box.whole(image.shape), image.shape).save(path)


def train_barely(path: Path, settings: TrainSettings) -> float:
    """Take the same number of steps, with data in memory and nothing else; return their seconds."""
    file = SliceFile(path)
    images, masks = normalise(file.image()).unsqueeze_(1), torch.from_numpy(file.mask()).float()[:, None]
    torch.manual_seed(settings.seed)
    network = build_network(settings.network)
    recipe = settings.training
    optimizer = torch.optim.SGD(network.parameters(), lr=recipe.learning_rate, momentum=recipe.momentum)
    criterion = criterion_of(recipe.loss)
    network.train()
    began = time.perf_counter()
    for _ in range(recipe.epochs):
        for batch in torch.randperm(len(images)).split(recipe.batch_size):
            loss = criterion(network(images[batch]), masks[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return time.perf_counter() - began


def measure(scratch: Path, scale: Scale) -> list[Comparison]:
    """Compare each of the four networks of the thesis."""
    scratch.mkdir(parents=True, exist_ok=True)
    path = scratch / "noise.safetensors"
    write_slices(path, BATCH * STEPS)
    found, predictors, alone, in_bf16 = [], [], [], []
    backbones = list(THESIS_BACKBONES.values())[-scale.networks :]
    operations = sum(2 * GMACS[backbone.arch] for backbone in backbones)  # 10⁹ of a slice of 256×256
    for backbone in backbones:
        network = _untrained(backbone.arch)
        training = TrainingSettings(
            epochs=1, batch_size=BATCH, learning_rate=0.01, decay_factor=1.0, decay_every=1
        )
        settings = TrainSettings(network=network, training=training, precision="fp32", seed=0)
        found.append(
            in_turn(
                f"{backbone.arch}: {STEPS} training steps of {BATCH} slices of {SIDE}×{SIDE}",
                "a bare PyTorch loop on data in memory",
                "≥ 0.97",
                _training(path, settings, scratch),
                partial(train_barely, path, settings),
                rounds=scale.rounds,
                note="the epoch's own seconds; neither building the network nor saving it counts",
                clock=lambda work: work(),
            )
        )
        built = build_network(network)
        predictors.append(_predictor(built, "fp32"))
        alone.append(_predictor(built, "fp32", at_once=1))
        in_bf16.append(_predictor(built, "bf16"))
        found.append(
            in_turn(
                f"{backbone.arch}: maps of {BATCH * STEPS} slices of {SIDE}×{SIDE}",
                "the same network, slice by slice",
                "≥ 2",
                _drawing(predictors[-1:], SliceFile(path)),
                _drawing(alone[-1:], SliceFile(path)),
                rounds=scale.rounds,
            )
        )
    for side, slices, ours, how in (
        (SIDE, BATCH * STEPS, predictors, ""),
        (256, BATCH, predictors, ""),
        (256, BATCH, in_bf16, ", in bf16"),
    ):
        path = scratch / f"noise-{side}.safetensors"
        write_slices(path, slices, side)
        comparison = in_turn(
            f"these networks, one after another: maps of {slices} slices of {side}×{side}{how}",
            f"the same networks, slice by slice{how and ', in fp32'}",
            "≥ 2",
            _drawing(ours, SliceFile(path)),
            _drawing(alone, SliceFile(path)),
            rounds=scale.rounds,
        )
        rate = operations * slices * (side / 256) ** 2 / statistics.median(comparison.ours)
        note = f"ours: {digits(rate)} GFLOP/s; a product of large matrices in fp32: {digits(_rate_of_products())}"
        found.append(replace(comparison, note=note))
    return found


def _rate_of_products() -> float:
    """Return the GFLOP/s that a product of large matrices reaches: what is left to gain is no more than that."""
    side = 2048
    matrix = torch.rand(side, side)
    best = min(stopwatch(lambda: matrix @ matrix) for _ in range(5))
    return 2 * side**3 / best / 1e9


def layouts(scale: Scale) -> list[Comparison]:
    """Compare training steps with those of the thesis to the letter, the demo's networks first."""
    archs = ["densenet121", "inception_v3", "resnet50", "resnext50_32x4d"]
    if scale.networks > 1:
        archs += [backbone.arch for backbone in THESIS_BACKBONES.values() if backbone.arch not in archs]
    found = []
    what = f"{STEPS} training steps of {BATCH} slices of {SIDE}×{SIDE}"
    for arch in archs:
        plain = _steps(arch, "fp32", channels_last=False)
        for precision in ("fp32", "bf16"):
            found.append(
                in_turn(
                    f"{arch}: {what}, {precision}, channels last",
                    "fp32, channels first",
                    "> 1",
                    _steps(arch, precision, channels_last=True),
                    plain,
                    rounds=min(scale.rounds, 3),
                )
            )
    return found


def _untrained(arch: str) -> NetworkSettings:
    return NetworkSettings(arch=arch, weights="none", head=HeadSettings())


def _predictor(network: nn.Module, precision: Precision, at_once: int | Literal["auto"] = "auto") -> Predictor:
    compute = COMPUTE.model_copy(update={"predict_batch_size": at_once})
    return Predictor(network, Slices(), make_fabric(precision, compute), compute)


def _steps(arch: str, precision: Precision, *, channels_last: bool) -> Callable[[], None]:
    compute = COMPUTE.model_copy(update={"channels_last": channels_last})
    network = build_network(_untrained(arch))
    sgd = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9)
    fabric = make_fabric(precision, compute)
    model, optimizer = fabric.setup(prepare(network, compute), sgd)
    images = (torch.rand(BATCH, 1, SIDE, SIDE) * 2 - 1).to(memory_format=memory_format(network, compute))
    masks = (images > 0).float()

    def work() -> None:
        for _ in range(STEPS):
            loss = criterion_of("bce")(model(images), masks)
            optimizer.zero_grad()
            fabric.backward(loss)
            optimizer.step()

    return work


def first_batches(scratch: Path, scale: Scale) -> str:
    """Time every network from the call that trains it, with its modules imported, to its first batch; a table."""
    paths = write_epoch(scratch / "first", scale.exams)
    rows = []
    for backbone in list(THESIS_BACKBONES.values())[-scale.networks :]:
        times = [_first_batch(paths, backbone.arch, scratch) for _ in range(scale.starts)]
        rows.append([backbone.arch, seconds(statistics.median(times)), "2 s"])
    return table(["network", f"to the first batch of {scale.exams} exams", "aim: under"], rows)


def _first_batch(paths: list[Path], arch: str, folder: Path) -> float:
    class ReachedError(Exception):
        pass

    def reached(*_: object) -> NoReturn:
        raise ReachedError

    network = NetworkSettings(arch=arch, weights="none", head=HeadSettings())
    recipe = TrainingSettings(epochs=1, learning_rate=0.01, decay_factor=1.0, decay_every=1)
    settings = TrainSettings(network=network, training=recipe, precision="fp32", seed=0)
    with patch.object(Trainer, "_to_device", reached):
        began = time.perf_counter()
        try:
            train_network(
                paths,
                settings,
                code="",
                output=folder / "first.safetensors",
                history=folder / "first.csv",
                compute=COMPUTE,
            )
        except ReachedError:
            return time.perf_counter() - began
    raise AssertionError("no batch was asked for")


def _training(path: Path, settings: TrainSettings, folder: Path) -> Callable[[], float]:
    def work() -> float:
        history = folder / "history.csv"
        shutil.rmtree(folder / "trained.training", ignore_errors=True)  # else it would go on from its own end
        train_network(
            [path],
            settings,
            code="",
            output=folder / "trained.safetensors",
            history=history,
            compute=COMPUTE,
        )
        return float(pd.read_csv(history)["seconds"].sum())

    return work


def _drawing(predictors: list[Predictor], slices: SliceFile) -> Callable[[], object]:
    """Return what draws the maps of some networks."""
    return lambda: [predictor.map(slices) for predictor in predictors]
