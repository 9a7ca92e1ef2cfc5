"""How each architecture is built; its name stands in `settings/network.py`.

Each builder imports what it needs when it is called: code fingerprints follow those that a network uses, alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from hepaflow.settings.head import HeadSettings


Build = Callable[[str, "HeadSettings"], "nn.Module"]
"""Takes the architecture's name and the settings of the head, and returns the network.

It maps slices of shape (b, 1, h, w), float in [-1, 1], to logits of shape (b, 1, h, w) in float32, for every h and
w that are multiples of 8. Its weights are random. Where the settings say that the architecture has a backbone, it
is a :class:`~hepaflow.networks.deeplab.SegmentationNetwork`, and torchvision has ImageNet weights for its backbone
under the same name.
"""


def _resnet(name: str, head: HeadSettings) -> nn.Module:
    from hepaflow.networks.deeplab import SegmentationNetwork
    from hepaflow.networks.resnet import ResNet

    return SegmentationNetwork(ResNet(name), head)


def _densenet(name: str, head: HeadSettings) -> nn.Module:
    from hepaflow.networks.deeplab import SegmentationNetwork
    from hepaflow.networks.densenet import DenseNet

    return SegmentationNetwork(DenseNet(name), head)


def _inception(name: str, head: HeadSettings) -> nn.Module:
    from hepaflow.networks.deeplab import SegmentationNetwork
    from hepaflow.networks.inception import Inception

    return SegmentationNetwork(Inception(name), head)


def _unet(name: str, head: HeadSettings) -> nn.Module:
    from hepaflow.networks.unet import UNet

    return UNet()


ARCHITECTURES: Mapping[str, Build] = MappingProxyType(
    {
        "resnet50": _resnet,
        "resnet101": _resnet,
        "resnet152": _resnet,
        "resnext50_32x4d": _resnet,
        "resnext101_32x8d": _resnet,
        "resnext101_64x4d": _resnet,
        "densenet121": _densenet,
        "densenet161": _densenet,
        "densenet169": _densenet,
        "densenet201": _densenet,
        "inception_v3": _inception,
        "unet": _unet,
    }
)
"""Every architecture by its name in the settings."""
