"""Settings of the liver slices, and what they share with the lesion slices."""

from typing import Annotated

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


class LiverSlicesSettings(SettingsModel):
    """What the liver slices of an exam depend on."""

    window: WindowSettings
    size: NetworkSize
