"""Which network segments the slices, and where its weights start."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from hepaflow.settings.base import SettingsModel
from hepaflow.settings.head import HeadSettings

HAS_BACKBONE: Mapping[str, bool] = MappingProxyType(
    {
        "resnet50": True,
        "resnet101": True,
        "resnet152": True,
        "resnext50_32x4d": True,
        "resnext101_32x8d": True,
        "resnext101_64x4d": True,
        "densenet121": True,
        "densenet161": True,
        "densenet169": True,
        "densenet201": True,
        "inception_v3": True,
        "unet": False,
    }
)
"""Every architecture, under torchvision's name where torchvision has it: whether it has a backbone with ImageNet
weights, and a head. `networks/registry.py` builds them."""


def _known(arch: str) -> str:
    if arch not in HAS_BACKBONE:
        raise ValueError(f"there is no architecture {arch!r}; there are {', '.join(HAS_BACKBONE)}")
    return arch


class BackboneWeights(SettingsModel):
    """An architecture, and where its weights start (thesis 4.4, 4.6.1)."""

    arch: Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": list(HAS_BACKBONE)})]
    """Name of the architecture: torchvision's, for a backbone with DeepLabV3 head (thesis 4.4); or `unet`."""

    weights: Annotated[str, Field(min_length=1)] = "imagenet"
    """Where the backbone's weights start: `imagenet` (thesis 4.6.1), `none` (random), or the path of a file
    with the weights of torchvision's network of this name (.safetensors, or .pth without pickled code). The
    first convolution and the head always start at random."""

    @model_validator(mode="after")
    def _weights_exist(self) -> Self:
        if self.weights != "none" and not HAS_BACKBONE[self.arch]:
            raise ValueError(
                f"{self.arch!r} has no ImageNet weights and no backbone to load others into, found weights: "
                f"{self.weights!r}; use weights: none"
            )
        return self


class NetworkSettings(BackboneWeights):
    """A network: architecture, start of its weights, and head (thesis 4.4)."""

    head: HeadSettings = HeadSettings()
    """The segmentation head (thesis 3.5). `unet` has none and ignores it."""
