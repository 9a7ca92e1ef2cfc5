"""What devices that train one network together must share, so that they compute what a single device would.

Every device's process sees its own slices of a mini-batch. What depends on all of them, the loss, the statistics
of batch normalisation and the drawing of dropout, is computed over all devices here; the result is then that of
a single device, except for rounding.
"""

import os
import threading
import time
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, distributed, nn
from torch.nn import functional


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


class SharedBatchNorm(nn.BatchNorm2d):
    """Batch normalisation by the mean and the variance of all devices' slices, on the CPU.

    torch has this only for GPUs. A device may have a single slice, or none.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise features (b, channels, h, w) of this device's slices."""
        if not self.training:
            return super().forward(x)
        values = x.to(torch.promote_types(x.dtype, torch.float32))
        count = total(values.new_tensor(values.numel() // self.num_features))
        mean = total(values.sum((0, 2, 3))) / count
        centred = values - mean[:, None, None]
        variance = total(centred.square().sum((0, 2, 3))) / count
        with torch.no_grad():
            assert self.running_mean is not None
            assert self.running_var is not None
            assert self.num_batches_tracked is not None
            assert self.momentum is not None
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
            self.num_batches_tracked.add_(1)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)


class SharedDropout(nn.Dropout):
    """Dropout that is drawn for the slices of all devices, of which each takes its own.

    The devices' generators must be seeded alike.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Zero some of the features (b, channels, h, w) of this device's slices, and scale up the others."""
        if not self.training or not self.p:
            return x
        slices = int(total(torch.tensor(float(len(x)), device=x.device)))
        last = not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)
        drawn = functional.dropout(
            # Numbers are drawn in the order of the memory.
            x.new_ones(slices, *x.shape[1:]).contiguous(
                memory_format=torch.channels_last if last else torch.contiguous_format
            ),
            self.p,
        )
        return x * drawn[distributed.get_rank() :: distributed.get_world_size()]


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
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Dropout:
                setattr(parent, name, SharedDropout(child.p))
            elif type(child) is nn.BatchNorm2d:
                setattr(parent, name, _shared_norm(child))
    return network


def _shared_norm(norm: nn.BatchNorm2d) -> SharedBatchNorm:
    made = SharedBatchNorm(norm.num_features, norm.eps, norm.momentum).to(norm.weight.dtype)
    made.load_state_dict(norm.state_dict())
    return made


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
