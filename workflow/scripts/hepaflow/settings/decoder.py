"""What turns a backbone's features into logits, where it is to be another than the thesis' head."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from hepaflow.settings.base import SettingsModel

FiveLevels = Annotated[tuple[PositiveInt, ...], Field(min_length=5, max_length=5, strict=False)]


class UNetDecoder(SettingsModel):
    """The decoder of a U-Net on a backbone that strides instead of dilating (Ronneberger et al. 2015)."""

    kind: Literal["unet"]
    channels: FiveLevels = (256, 128, 64, 32, 16)
    """Feature maps at 1/16, 1/8, 1/4, 1/2 and full resolution; all but the last have a skip connection."""


Decoder = UNetDecoder
