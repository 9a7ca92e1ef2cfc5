"""Settings of the segmentation of one exam from beginning to end."""

from typing import Self

from pydantic import Field, model_validator

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

    @model_validator(mode="after")
    def _one_precision(self) -> Self:
        if len({network.precision for network in self.networks.values()}) > 1:
            raise ValueError("networks of one model predict in one precision")
        return self
