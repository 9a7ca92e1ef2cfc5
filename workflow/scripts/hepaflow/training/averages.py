"""Averages of a network's weights over the steps of its training."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from hepaflow.settings import average as kinds

Update = Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]
"""Brings averaged tensors up to date with those after a step, of which so many were averaged before; in place."""


def make_average(network: nn.Module, chosen: kinds.Average) -> AveragedModel:
    """Return an average of a network, which is that network as it is after the first step.

    Statistics of batch normalisation are averaged like the weights, whose activations they describe; their counts
    of mini-batches are copied.

    Parameters
    ----------
    network : Module
        On the device where it is trained. After each step, `update_parameters` wants it again.
    chosen : Average

    Returns
    -------
    AveragedModel
        In evaluation mode; `module` is the averaged network, laid out in memory as the other.
    """
    update = AVERAGES[chosen.kind](chosen)

    def updated(averaged: Sequence[Tensor], current: Sequence[Tensor], steps: Tensor | int) -> None:
        if averaged[0].is_floating_point():
            update(averaged, current, steps)
        else:
            for count, now in zip(averaged, current, strict=True):
                count.copy_(now)

    return AveragedModel(network, multi_avg_fn=updated, use_buffers=True).requires_grad_(False).eval()


def _ema(chosen: kinds.EMA) -> Update:
    """Return the exponential moving average (Tarvainen and Valpola 2017, equation 1)."""
    update: Update = get_ema_multi_avg_fn(chosen.decay)
    return update


AVERAGES: dict[str, Callable[..., Update]] = {"ema": _ema}
"""The averages by the names they have in the settings."""
