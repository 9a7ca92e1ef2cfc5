"""The levels of a U-Net for slices of a size, by the rules of nnU-Net in 2-D (Isensee et al. 2021).

A plan of a run imports this: it does without torch.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from hepaflow.settings.network import NetworkSettings
from hepaflow.settings.unet import UNetSettings

SIZE = 256
"""Rows and columns of a slice, where nobody says them (thesis 4.2)."""

SMALLEST_SIDE = 4
FIRST_CHANNELS, MOST_CHANNELS = 32, 512
"""Pixels along a side of the last level; feature maps of the first level, and of the largest (nnU-Net 2, 2-D)."""

BLOCKS: Mapping[str, tuple[int, ...]] = MappingProxyType({"plain_unet": (2,), "residual_unet": (1, 3, 4, 6)})
"""Convolutions or residual blocks of the encoder's levels; further levels have as many as the last one named.

Residual blocks are those of nnU-Net's residual encoder presets (Isensee et al. 2024).
"""


class Levels(NamedTuple):
    """All that is to be known of a U-Net, as `UNetSettings` has it."""

    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    deep_supervision: bool


def planned(network: NetworkSettings, *sizes: int) -> NetworkSettings:
    """Return a network's settings with the levels of its U-Net, if it is of nnU-Net's kind and nobody gave them.

    Parameters
    ----------
    network : NetworkSettings
    *sizes : int
        Rows and columns of the slices that it sees: one network fits them all, as later stages may start from
        earlier ones.
    """
    if BLOCKS.get(network.arch) is None:
        return network
    return network.model_copy(update={"unet": UNetSettings(**levels(network, *sizes)._asdict())})


def levels(network: NetworkSettings, *sizes: int) -> Levels:
    """Return the levels of a U-Net of nnU-Net's kind: those that are given, or else those that nnU-Net plans.

    nnU-Net pads slices until they can be halved as often as it wants. Here their size stays, and they are halved
    as often as it allows.

    Parameters
    ----------
    network : NetworkSettings
        Of an architecture in `BLOCKS`.
    *sizes : int
        Rows and columns of the slices that it sees; none for the thesis' size.
    """
    given = network.unet or UNetSettings()
    channels = given.channels or min(map(planned_channels, sizes or (SIZE,)), key=len)
    blocks = BLOCKS[network.arch]
    further = blocks[-1:] * (len(channels) - len(blocks))
    return Levels(channels, given.blocks or (blocks + further)[: len(channels)], given.deep_supervision)


def planned_channels(size: int) -> tuple[int, ...]:
    """Return the feature maps of each level for slices of a size; sides are halved from level to level.

    Examples
    --------
    >>> planned_channels(256)
    (32, 64, 128, 256, 512, 512, 512)
    """
    halvings = 0
    while size % 2 == 0 and size // 2 >= SMALLEST_SIDE:
        size, halvings = size // 2, halvings + 1
    return tuple(min(FIRST_CHANNELS * 2**level, MOST_CHANNELS) for level in range(halvings + 1))
