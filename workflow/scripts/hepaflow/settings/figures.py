"""Settings of the figures."""

from pydantic import Field

from hepaflow.settings.base import SettingsModel


class SamplesSettings(SettingsModel):
    """Which test slices the sample figures show (thesis figures 11 and 12)."""

    count: int = Field(default=4, ge=1, le=20)
    """Slices in a figure, drawn at random."""
    seed: int = Field(default=11, ge=0)
    """Seed of the draw."""
