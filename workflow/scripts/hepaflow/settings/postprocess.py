"""Settings of the post-processing of masks, in pixels of the network's grid."""

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
