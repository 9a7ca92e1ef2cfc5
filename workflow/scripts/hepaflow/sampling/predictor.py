"""Masks that a trained network draws."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import nn

from hepaflow.networks.compute import memory_format, prediction_batch, prepare
from hepaflow.sampling.slices import normalise
from hepaflow.settings.compute import ComputeSettings


class Slices(Protocol):
    """Slices of one exam, in a file or in memory."""

    @property
    def size(self) -> int:
        """Rows and columns."""

    def __len__(self) -> int: ...

    def image(self, index: slice) -> NDArray[np.float32]:
        """Return several slices, pixels in [0, 1]."""


class Predictor:
    """A trained network, ready to draw masks.

    Parameters
    ----------
    network : Module
        Maps (b, 1, h, w) in [-1, 1] to logits of the same shape.
    fabric : Fabric
        Device and precision.
    compute : ComputeSettings
    """

    def __init__(self, network: nn.Module, fabric: Fabric, compute: ComputeSettings) -> None:
        self._fabric, self._compute = fabric, compute
        self._layout = memory_format(compute, training=False)
        self._model: Any = fabric.setup_module(prepare(network.eval(), compute))

    @torch.inference_mode()
    def masks(self, slices: Slices, progress: Callable[[int], object] | None = None) -> NDArray[np.bool_]:
        """Segment all slices of an exam: a pixel is set where its probability is above one half.

        Parameters
        ----------
        slices : Slices
        progress : callable, optional
            Told after every batch how many slices it had.

        Returns
        -------
        ndarray of bool, shape (slices, size, size)
        """
        masks = np.empty((len(slices), slices.size, slices.size), bool)
        step = prediction_batch(self._compute, slices.size)
        for first in range(0, len(slices), step):
            batch = normalise(slices.image(slice(first, first + step))).to(self._fabric.device)
            batch = batch.to(memory_format=self._layout)
            masks[first : first + step] = (self._model(batch) > 0).squeeze(1).cpu().numpy()
            if progress:
                progress(len(batch))
        return masks
