"""Optimisers: what makes a step of a mini-batch's gradient."""

from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch.optim import Optimizer

from hepaflow.settings import optimiser as kinds
from hepaflow.settings.training import TrainingSettings

Parameters = Iterable[nn.Parameter]


def make_optimiser(parameters: Parameters, training: TrainingSettings) -> Optimizer:
    """Return the optimiser of a training; without a choice the thesis' SGD (4.6.1).

    Its learning rate is that of the settings; :func:`hepaflow.training.schedules.learning_rate` changes it.
    """
    chosen = training.optimiser
    if chosen is None:
        return torch.optim.SGD(parameters, lr=training.learning_rate, momentum=training.momentum)
    return OPTIMISERS[chosen.kind](parameters, training, chosen)


def _sgd(parameters: Parameters, training: TrainingSettings, chosen: kinds.SGD) -> Optimizer:
    """Return stochastic gradient descent with momentum (Sutskever et al. 2013)."""
    return torch.optim.SGD(
        parameters,
        lr=training.learning_rate,
        momentum=training.momentum,
        weight_decay=chosen.weight_decay,
        nesterov=chosen.nesterov,
    )


def _adamw(parameters: Parameters, training: TrainingSettings, chosen: kinds.AdamW) -> Optimizer:
    """Return Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""
    return torch.optim.AdamW(
        parameters, lr=training.learning_rate, betas=chosen.betas, weight_decay=chosen.weight_decay
    )


OPTIMISERS: dict[str, Callable[..., Optimizer]] = {"sgd": _sgd, "adamw": _adamw}
"""The optimisers by the names they have in the settings."""
