"""Whether several devices would compute of a network what one computes.

They do if each slice goes through it by itself, but for the layers that `training/devices.py` replaces. A network
of MONAI may have others: it is tried, on the CPU.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from hepaflow.errors import UserError
from hepaflow.networks.from_monai import FromMonai, reason_of
from hepaflow.settings.monai import MonaiNetwork
from hepaflow.training.devices import BATCH_NORMS, DROPOUTS, shared

_TOLERANCE = 1e-3
"""What logits of a slice may differ by, relative to the largest, with others beside it: sums in another order."""


def check_alike(settings: MonaiNetwork, channels: int, shape: tuple[int, ...]) -> None:
    """Refuse a network of MONAI of which several devices would not compute what one does.

    Parameters
    ----------
    settings : MonaiNetwork
    channels : int
        Channels of the input.
    shape : tuple of int
        Rows and columns of a slice; or slices, rows and columns of a patch.

    Raises
    ------
    UserError
        Saying what keeps several devices from training it.
    """
    network = shared(FromMonai(settings, channels, len(shape)), torch.device("cpu")).train()
    reason = next(_reasons(network, channels, shape), None)
    if reason is not None:
        raise UserError(
            f"MONAI's {settings.name} with the arguments {settings.arguments} {reason}",
            expected="with `compute.devices` above 1, a network of which several devices compute what one does",
            remedy="set `compute: {devices: 1}`, or other arguments in `monai.arguments`",
        )


def _reasons(network: nn.Module, channels: int, shape: tuple[int, ...]) -> Iterator[str]:
    """Yield what makes it another network on several devices."""
    dropped: set[int] = set()
    for layer in network.modules():
        if isinstance(layer, (*DROPOUTS.values(), *BATCH_NORMS.values())):
            layer.eval()  # they are the same on all devices, and would ask these
        if isinstance(layer, tuple(DROPOUTS.values())):
            layer.register_forward_pre_hook(lambda _, inputs: dropped.add(len(inputs[0])))
    slices = torch.rand(2, channels, *shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    kept = [buffer.clone() for buffer in network.buffers()]
    with torch.no_grad(), _Draws() as draws:
        together = _logits(network, slices)
    if draws.made:
        yield f"draws random numbers by itself ({', '.join(sorted(draws.made))})"
    if dropped - {2}:
        yield "has a dropout of something else than slices"
    if not all(map(torch.equal, network.buffers(), kept)):
        yield "gathers statistics in a layer that devices cannot share"
    try:
        with torch.no_grad():
            alone = [_logits(network, one) for one in slices.split(1)]
    except Exception as error:  # whatever MONAI or torch raise
        yield f"fails on a single slice, and a device may have one ({reason_of(error)})"
        return
    if not all(map(_close, together, map(torch.cat, zip(*alone, strict=True)))):
        yield "lets the slices of a mini-batch change each other"
    try:
        torch.stack([one.sum() for one in _logits(network, slices[:0])]).sum().backward()
    except Exception as error:
        yield f"fails on no slice, and a device may have none ({reason_of(error)})"


class _Draws(TorchDispatchMode):
    """Notes the operations that draw random numbers."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.made: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if torch.Tag.nondeterministic_seeded in func.tags:
            self.made.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def _logits(network: nn.Module, slices: Tensor) -> list[Tensor]:
    found = network(slices)
    return [found] if isinstance(found, Tensor) else list(found)


def _close(one: Tensor, other: Tensor) -> bool:
    largest = float(one.nan_to_num(0, 0, 0).abs().max())
    return torch.allclose(one, other, rtol=0, atol=_TOLERANCE * largest, equal_nan=True)
