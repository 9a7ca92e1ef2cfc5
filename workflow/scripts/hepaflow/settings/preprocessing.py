"""Settings of preprocessed data: what is stored of an exam, on a network's grid."""

from typing import Annotated, Literal

from pydantic import Field

from hepaflow.settings.base import SettingsModel
from hepaflow.settings.contrast import ContrastSettings, LesionSlicesSettings, Margin, VoiSlicesSettings
from hepaflow.settings.resampled import MarginMm, ResampledSettings, ResampledVoiSettings, VoxelSpacing
from hepaflow.settings.slices import LiverSlicesSettings, NetworkSize, WindowSettings, WithRegion

Preprocessing = Annotated[
    LiverSlicesSettings | LesionSlicesSettings | VoiSlicesSettings | ResampledSettings | ResampledVoiSettings,
    Field(discriminator="kind"),
]


class _OwnData(SettingsModel):
    window: WindowSettings | None = None
    """Range of CT values; null for the run's."""


class _OwnSlices(_OwnData):
    size: NetworkSize | None = None
    """Rows and columns of the network's input, in pixels; null for the run's."""


class OwnLiverSlices(_OwnSlices):
    """Every slice of the exam, windowed and resized."""

    kind: Literal["liver_slices"]


class OwnLesionSlices(_OwnSlices):
    """The slices of the volume of interest, windowed, resized, and with enhanced contrast."""

    kind: Literal["lesion_slices"]
    contrast: ContrastSettings | None = None
    """Contrast enhancement; null for the run's."""
    margin: Margin | None = None
    """Width of a margin around the volume, on each side, as a share of its extent; null for none."""


class OwnVoiSlices(_OwnSlices):
    """The slices of the volume of interest, windowed and resized, without contrast enhancement."""

    kind: Literal["voi_slices"]
    margin: Margin = 0
    """Width of a margin around the volume, on each side, as a share of its extent along each axis."""
    with_region: WithRegion = None
    """Whether the network also sees the liver mask, as a further channel; null for no."""


class OwnResampled(_OwnData):
    """The whole exam, windowed and resampled to the same spacing in every exam."""

    kind: Literal["resampled"]
    spacing: VoxelSpacing
    """Distances between slices, rows and columns, in mm."""


class OwnResampledVoi(_OwnData):
    """The part of an exam around the liver, windowed and resampled."""

    kind: Literal["resampled_voi"]
    spacing: VoxelSpacing
    """Distances between slices, rows and columns, in mm."""
    margin: MarginMm = 0
    """Width of a margin around the liver's bounding box, on each side, in mm."""
    with_region: WithRegion = None
    """Whether the network also sees the liver mask, as a further channel; null for no."""


OwnData = Annotated[
    OwnLiverSlices | OwnLesionSlices | OwnVoiSlices | OwnResampled | OwnResampledVoi, Field(discriminator="kind")
]
"""Data of a method of its own; what is null is the run's."""

AROUND = (OwnLesionSlices, OwnVoiSlices, OwnResampledVoi)
"""Those of them that lie around a liver."""


class PreprocessSettings(SettingsModel):
    """What the preprocessed data of an exam depend on, besides exam and region."""

    preprocessing: Preprocessing
    structure: str
    """What the mask of a training exam shows."""
    region: str | None = None
    """The structure that data lie around, which a training exam's reference shows; null for the whole exam."""
