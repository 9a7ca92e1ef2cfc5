"""Settings of the survey, and of what is seen once all exams are surveyed."""

from typing import Literal

from hepaflow.settings.base import SettingsModel


class SurveySettings(SettingsModel):
    """What the survey of an exam depends on."""

    trust_label_grid: bool
    """Whether a label map is used voxel by voxel even if CT values show that it is right by its affine."""
    needs_spacing: Literal[True] | None = None
    """Whether exams are refused whose header gives no spacing that can be trusted; null for no."""


class DataCardSettings(SettingsModel):
    """What the table of the exams depends on."""

    oversampled: dict[str, str]
    """For each structure that trainings oversample in the exams, the key that says so."""
