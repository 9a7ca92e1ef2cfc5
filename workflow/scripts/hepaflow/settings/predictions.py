"""Settings of segmentations that other systems made."""

from typing import Annotated

from pydantic import Field

from hepaflow.settings.base import SettingsModel

LabelValue = Annotated[int, Field(ge=1)]


class PredictionLabels(SettingsModel):
    """What the label values of another system stand for."""

    liver: tuple[LabelValue, ...] = (1, 2)
    """Label values of the liver, lesions included; an empty list if the system only segments lesions."""
    lesion: tuple[LabelValue, ...] = (2,)
    """Label values of lesions; an empty list if the system only segments the liver."""


class AdoptSettings(PredictionLabels):
    """How the label maps of another system are read."""

    trust_grid: bool = False
    """Whether a label map is used voxel by voxel, whatever its own affine says."""


class PredictionSettings(AdoptSettings):
    """Segmentations of the test exams by another system or a person, scored and shown beside the run's own."""

    folder: str = Field(min_length=1)
    """Folder with a label map for each test exam: `{exam}.nii.gz` or `{exam}.nii`."""
