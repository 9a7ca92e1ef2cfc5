"""How each architecture is built; its name stands in `settings/network.py`.

Each builder imports what it needs when it is called: code fingerprints follow those that a network uses, alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from hepaflow.networks.backbone import Backbone
    from hepaflow.settings.decoder import Decoder
    from hepaflow.settings.network import NetworkSettings


Build = Callable[["NetworkSettings", int], "nn.Module"]
"""Takes the network's settings and the number of channels of its input, and returns the network.

It maps slices of shape (b, channels, h, w), float in [-1, 1], to logits of shape (b, 1, h, w) in float32, for
every h and w that are multiples of 8, or of more where `settings/together.py` says so; it refuses others with a
ValueError. In training mode it may return a list of logits instead: those of the slices' size first, then coarser
ones, of shape (b, 1, h/2, w/2), (b, 1, h/4, w/4) and so on, each in float32. In evaluation mode it returns one
tensor. Where the settings say three dimensions, it maps patches (b, channels, z, h, w) likewise.

Its weights are random. Where the settings say that the architecture has a backbone, the network holds it as
`backbone`, and torchvision has ImageNet weights for it under the architecture's name.
"""

Family = Callable[..., "Backbone"]
"""Takes torchvision's name, the number of channels and the stride, and returns a backbone."""

Decode = Callable[[Family, "Decoder", str, int], "nn.Module"]
"""Takes a family of backbones, the settings of the decoder, torchvision's name and the number of channels."""


def _on(family: Family, settings: NetworkSettings, channels: int) -> nn.Module:
    """Return a backbone with the thesis' head, or with another decoder."""
    if settings.decoder is not None:
        return DECODERS[settings.decoder.kind](family, settings.decoder, settings.arch, channels)

    from hepaflow.networks.deeplab import SegmentationNetwork

    return SegmentationNetwork(family(settings.arch, channels), settings.head)


def _resnet(settings: NetworkSettings, channels: int) -> nn.Module:
    from hepaflow.networks.resnet import ResNet

    return _on(ResNet, settings, channels)


def _densenet(settings: NetworkSettings, channels: int) -> nn.Module:
    from hepaflow.networks.densenet import DenseNet

    return _on(DenseNet, settings, channels)


def _inception(settings: NetworkSettings, channels: int) -> nn.Module:
    from hepaflow.networks.inception import Inception

    return _on(Inception, settings, channels)


def _unet(settings: NetworkSettings, channels: int) -> nn.Module:
    from hepaflow.networks.unet import UNet

    return UNet(channels)


def _plain_unet(settings: NetworkSettings, channels: int) -> nn.Module:
    from hepaflow.networks.nnunet import plain_unet
    from hepaflow.networks.planning import levels

    return plain_unet(channels, levels(settings))


def _residual_unet(settings: NetworkSettings, channels: int) -> nn.Module:
    from hepaflow.networks.nnunet import residual_unet
    from hepaflow.networks.planning import levels

    return residual_unet(channels, levels(settings))


def _unet2015(settings: NetworkSettings, channels: int) -> nn.Module:
    from hepaflow.networks.unet2015 import UNet2015

    return UNet2015(channels)


def _sar_unet(settings: NetworkSettings, channels: int) -> nn.Module:
    from hepaflow.networks.sar_unet import SarUNet

    return SarUNet(channels)


def _monai(settings: NetworkSettings, channels: int) -> nn.Module:
    from hepaflow.networks.from_monai import FromMonai

    if settings.monai is None:
        raise ValueError("the settings do not say which network of MONAI")
    return FromMonai(settings.monai, channels, settings.dimensions or 2)


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
        "plain_unet": _plain_unet,
        "residual_unet": _residual_unet,
        "unet2015": _unet2015,
        "sar_unet": _sar_unet,
        "monai": _monai,
    }
)
"""Every architecture by its name in the settings."""


def _unet_decoder(family: Family, settings: Decoder, name: str, channels: int) -> nn.Module:
    from hepaflow.networks.backbone import CLASSIFIER_STRIDE
    from hepaflow.networks.decoder import UNetOnBackbone

    return UNetOnBackbone(family(name, channels, CLASSIFIER_STRIDE), settings)


DECODERS: Mapping[str, Decode] = MappingProxyType(
    {
        "unet": _unet_decoder,
    }
)
"""What puts another decoder than the thesis' head on a backbone, by the `kind` of its settings."""
