"""Which network segments the slices, and where its weights start."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from hepaflow.settings.base import SettingsModel
from hepaflow.settings.decoder import Decoder
from hepaflow.settings.head import HeadSettings
from hepaflow.settings.monai import MonaiNetwork
from hepaflow.settings.unet import UNetSettings

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
        "plain_unet": False,
        "residual_unet": False,
        "unet2015": False,
        "sar_unet": False,
        "monai": False,
    }
)
"""Every architecture, under torchvision's name where torchvision has it: whether it has a backbone with ImageNet
weights, and a head or decoder. `networks/registry.py` builds them."""

OWN_SETTINGS: Mapping[str, str] = MappingProxyType(
    {"plain_unet": "unet", "residual_unet": "unet", "monai": "monai"}
)
"""The group of settings that an architecture alone reads; another architecture may not have it."""
NEEDED = ("monai",)
"""Those of the groups that their architecture cannot do without."""

MOST_DIMENSIONS: Mapping[str, int] = MappingProxyType({"monai": 3})
"""Of the pieces that an architecture can be built for, where it is not for slices alone."""

SIDES: Mapping[str, int] = MappingProxyType({"sar_unet": 16})
"""What rows and columns must be a multiple of, where 8 is not enough and no setting says so."""


def has_head(network: "BackboneWeights") -> bool:
    """Return whether a network has the thesis' head; others have a decoder or layers of their own."""
    return HAS_BACKBONE[network.arch] and network.decoder is None


def is_model(weights: str) -> bool:
    """Return whether initial weights are a model of hepaflow, which has them for every layer."""
    return weights.lower().endswith(".zip")


def _known(arch: str) -> str:
    if arch not in HAS_BACKBONE:
        raise ValueError(f"there is no architecture {arch!r}; there are {', '.join(HAS_BACKBONE)}")
    return arch


def _start(given: dict[str, Any]) -> str:
    """Return where weights start if nothing says so: at random without a backbone (thesis 4.6.1)."""
    return "imagenet" if HAS_BACKBONE.get(given.get("arch", ""), True) else "none"


class BackboneWeights(SettingsModel):
    """An architecture and its initial weights (thesis 4.4, 4.6.1)."""

    arch: Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": list(HAS_BACKBONE)})]
    """Name of the architecture: torchvision's, for a backbone with DeepLabV3 head (thesis 4.4); or another."""

    weights: Annotated[str, Field(min_length=1)] = Field(
        default_factory=_start, json_schema_extra={"default": "imagenet"}
    )
    """Initial weights of the backbone: `imagenet` (thesis 4.6.1), `none` (random), or the path of a file
    with the weights of torchvision's network of this name (.safetensors, or .pth without pickled code). The head
    always starts from random weights; so does the first convolution, unless its channels are three slices. If
    absent, `none` for an architecture without a backbone. A model of hepaflow (.zip) has all weights of a network
    of any architecture: those of the same method and stage."""

    decoder: Decoder | None = None
    """What turns a backbone's features into logits; null for the DeepLabV3 head of `head` (thesis 3.5)."""

    unet: UNetSettings | None = None
    """Levels of `plain_unet` and `residual_unet`; null for what nnU-Net plans for the slices' size."""

    monai: MonaiNetwork | None = None
    """The network of MONAI, for the architecture `monai`; null for any other."""

    @model_validator(mode="after")
    def _weights_exist(self) -> Self:
        if self.weights != "none" and not HAS_BACKBONE[self.arch] and not is_model(self.weights):
            raise ValueError(
                f"{self.arch!r} has no ImageNet weights and no backbone to load others into, found weights: "
                f"{self.weights!r}; use weights: none, or the path of a model of hepaflow (.zip)"
            )
        return self

    @model_validator(mode="after")
    def _has_what_it_reads(self) -> Self:
        if self.decoder is not None and not HAS_BACKBONE[self.arch]:
            raise ValueError(f"{self.arch!r} has no backbone to put a decoder on; leave out `decoder`")
        own = OWN_SETTINGS.get(self.arch)
        for group in dict.fromkeys(OWN_SETTINGS.values()):
            if group != own and getattr(self, group) is not None:
                readers = ", ".join(name for name, read in OWN_SETTINGS.items() if read == group)
                raise ValueError(f"{self.arch!r} does not read `{group}`, which is for {readers}; leave it out")
        if own in NEEDED and getattr(self, own) is None:
            raise ValueError(f"{self.arch!r} needs `{own}`, which says what it is")
        return self


class NetworkSettings(BackboneWeights):
    """A network: architecture, start of its weights, and head (thesis 4.4)."""

    head: HeadSettings = HeadSettings()
    """The segmentation head (thesis 3.5). Networks without backbone, or with a `decoder`, have none."""
    dimensions: Literal[3] | None = None
    """Of the pieces that it sees, as its sampling says; null for 2."""
    weights_of: str | None = None
    """Where `weights` are a model's: which of its networks they are of, by the name of its member."""
