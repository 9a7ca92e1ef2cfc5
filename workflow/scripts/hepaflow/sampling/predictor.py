"""Maps that a trained network draws."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import combinations
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from hepaflow.masks.map import FULL, HALF
from hepaflow.networks.compute import memory_format, prediction_batch, prepare
from hepaflow.networks.network import build_network
from hepaflow.networks.rounded import rounded_file
from hepaflow.networks.weights import load_weights
from hepaflow.sampling.protocol import Slices
from hepaflow.sampling.registry import SAMPLINGS
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.sampling import Sampling
from hepaflow.settings.training import PredictSettings


class Predictor:
    """A trained network, ready to draw maps.

    Parameters
    ----------
    network : Module
        Maps pieces (b, c, ...) in [-1, 1] to logits (b, 1, ...).
    sampling : Sampling
        How an exam is shown to it.
    fabric : Fabric
        Device and precision.
    compute : ComputeSettings
    flips : sequence of str, optional
        How pieces are mirrored, too; a map is then the mean over all ways.
    """

    def __init__(
        self,
        network: nn.Module,
        sampling: Sampling,
        fabric: Fabric,
        compute: ComputeSettings,
        flips: Sequence[str] = (),
    ) -> None:
        self._fabric, self._compute = fabric, compute
        self._sampling = SAMPLINGS[sampling.kind](sampling)
        network.eval()
        self._layout = memory_format(network, compute, self._sampling.dimensions)
        axes = [_AXES[flip] for flip in flips]
        self._mirrored = [some for count in range(1, len(axes) + 1) for some in combinations(axes, count)]
        self._model: Any = fabric.setup_module(prepare(network, compute, self._sampling.dimensions))

    @property
    def device(self) -> torch.device:
        """Where the network computes."""
        return self._fabric.device

    @torch.inference_mode()
    def map(self, exam: Slices, progress: Callable[[int], object] | None = None) -> NDArray[np.uint8]:
        """Return the map of an exam (`hepaflow.masks.map`).

        Parameters
        ----------
        exam : Slices
        progress : callable, optional
            Told again and again how many further slices are done.

        Returns
        -------
        ndarray of uint8, of the exam's shape
        """
        at_once = prediction_batch(self._compute, prod(self._sampling.shape(exam.size)))
        return self._sampling.map(exam, self, at_once, progress)

    def maps(self, pieces: Tensor) -> NDArray[np.uint8]:
        """Return the maps (b, h, w) of pieces (b, c, h, w) in [-1, 1]."""
        batch = pieces.to(self._fabric.device).to(memory_format=self._layout)
        found: NDArray[np.uint8] = self._map(batch).squeeze(1).cpu().numpy()
        return found

    def above_half(self, pieces: Tensor) -> Tensor:
        """Return by how much probabilities exceed one half: (b, 1, ...) of pieces (b, c, ...) in [-1, 1].

        Its sign is that of the logit, however small that is.
        """
        batch = pieces.to(self._fabric.device).to(memory_format=self._layout)
        found = _above_half(self._model(batch))
        for axes in self._mirrored:
            found += _above_half(self._model(batch.flip(axes))).flip(axes)
        return found / (1 + len(self._mirrored))

    def _map(self, batch: Tensor) -> Tensor:
        """Return the maps of pieces, (b, 1, h, w), on their device."""
        logits = self._model(batch)
        if not self._mirrored:
            return _map(logits)
        found = logits.float().sigmoid()
        for axes in self._mirrored:
            found += self._model(batch.flip(axes)).float().sigmoid().flip(axes)
        mean = found / (1 + len(self._mirrored))
        return _bytes(mean, mean > 0.5)


def trained(
    settings: PredictSettings,
    weights: Path,
    fabric: Fabric,
    compute: ComputeSettings,
    content: bytes | None = None,
) -> Predictor:
    """Return what draws the maps of a trained network.

    Parameters
    ----------
    settings : PredictSettings
    weights : Path
        File of its weights.
    fabric : Fabric
        Device and precision.
    compute : ComputeSettings
    content : bytes, optional
        The weights, rounded if they are to be, where they were read already; the path then only says from where.

    Raises
    ------
    UserError
        If the weights are damaged, or another network's.
    """
    channels = SAMPLINGS[settings.sampling.kind](settings.sampling).channels + bool(settings.with_region)
    network = build_network(settings.network, channels)
    if settings.weights and content is None:
        with suppress(OSError):  # which `load_weights` tells of
            content = rounded_file(weights)
    load_weights(network, weights, content)
    return Predictor(network, settings.sampling, fabric, compute, settings.flips or ())


_AXES = {"horizontal": -1, "vertical": -2, "axial": -3}


def _above_half(logits: Tensor) -> Tensor:
    return logits.float().mul(0.5).tanh().mul(0.5)  # the probability itself would round to one half


def _map(logits: Tensor) -> Tensor:
    """Return the map of logits as `hepaflow.masks.map.map_of` does, on their device."""
    return _bytes(logits.float().sigmoid(), logits > 0)


def _bytes(probability: Tensor, inside: Tensor) -> Tensor:
    """Return probabilities as bytes, at least `HALF` where they exceed one half, and less elsewhere."""
    rounded = probability.mul(FULL).round().to(torch.uint8)
    return torch.where(inside, rounded.clamp(min=HALF), rounded.clamp(max=HALF - 1))
