"""Settings of exams that are resampled: voxels lie as far apart in every exam, in millimetres."""

from typing import Annotated, Literal

from pydantic import Field

from hepaflow.settings.base import SettingsModel
from hepaflow.settings.slices import WindowSettings, WithRegion

VoxelSpacing = Annotated[
    tuple[
        Annotated[float, Field(ge=0.2, le=50)],
        Annotated[float, Field(ge=0.2, le=50)],
        Annotated[float, Field(ge=0.2, le=50)],
    ],
    Field(strict=False),
]
"""Distances between slices, rows and columns, in mm."""

MarginMm = Annotated[float, Field(ge=0, le=200)]


class ResampledSettings(SettingsModel):
    """The whole exam, windowed and resampled."""

    kind: Literal["resampled"] = "resampled"
    window: WindowSettings
    spacing: VoxelSpacing
    """Distances between slices, rows and columns, in mm."""


class ResampledVoiSettings(SettingsModel):
    """The part of an exam around the liver, windowed and resampled."""

    kind: Literal["resampled_voi"] = "resampled_voi"
    window: WindowSettings
    spacing: VoxelSpacing
    """Distances between slices, rows and columns, in mm."""
    margin: MarginMm = 0
    """Width of a margin around the liver's bounding box, on each side, in mm."""
    with_region: WithRegion = None
    """Whether the liver's mask is stored beside the image, and seen as a further channel; null for no."""
