"""Training steps beside a bare loop in PyTorch, and prediction of a whole exam beside one slice at a time."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.scale import Scale
from benchmarks.side_by_side import Comparison, in_turn
from hepaflow.box import Box
from hepaflow.compute import make_fabric
from hepaflow.dataset import normalise
from hepaflow.inference import Predictor
from hepaflow.losses import LOSSES
from hepaflow.networks.network import build_network
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.head import HeadSettings
from hepaflow.settings.network import NetworkSettings
from hepaflow.settings.training import TrainingSettings, TrainSettings
from hepaflow.settings.workflow import THESIS_BACKBONES
from hepaflow.slices import FULL, SliceFile, SliceStack
from hepaflow.training import train_network

SIDE = 64
BATCH = 4
STEPS = 3
COMPUTE = ComputeSettings(accelerator="cpu", workers=0)


def write_slices(path: Path, slices: int) -> None:
    """Write noise with half of it as mask."""
    image = np.random.default_rng(0).integers(0, FULL, (slices, SIDE, SIDE), np.uint16)
    SliceStack(image, image > FULL // 2, Box.whole(image.shape), image.shape).save(path)


def train_barely(path: Path, settings: TrainSettings) -> None:
    """Take the same number of steps, with data in memory and nothing else, and save the weights."""
    file = SliceFile(path)
    images, masks = normalise(file.image()), torch.from_numpy(file.mask()).float()[:, None]
    torch.manual_seed(settings.seed)
    network = build_network(settings.network)
    recipe = settings.training
    optimizer = torch.optim.SGD(network.parameters(), lr=recipe.learning_rate, momentum=recipe.momentum)
    network.train()
    for _ in range(recipe.epochs):
        for batch in torch.randperm(len(images)).split(recipe.batch_size):
            loss = LOSSES[recipe.loss](network(images[batch]), masks[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        torch.save(network.state_dict(), Path(folder) / "weights.pt")


def measure(scratch: Path, scale: Scale) -> list[Comparison]:
    """Compare each of the four networks of the thesis."""
    scratch.mkdir(parents=True, exist_ok=True)
    path = scratch / "noise.safetensors"
    write_slices(path, BATCH * STEPS)
    rounds = min(scale.rounds, 3)
    found = []
    for backbone in list(THESIS_BACKBONES.values())[-scale.networks :]:
        network = NetworkSettings(arch=backbone.arch, weights="none", head=HeadSettings())
        training = TrainingSettings(
            epochs=1, batch_size=BATCH, learning_rate=0.01, decay_factor=1.0, decay_every=1
        )
        settings = TrainSettings(network=network, training=training, precision="fp32", seed=0)
        found.append(
            in_turn(
                f"{backbone.arch}: building it, {STEPS} steps of {BATCH} slices of {SIDE}×{SIDE}, saving",
                "a bare PyTorch loop on data in memory",
                "≥ 0.97",
                _training(path, settings, scratch),
                lambda settings=settings: train_barely(path, settings),
                rounds=rounds,
                note="ours saves its state as well, from which it could resume",
            )
        )
        predictor = Predictor(build_network(network), make_fabric("fp32", COMPUTE), COMPUTE)
        ours, theirs = _predictions(predictor, SliceFile(path))
        found.append(
            in_turn(
                f"{backbone.arch}: masks of {BATCH * STEPS} slices of {SIDE}×{SIDE}",
                "the same network, slice by slice",
                "≥ 2",
                ours,
                theirs,
                rounds=rounds,
            )
        )
    return found


def _training(path: Path, settings: TrainSettings, folder: Path) -> Callable[[], None]:
    def work() -> None:
        train_network(
            [path],
            settings,
            code="",
            output=folder / "trained.safetensors",
            history=folder / "history.csv",
            compute=COMPUTE,
        )

    return work


def _predictions(predictor: Predictor, slices: SliceFile) -> tuple[Callable[[], object], Callable[[], object]]:
    network = predictor._model

    @torch.inference_mode()
    def one_by_one() -> list[np.ndarray]:
        return [
            (network(normalise(slices.image(slice(index, index + 1)))) > 0).numpy() for index in range(len(slices))
        ]

    return (lambda: predictor.masks(slices)), one_by_one
