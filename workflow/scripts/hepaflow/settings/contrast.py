"""Settings of the slices of a volume of interest."""

from typing import Annotated, Literal

from pydantic import Field

from hepaflow.settings.base import SettingsModel
from hepaflow.settings.slices import NetworkSize, WindowSettings, WithRegion


class ContrastSettings(SettingsModel):
    """Contrast of the lesion slices: filled background, then CLAHE (thesis 4.3)."""

    background: Literal["mask", "zero"] = "mask"
    """What is filled with the liver's mean before CLAHE: all outside the liver `mask`, or all pixels of value
    `zero`, as the thesis words it: those outside the mask and those at the window's lower limit (thesis 4.3)."""
    tiles: int = Field(default=8, ge=1, le=64)
    """Tiles along each side of a slice (thesis 4.3: 8×8 blocks)."""
    clip_limit: float = Field(default=0.01, ge=0, le=1)
    """A grey level is clipped above this share of a tile's pixels (not stated; scikit-image's default)."""


Margin = Annotated[float, Field(ge=0, le=1)]


class LesionSlicesSettings(SettingsModel):
    """The slices of the volume of interest, windowed, resized, and with more contrast (thesis 4.3)."""

    kind: Literal["lesion_slices"] = "lesion_slices"
    window: WindowSettings
    size: NetworkSize
    contrast: ContrastSettings
    margin: Margin | None = None
    """Width of a margin around the volume of interest, on each side, as a share of its extent along each axis;
    null for none (thesis 4.3)."""


class VoiSlicesSettings(SettingsModel):
    """The slices of the volume of interest, windowed and resized: nothing is filled, no contrast enhanced."""

    kind: Literal["voi_slices"] = "voi_slices"
    window: WindowSettings
    size: NetworkSize
    margin: Margin = 0
    """Width of a margin around the volume of interest, on each side, as a share of its extent along each axis."""
    with_region: WithRegion = None
    """Whether the liver's mask is stored beside the image, and seen as a further channel; null for no."""
