"""Settings of the slices that networks see."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from hepaflow.settings.base import SettingsModel

NetworkSize = Annotated[int, Field(ge=32, le=1024, multiple_of=8)]


WithRegion = Literal[True] | None


class WindowSettings(SettingsModel):
    """The range of CT values that is kept (thesis 4.2)."""

    low: float = -250
    """Lower limit in HU; everything below becomes 0 (thesis 4.2)."""
    high: float = 250
    """Upper limit in HU; everything above becomes 1 (thesis 4.2)."""

    @model_validator(mode="after")
    def _ascending(self) -> "WindowSettings":
        if self.low >= self.high:
            raise ValueError(f"low ({self.low:g} HU) must be below high ({self.high:g} HU)")
        return self


class LiverSlicesSettings(SettingsModel):
    """Every slice of the exam, windowed and resized (thesis 4.2)."""

    kind: Literal["liver_slices"] = "liver_slices"
    window: WindowSettings
    size: NetworkSize
