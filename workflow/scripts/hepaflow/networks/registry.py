"""The architectures by name. Adding one is one entry.

This module is read while a workflow is planned, so it must not import torch: each builder imports what it
needs when it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from hepaflow.settings.head import HeadSettings


@dataclass(frozen=True)
class Architecture:
    """How a network of this name is built, and what its name promises.

    A built network maps slices of shape (b, 1, h, w), float in [-1, 1], to logits of shape (b, 1, h, w) in
    float32, for every h and w that are multiples of 8. Its weights are random.

    Parameters
    ----------
    build : callable
        Takes the architecture's name and the settings of the head, and returns the network.
    pretrained : bool
        Whether the network is a :class:`~hepaflow.networks.deeplab.SegmentationNetwork` whose backbone
        torchvision has ImageNet weights for, under the same name.
    """

    build: Callable[[str, HeadSettings], nn.Module]
    pretrained: bool = True


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


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        "resnet50": Architecture(_resnet),
        "resnet101": Architecture(_resnet),
        "resnet152": Architecture(_resnet),
        "resnext50_32x4d": Architecture(_resnet),
        "resnext101_32x8d": Architecture(_resnet),
        "resnext101_64x4d": Architecture(_resnet),
        "densenet121": Architecture(_densenet),
        "densenet161": Architecture(_densenet),
        "densenet169": Architecture(_densenet),
        "densenet201": Architecture(_densenet),
        "inception_v3": Architecture(_inception),
        "unet": Architecture(_unet, pretrained=False),
    }
)
"""Every architecture, under torchvision's name where torchvision has it."""
