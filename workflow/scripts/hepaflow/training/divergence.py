"""Trainings that leave the finite numbers: noticed, and ended with a message."""

import math

import torch
from torch import nn

from hepaflow.errors import UserError


def check_loss(loss: float, epoch: int) -> None:
    """Raise a UserError if a loss is no finite number.

    Parameters
    ----------
    loss : float
    epoch : int
        Counted from 0.
    """
    if not math.isfinite(loss):
        raise _diverged(f"a training loss of {loss}", epoch)


def check_weights(network: nn.Module, epoch: int) -> None:
    """Raise a UserError if a weight or a statistic of a network is no finite number.

    Parameters
    ----------
    network : Module
    epoch : int
        Counted from 0.
    """
    numbers = [value for value in network.state_dict().values() if value.is_floating_point()]
    if not torch.stack([value.isfinite().all() for value in numbers]).all():
        raise _diverged("weights that are no finite numbers", epoch)


def _diverged(found: str, epoch: int) -> UserError:
    return UserError(
        f"{found}, in epoch {epoch + 1}",
        expected="finite numbers",
        remedy="lower the learning rate, or train in fp32; the last state with finite numbers is kept",
    )
