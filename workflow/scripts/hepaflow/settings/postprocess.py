"""Settings of the post-processing of masks, in pixels of the network's grid."""

from typing import Annotated, Literal

from pydantic import Field

from hepaflow.settings.base import SettingsModel


class LiverPostprocessing(SettingsModel):
    """Which regions of a liver slice are kept beside the largest (thesis 4.7)."""

    max_distance: float = Field(default=200, ge=0)
    """Largest distance of a region's centroid from that of the largest region, in pixels (thesis 4.7)."""
    min_area_ratio: float = Field(default=0.125, ge=0, le=1)
    """Smallest area of a region as a share of the largest region's (thesis 4.7: one eighth)."""


class LesionPostprocessing(SettingsModel):
    """Which regions of a lesion slice are kept (thesis 4.8)."""

    min_area: int = Field(default=10, ge=0)
    """Smallest area of a region, in pixels (thesis 4.8)."""


class NearLargest(LiverPostprocessing):
    """In each slice, the largest region is kept, and those near it that are large enough (thesis 4.7)."""

    kind: Literal["near_largest"]


class MinArea(LesionPostprocessing):
    """In each slice, regions are kept that are large enough (thesis 4.8)."""

    kind: Literal["min_area"]


class LargestComponent(SettingsModel):
    """The largest component of the exam is kept, over all slices."""

    kind: Literal["largest_component"]
    erosion: int | None = Field(default=None, ge=1)
    """Voxels by which the mask is eroded before components are looked for. So the largest one loses what only a
    bridge joins to it that is at most twice as thick; null for none."""


class MinComponent(SettingsModel):
    """Components of the exam, over all slices, are kept that are large enough."""

    kind: Literal["min_component"]
    min_voxels: int = Field(default=10, ge=1)
    """Smallest volume of a component, in voxels."""


class Hysteresis(SettingsModel):
    """Components of the exam are kept of which the network is sure somewhere (Canny 1986: hysteresis)."""

    kind: Literal["hysteresis"]
    probability: float = Field(default=0.9, ge=0.5, le=1)
    """Probability that some voxel of a component has at least; its edge stays where it passes one half."""


class FillHoles(SettingsModel):
    """Holes are filled: background that the mask encloses."""

    kind: Literal["fill_holes"]
    dimensions: Literal[2, 3] = 2
    """Whether holes are enclosed in a slice (2), or in the exam (3)."""


class Inside(SettingsModel):
    """Pixels in or near the mask of the earlier stage are kept: lesions in or near the liver."""

    kind: Literal["inside"]
    dilation: float = Field(default=0, ge=0)
    """Largest distance of a pixel from the earlier stage's mask in its slice, in pixels."""


class MinInside(SettingsModel):
    """Components of the exam are kept of which enough lies in the mask of the earlier stage."""

    kind: Literal["min_inside"]
    share: float = Field(default=0.5, ge=0, le=1)
    """Smallest share of a component's voxels in the earlier stage's mask."""


class MinProbability(SettingsModel):
    """Components of the exam are kept of which the network is sure enough on the whole."""

    kind: Literal["min_probability"]
    mean: float = Field(default=0.8, ge=0.5, le=1)
    """Smallest mean of the probabilities of a component's voxels, which are all above one half."""


PostprocessingStep = Annotated[
    NearLargest
    | MinArea
    | LargestComponent
    | MinComponent
    | Hysteresis
    | MinProbability
    | FillHoles
    | Inside
    | MinInside,
    Field(discriminator="kind"),
]
PostprocessingSteps = Annotated[tuple[PostprocessingStep, ...], Field(strict=False)]

NEEDS_REGION = frozenset({"inside", "min_inside"})
"""Kinds of steps that look at the mask of the method's earlier stage."""

Restored = Literal["masks", "maps"]
"""What is brought back to the exam's grid: masks, or maps whose masks are taken there."""


class PostprocessSettings(SettingsModel):
    """What the post-processing of masks depends on."""

    postprocessing: PostprocessingSteps
    """Steps, in this order."""
    restore: Restored | None = None
    """What is resampled to the exam's grid; null for masks (thesis 4.9)."""
