"""What child processes do: say what they run on, write slices, train, and predict.

Trainings and predictions go through the code that the workflow's jobs go through. Each function returns what JSON
can hold.
"""

import copy
import os
import platform
import re
import resource
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from gpu.scale import Scale
from gpu.slices import write_slices
from hepaflow.files import sha256
from hepaflow.masks.map import mask_of
from hepaflow.networks.compute import make_fabric, on_gpu
from hepaflow.networks.network import build_network
from hepaflow.networks.weights import load_weights
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.sampling.predictor import Predictor
from hepaflow.sampling.registry import SAMPLINGS
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.training import TrainSettings
from hepaflow.training import trainer
from hepaflow.training.trainer import Trainer, train_network

LIBRARIES = ("torch", "torchvision", "lightning-fabric", "monai", "numpy", "triton")


def machine() -> dict[str, Any]:
    """Return what this runs on; `gpu` is None without CUDA."""
    cuda = torch.cuda.is_available()
    return {
        "gpu": torch.cuda.get_device_name() if cuda else None,
        "gpu_gib": round(torch.cuda.get_device_properties(0).total_memory / 2**30, 1) if cuda else None,
        "cuda": torch.version.cuda if cuda else None,
        "cudnn": torch.backends.cudnn.version() if cuda else None,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in LIBRARIES},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def write(folder: Path, slices: Mapping[str, int], size: int, exams: int) -> dict[str, list[str]]:
    """Write slices for trainings and predictions.

    Parameters
    ----------
    folder : Path
    slices : mapping of str to int
        How many slices under each name.
    size : int
        Rows and columns.
    exams : int
        Files that they are spread over.

    Returns
    -------
    dict
        The files under each name.
    """
    found = {}
    for seed, (name, count) in enumerate(slices.items()):
        shares = [len(part) for part in np.array_split(np.arange(count), exams)]
        found[name] = [
            str(write_slices(folder / f"{name}{number}.safetensors", share, size, seed * exams + number))
            for number, share in enumerate(shares)
        ]
    return found


@dataclass
class Watched:
    """What is noted of a training.

    Attributes
    ----------
    losses : list of Tensor
        One a mini-batch.
    slices : int
        Of the newest mini-batch.
    waited, ended : list of list of float
        For each epoch: seconds that each mini-batch was waited for, and the time at which its step ended.
    """

    losses: list[Tensor] = field(default_factory=list)
    slices: int = 0
    waited: list[list[float]] = field(default_factory=list)
    ended: list[list[float]] = field(default_factory=list)


@contextmanager
def watching(*, kill: tuple[int, int] | None) -> Iterator[Watched]:
    """Note the times of every step of a training, and wait for the GPU after each.

    Parameters
    ----------
    kill : tuple of int, or None
        Epoch and mini-batch, from 1, in which this process kills itself as a machine would (SIGKILL).
    """
    seen = Watched()
    arriving, step = trainer.arriving, Trainer._step  # type: ignore[attr-defined]

    def timed(*arguments: Any) -> Iterator[Any]:
        batches = arriving(*arguments)
        seen.waited.append([])
        seen.ended.append([])
        while True:
            began = time.perf_counter()
            try:
                batch = next(batches)
            except StopIteration:
                return
            seen.waited[-1].append(time.perf_counter() - began)
            yield batch

    def watched(self: Trainer, images: Tensor, *others: Any) -> Tensor:
        if kill == (len(seen.ended), len(seen.ended[-1]) + 1):
            os.kill(os.getpid(), signal.SIGKILL)
        loss = step(self, images, *others)
        _synchronise()
        seen.losses.append(loss)
        seen.slices = len(images)
        seen.ended[-1].append(time.perf_counter())
        return loss

    trainer.arriving, Trainer._step = timed, watched  # type: ignore[assignment, attr-defined, method-assign]
    try:
        yield seen
    finally:
        trainer.arriving, Trainer._step = arriving, step  # type: ignore[attr-defined, method-assign]


def train(
    folder: Path,
    slices: list[str],
    settings: TrainSettings,
    compute: ComputeSettings,
    kill: tuple[int, int] | None,
) -> dict[str, Any]:
    """Train a network into a folder; a training that was killed there goes on.

    Returns
    -------
    dict
        `images_per_second` and the share of the time that was spent `waiting` for slices, both of the last epoch
        without its first mini-batch; the seconds of the very first step; the loss of every step; `gib`, the most
        memory that torch allocated on the card (on the CPU, of the process); the digest of the weights; and which
        operations said that they have no deterministic algorithm.
    """
    folder.mkdir(exist_ok=True)
    began = time.perf_counter()
    weights = folder / "network.safetensors"
    with warnings.catch_warnings(record=True) as caught, watching(kill=kill) as seen:
        warnings.simplefilter("always")
        train_network(
            [Path(path) for path in slices],
            settings,
            code="",
            output=weights,
            history=folder / "history.csv",
            compute=compute,
            threads=_threads(compute),
        )
    waited, ended = seen.waited[-1][1:], seen.ended[-1]
    took = ended[-1] - ended[0]
    return {
        "images_per_second": round(len(waited) * seen.slices / took, 2) if waited else None,
        "waiting": round(sum(waited) / took, 4) if waited else None,
        "first_step_seconds": round(seen.ended[0][0] - began, 2),
        "losses": [round(float(loss), 5) for loss in seen.losses],
        "gib": _peak_gib(compute),
        "sha256": sha256(weights),
        "without_deterministic": sorted(_without_deterministic(str(one.message) for one in caught)),
    }


