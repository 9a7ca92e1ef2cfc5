"""How much a network computes: what a plan goes by, and no result depends on."""

from collections.abc import Mapping
from types import MappingProxyType

GMACS: Mapping[str, float] = MappingProxyType(
    {
        "resnet50": 40.8,
        "resnet101": 60.2,
        "resnet152": 76.2,
        "resnext50_32x4d": 40.3,
        "resnext101_32x8d": 106.3,
        "resnext101_64x4d": 100.8,
        "densenet121": 16.7,
        "densenet161": 46.6,
        "densenet169": 26.9,
        "densenet201": 34.5,
        "inception_v3": 81.3,
        "unet": 2.4,
        "plain_unet": 14.8,
        "residual_unet": 32.3,
        "unet2015": 78.3,
        "sar_unet": 68.1,
    }
)
"""Multiply-adds of a forward pass of one slice of 256×256, in 10⁹, with the thesis' head or as planned.

An architecture that is not here counts as the quickest.
"""
