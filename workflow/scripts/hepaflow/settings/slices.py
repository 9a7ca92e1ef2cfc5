"""Settings of the two slice data sets."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from hepaflow.settings.base import SettingsModel

NetworkSize = Annotated[int, Field(ge=32, le=1024, multiple_of=8)]


class WindowSettings(SettingsModel):
    """The range of CT values that is kept (thesis 4.2)."""

    low: float = -250
    """Lower end in HU; everything below becomes 0 (thesis 4.2)."""
    high: float = 250
    """Upper end in HU; everything above becomes 1 (thesis 4.2)."""

    @model_validator(mode="after")
    def _ascending(self) -> "WindowSettings":
        if self.low >= self.high:
            raise ValueError(f"low ({self.low:g} HU) must be below high ({self.high:g} HU)")
        return self


class ContrastSettings(SettingsModel):
    """Contrast of the lesion slices: filled background, then CLAHE (thesis 4.3)."""

    background: Literal["mask", "zero"] = "mask"
    """What is filled with the liver's mean before CLAHE: all outside the liver `mask`, or all pixels of value
    `zero`, as the thesis words it: those outside the mask and those at the window's lower end (thesis 4.3)."""
    tiles: int = Field(default=8, ge=1, le=64)
    """Tiles along each side of a slice (thesis 4.3: 8×8 blocks)."""
    clip_limit: float = Field(default=0.01, ge=0, le=1)
    """Share of a tile's pixels above which a grey level is clipped (not stated; scikit-image's default)."""


class LiverSlicesSettings(SettingsModel):
    """What the liver slices of an exam depend on."""

    window: WindowSettings
    size: NetworkSize


class LesionSlicesSettings(SettingsModel):
    """What the lesion slices of an exam depend on."""

    window: WindowSettings
    size: NetworkSize
    contrast: ContrastSettings