def _without_deterministic(told: Iterator[str]) -> set[str]:
    """Return the operations that warned, as torch names them."""
    found = (re.match(r"(\S+) does not have a deterministic implementation", text) for text in told)
    return {match[1] for match in found if match}


class Shifted(nn.Module):
    """A network whose logits are shifted: where it is trained for a moment, its masks could be empty.

    Parameters
    ----------
    network : Module
    by : float
        What is subtracted.
    """

    def __init__(self, network: nn.Module, by: float) -> None:
        super().__init__()
        self.network, self.by = network, by

    def forward(self, x: Tensor) -> Tensor:
        """Map slices to shifted logits."""
        logits: Tensor = self.network(x) - self.by
        return logits


FOREGROUND = 0.1
"""Share of the pixels that the CPU's masks have."""


def predict(
    weights: Path, slices: Mapping[str, list[str]], settings: TrainSettings, scale: Scale
) -> dict[str, Any]:
    """Predict with trained weights in every precision and layout, and compare the masks with the CPU's in fp32.

    Returns
    -------
    dict
        `spread` is the standard deviation of the CPU's logits. Each of `ways` has `images_per_second`, `gib`, the
        share of `differing` pixels, and the largest absolute logit of these, by the CPU, in units of `spread`.
    """
    compared, timed = SliceFile(slices["compared"][0]), SliceFile(slices["predicted"][0])
    network = _untrained(settings)
    load_weights(network, weights)
    on_cpu = ComputeSettings(accelerator="cpu", workers=0)
    fabric = make_fabric("fp32", on_cpu, threads=os.cpu_count())
    logits = _logits(network.eval(), compared, settings)
    by = float(np.quantile(logits, 1 - FOREGROUND))
    logits -= by
    shifted = Shifted(network, by)
    expected = mask_of(_predictor(shifted, fabric, on_cpu, settings).map(compared))
    ways = []
    for precision in ("fp32", "tf32", "bf16"):
        for last in (False, True):
            compute = ComputeSettings(
                accelerator=scale.accelerator, workers=0, channels_last=last, predict_batch_size=scale.at_once
            )
            fabric = make_fabric(precision, compute, threads=_threads(compute))
            _forget_peak(compute)
            predictor = _predictor(shifted, fabric, compute, settings)
            unlike = beside(mask_of(predictor.map(compared)), expected, logits)
            predictor.map(timed)
            seconds = _seconds(partial(predictor.map, timed))
            ways.append(
                {
                    "precision": precision,
                    "channels_last": last,
                    "images_per_second": round(len(timed) / seconds, 2),
                    "gib": _peak_gib(compute),
                    **unlike,
                }
            )
            del predictor
    return {"spread": float(logits.std()), "foreground": float(expected.mean()), "ways": ways}


def beside(mask: NDArray[np.bool_], expected: NDArray[np.bool_], logits: NDArray[np.float64]) -> dict[str, float]:
    """Compare a mask with that which a network's logits give.

    Returns
    -------
    dict
        The share of `differing` pixels, and the `largest` of their absolute logits, in standard deviations of all.
    """
    differing = mask != expected
    largest = np.abs(logits[differing]).max(initial=0) / logits.std()
    return {"differing": float(differing.mean()), "largest": float(largest)}


def _untrained(settings: TrainSettings) -> nn.Module:
    return build_network(settings.network, SAMPLINGS[settings.sampling.kind](settings.sampling).channels)


@torch.inference_mode()
def _logits(network: nn.Module, exam: SliceFile, settings: TrainSettings) -> NDArray[np.float64]:
    """Return a network's logits of an exam, (slices, size, size), as this process' CPU computes them."""
    pieces = SAMPLINGS[settings.sampling.kind](settings.sampling).pieces(exam, 2)
    found: NDArray[np.float64] = torch.cat([network(piece).squeeze(1) for _, piece in pieces]).double().numpy()
    return found


def _predictor(network: nn.Module, fabric: Fabric, compute: ComputeSettings, settings: TrainSettings) -> Predictor:
    return Predictor(copy.deepcopy(network), settings.sampling, fabric, compute)  # it moves what it gets


def _threads(compute: ComputeSettings) -> int | None:
    """Return the CPU threads of what is measured: on the CPU one, as several are measured side by side."""
    return None if on_gpu(compute) else 1


def _seconds(work: Callable[[], object]) -> float:
    _synchronise()
    began = time.perf_counter()
    work()
    _synchronise()
    return time.perf_counter() - began


def _synchronise() -> None:
    """Wait for what a GPU still has to do."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def _forget_peak(compute: ComputeSettings) -> None:
    if on_gpu(compute):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _peak_gib(compute: ComputeSettings) -> float:
    if on_gpu(compute):
        return round(torch.cuda.max_memory_allocated() / 2**30, 2)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
