"""Settings of the figures."""

from pydantic import Field

from hepaflow.settings.base import SettingsModel
from hepaflow.settings.slices import WindowSettings


class SamplesSettings(SettingsModel):
    """Which test slices the sample figures show (thesis figures 11 and 12)."""

    count: int = Field(default=4, ge=1, le=20)
    """Slices in a figure, drawn at random."""
    seed: int = Field(default=11, ge=0)
    """Seed of the draw."""


class FigureSamplesSettings(SettingsModel):
    """What the sample figures depend on."""

    samples: SamplesSettings
    window: WindowSettings
    """CT values that are shown black and white: those that the networks see."""
