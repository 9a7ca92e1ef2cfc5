"""Settings of training on phantoms that are generated when they are needed, instead of exams."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from hepaflow.settings.base import SettingsModel

Radius = Annotated[float, Field(ge=1, le=100)]


class DrawnTrunks(SettingsModel):
    """Patches of the trunk from the thighs to the neck, more varied than in reality, each of another patient."""

    kind: Literal["trunk"]
    max_lesions: int = Field(default=20, ge=0, le=50)
    """Largest number of lesions in one liver."""
    lesion_radius: Annotated[tuple[Radius, Radius], Field(strict=False)] = (3.0, 60.0)
    """Smallest and largest mean radius of a lesion, in mm."""
    lesion_free: float = Field(default=0.25, ge=0, le=1)
    """Probability that a patient has no lesion; patches that are to show one are of others."""

    @field_validator("lesion_radius")
    @classmethod
    def _ascends(cls, pair: tuple[float, float]) -> tuple[float, float]:
        if pair[0] > pair[1]:
            raise ValueError(f"[{pair[0]:g}, {pair[1]:g}]: write the smaller value first")
        return pair


Drawn = DrawnTrunks
