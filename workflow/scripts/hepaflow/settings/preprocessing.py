"""Settings of preprocessed data: what is stored of an exam, on a network's grid."""

from typing import Annotated

from pydantic import Field

from hepaflow.settings.base import SettingsModel
from hepaflow.settings.contrast import LesionSlicesSettings
from hepaflow.settings.slices import LiverSlicesSettings

Preprocessing = Annotated[LiverSlicesSettings | LesionSlicesSettings, Field(discriminator="kind")]


class PreprocessSettings(SettingsModel):
    """What the preprocessed data of an exam depend on, besides exam and region."""

    preprocessing: Preprocessing
    structure: str
    """What the mask of a training exam shows."""
    region: str | None = None
    """The structure that data lie around, which a training exam's reference shows; null for the whole exam."""
