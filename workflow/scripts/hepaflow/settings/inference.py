"""Settings of the segmentation of one exam from beginning to end."""

from pydantic import Field

from hepaflow.settings.base import SettingsModel
from hepaflow.settings.contrast import LesionSlicesSettings
from hepaflow.settings.postprocess import LesionPostprocessing, LiverPostprocessing
from hepaflow.settings.slices import LiverSlicesSettings
from hepaflow.settings.training import PredictSettings


class InferenceSettings(SettingsModel):
    """What the segmentation of an exam depends on, besides the weights of networks and fusion."""

    networks: dict[str, PredictSettings] = Field(min_length=1, max_length=12)
    """The networks of either stage, by the name of their backbone, sorted."""
    liver_slices: LiverSlicesSettings
    liver: LiverPostprocessing
    lesion_slices: LesionSlicesSettings
    lesion: LesionPostprocessing
