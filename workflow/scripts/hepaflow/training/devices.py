"""What devices that train one network together must share, so that they compute what a single device would.

Every device's process sees its own slices of a mini-batch. What depends on all of them, the loss, the statistics
of batch normalisation and the drawing of dropout, is computed over all devices here; the result is then that of
a single device, except for rounding.
"""

import os
import threading
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, distributed, nn


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, own: Tensor) -> Tensor:
        return _summed(own)

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> Tensor:
        return _summed(gradients[0])


def _summed(own: Tensor) -> Tensor:
    everything = own.detach().clone(memory_format=torch.contiguous_format)
    distributed.all_reduce(everything)
    return everything


def total(own: Tensor) -> Tensor:
    """Return the sum of all devices' tensors, on every device; gradients pass through it.

    All devices must call it, in the same order and with the same shape. A loss that is made of totals is the same
    on every device, and the *mean* of the devices' gradients is its gradient.
    """
    summed: Tensor = _Total.apply(own)
    return summed


class _OverDevices(nn.modules.batchnorm._BatchNorm):
    """Batch normalisation by the mean and the variance of all devices' slices, on the CPU.

    torch has this only for GPUs. A device may have a single slice, or none.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise features (b, channels, ...) of this device's slices or patches."""
        if not self.training:
            return super().forward(x)
        pixels, each = (0, *range(2, x.ndim)), (-1, *[1] * (x.ndim - 2))
        values = x.to(torch.promote_types(x.dtype, torch.float32))
        count = total(values.new_tensor(values.numel() // self.num_features))
        mean = total(values.sum(pixels)) / count
        centred = values - mean.view(each)
        variance = total(centred.square().sum(pixels)) / count
        with torch.no_grad():
            assert self.running_mean is not None
            assert self.running_var is not None
            assert self.num_batches_tracked is not None
            self.num_batches_tracked.add_(1)
            # Without momentum, the plain mean over all mini-batches.
            share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
            self.running_mean.lerp_(mean, share)
            self.running_var.lerp_(variance * count / (count - 1), share)
        scale = torch.rsqrt(variance + self.eps)
        if self.weight is not None:  # a network of MONAI may have neither, or this alone
            scale = self.weight * scale
        normalised = centred * scale.view(each)
        return (normalised if self.bias is None else normalised + self.bias.view(each)).to(x.dtype)


class SharedBatchNorm(_OverDevices, nn.BatchNorm2d):
    """Of (b, channels, h, w)."""


class SharedBatchNorm3d(_OverDevices, nn.BatchNorm3d):
    """Of (b, channels, z, h, w)."""


class _OfAllSlices(nn.Module):
    """Dropout that is drawn for the slices of all devices, of which each takes its own.

    The devices' generators must be seeded alike.
    """

    p: float

    def forward(self, x: Tensor) -> Tensor:
        """Drop features (b, ...) of this device's slices."""
        if not self.training or not self.p:
            return x
        slices = int(total(torch.tensor(float(len(x)), device=x.device)))
        last = not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)
        # Numbers are drawn in the order of the memory.
        order = torch.channels_last if last else torch.contiguous_format
        everything = x.new_zeros(slices, *x.shape[1:]).contiguous(memory_format=order)
        own = slice(distributed.get_rank(), None, distributed.get_world_size())
        everything[own] = x
        dropped: Tensor = super().forward(everything)
        return dropped[own].contiguous(memory_format=order)


class SharedDropout(_OfAllSlices, nn.Dropout):
    """Single features are dropped."""


class SharedDropout1d(_OfAllSlices, nn.Dropout1d):
    """Channels of (b, channels, n) are dropped."""


class SharedDropout2d(_OfAllSlices, nn.Dropout2d):
    """Channels of (b, channels, h, w) are dropped."""


class SharedDropout3d(_OfAllSlices, nn.Dropout3d):
    """Channels of (b, channels, d, h, w) are dropped."""


class SharedAlphaDropout(_OfAllSlices, nn.AlphaDropout):
    """Single features are dropped, and mean and variance kept."""


class SharedFeatureAlphaDropout(_OfAllSlices, nn.FeatureAlphaDropout):
    """Channels are dropped, and mean and variance kept."""


class _OfAnyNumber(nn.Module):
    """Normalisation of each slice by itself, of which a device may have none: torch's with weights fails there."""

    weight: Any
    bias: Any

    def forward(self, x: Tensor) -> Tensor:
        """Normalise features (b, channels, ...) of this device's slices."""
        if len(x):
            normalised: Tensor = super().forward(x)
            return normalised
        # Weights are used, so that they have a gradient of zeros.
        shape = (-1, *[1] * (x.ndim - 2))
        scaled: Tensor = x if self.weight is None else x * self.weight.view(shape)
        return scaled if self.bias is None else scaled + self.bias.view(shape)


class SharedInstanceNorm1d(_OfAnyNumber, nn.InstanceNorm1d):
    """Of (b, channels, n)."""


class SharedInstanceNorm2d(_OfAnyNumber, nn.InstanceNorm2d):
    """Of (b, channels, h, w)."""


class SharedInstanceNorm3d(_OfAnyNumber, nn.InstanceNorm3d):
    """Of (b, channels, d, h, w)."""


Layers = Mapping[type[nn.Module], type[nn.Module]]

DROPOUTS: Layers = MappingProxyType(
    {
        nn.Dropout: SharedDropout,
        nn.Dropout1d: SharedDropout1d,
        nn.Dropout2d: SharedDropout2d,
        nn.Dropout3d: SharedDropout3d,
        nn.AlphaDropout: SharedAlphaDropout,
        nn.FeatureAlphaDropout: SharedFeatureAlphaDropout,
    }
)
INSTANCE_NORMS: Layers = MappingProxyType(
    {
        nn.InstanceNorm1d: SharedInstanceNorm1d,
        nn.InstanceNorm2d: SharedInstanceNorm2d,
        nn.InstanceNorm3d: SharedInstanceNorm3d,
    }
)
BATCH_NORMS: Layers = MappingProxyType(
    {
        nn.BatchNorm2d: SharedBatchNorm,
        nn.SyncBatchNorm: SharedBatchNorm,
        nn.BatchNorm3d: SharedBatchNorm3d,
    }
)
"""What torch's layers become; those of batch normalisation on the CPU alone, as torch has one for GPUs.

Networks with others that draw, or mix slices, are refused (`training/alike.py`).
"""


def shared(network: nn.Module, device: torch.device) -> nn.Module:
    """Return the network with layers that take all devices' slices into account where needed; weights stay.

    Parameters
    ----------
    network : Module
    device : torch.device
        One of the devices.
    """
    if device.type == "cuda":
        network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
    table = {**DROPOUTS, **INSTANCE_NORMS, **({} if device.type == "cuda" else BATCH_NORMS)}
    for layer in network.modules():
        if type(layer) in table:
            # In its place: it keeps its weights, and its other places in the network.
            layer.__class__ = table[type(layer)]
    return network


def agreed(asked: bool, fabric: Fabric) -> bool:
    """Return whether any device's process was asked to end: they save, and end, after the same mini-batch."""
    if fabric.world_size == 1:
        return asked
    votes: Any = fabric.all_reduce(torch.tensor(float(asked), device=fabric.device), reduce_op="sum")
    return bool(votes > 0)


def sums_over_devices(losses: Tensor, seen: int, fabric: Fabric) -> tuple[float, int]:
    """Return the sum of all devices' losses, and how many slices they have seen."""
    summed: Any = fabric.all_reduce(torch.stack([losses, losses.new_tensor(seen)]), reduce_op="sum")
    return float(summed[0]), int(summed[1])


def end_with_parent() -> None:
    """End this process when the one that started it has died, however that happened.

    Otherwise a device would wait for a dead process until torch gives up, half an hour later.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, name="end with parent", daemon=True).start()
