"""Maps that a trained network draws."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from hepaflow.masks.map import FULL, HALF
from hepaflow.networks.compute import memory_format, prediction_batch, prepare
from hepaflow.sampling.protocol import Slices
from hepaflow.sampling.registry import SAMPLINGS
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.sampling import Sampling


class Predictor:
    """A trained network, ready to draw maps.

    Parameters
    ----------
    network : Module
        Maps (b, 1, h, w) in [-1, 1] to logits of the same shape.
    sampling : Sampling
        How an exam is shown to it.
    fabric : Fabric
        Device and precision.
    compute : ComputeSettings
    """

    def __init__(self, network: nn.Module, sampling: Sampling, fabric: Fabric, compute: ComputeSettings) -> None:
        self._fabric, self._compute = fabric, compute
        self._sampling = SAMPLINGS[sampling.kind](sampling)
        self._layout = memory_format(compute, training=False)
        self._model: Any = fabric.setup_module(prepare(network.eval(), compute))

    @torch.inference_mode()
    def map(self, exam: Slices, progress: Callable[[int], object] | None = None) -> NDArray[np.uint8]:
        """Return the map of an exam (`hepaflow.masks.map`).

        Parameters
        ----------
        exam : Slices
        progress : callable, optional
            Told after every batch how many pieces it had.

        Returns
        -------
        ndarray of uint8, shape (slices, size, size)
        """
        return self._sampling.together(exam, self._found(exam, progress))

    def _found(
        self, exam: Slices, progress: Callable[[int], object] | None
    ) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
        for where, piece in self._sampling.pieces(exam, prediction_batch(self._compute, exam.size)):
            batch = piece.to(self._fabric.device).to(memory_format=self._layout)
            yield where, _map(self._model(batch)).squeeze(1).cpu().numpy()
            if progress:
                progress(len(batch))


def _map(logits: Tensor) -> Tensor:
    """Return the map of logits as `hepaflow.masks.map.map_of` does, on their device."""
    rounded = logits.float().sigmoid().mul(FULL).round().to(torch.uint8)
    return torch.where(logits > 0, rounded.clamp(min=HALF), rounded.clamp(max=HALF - 1))
