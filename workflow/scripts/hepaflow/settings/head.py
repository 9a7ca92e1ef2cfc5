"""What the segmentation head looks like."""

from typing import Annotated

from pydantic import Field, PositiveInt

from hepaflow.settings.base import SettingsModel


class HeadSettings(SettingsModel):
    """The DeepLabV3 head which turns a backbone's features into one logit per pixel (thesis 3.5, 4.4.1)."""

    rates: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (4, 8, 12)
    """Dilation rate of each parallel 3×3 convolution, in feature pixels of 8×8 input pixels (thesis 4.4.1)."""

    channels: PositiveInt = 256
    """Feature maps of every layer of the head but the last, which has one (thesis 3.5)."""

    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Probability of dropout after the projection (thesis 3.5)."""
