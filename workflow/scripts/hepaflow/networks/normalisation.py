"""Instance normalisation on the CPU, with channels innermost."""

from typing import TypeGuard

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm

_KINDS = (nn.InstanceNorm2d, nn.InstanceNorm3d)


class InnermostInstanceNorm(nn.Module):
    """Instance normalisation that keeps channels innermost.

    torch's own puts them outermost first, and leaves them there; the next convolution puts them innermost again
    (docs/speed.md). This one is batch normalisation of each sample alone, which does not move them. Results are
    the same but for rounding.

    Parameters
    ----------
    norm : InstanceNorm2d or InstanceNorm3d
        Whose weights it has.
    """

    def __init__(self, norm: nn.InstanceNorm2d | nn.InstanceNorm3d) -> None:
        super().__init__()
        self.eps = norm.eps
        self.weight, self.bias = norm.weight, norm.bias

    def forward(self, x: Tensor) -> Tensor:
        """Map features (b, c, ...) to normalised ones of the same shape, type and layout."""
        found = [
            batch_norm(sample, None, None, self.weight, self.bias, training=True, eps=self.eps)
            for sample in x.split(1)
        ]
        return found[0] if len(found) == 1 else torch.cat(found)


def normalises_instances(network: nn.Module) -> bool:
    """Return whether a network has instance normalisation that `channels_innermost` replaces, or has replaced."""
    return any(isinstance(part, InnermostInstanceNorm) or _is_replaceable(part) for part in network.modules())


def _is_replaceable(part: nn.Module) -> TypeGuard[nn.InstanceNorm2d | nn.InstanceNorm3d]:
    return isinstance(part, _KINDS) and not part.track_running_stats


def channels_innermost(network: nn.Module) -> nn.Module:
    """Let all instance normalisation of a network keep channels innermost, and return the network.

    Parameters
    ----------
    network : Module
        Changed in place. A normalisation that keeps running statistics stays as it is.
    """
    for name, part in network.named_children():
        if _is_replaceable(part):
            setattr(network, name, InnermostInstanceNorm(part))
        else:
            channels_innermost(part)
    return network
