"""Settings of segmentations that other systems made."""

from typing import Annotated

from pydantic import Field

from hepaflow.settings.base import SettingsModel

LabelValue = Annotated[int, Field(ge=1)]


class PredictionLabels(SettingsModel):
    """What the label values of another system stand for."""

    liver: tuple[LabelValue, ...] = (1, 2)
    """Label values of the liver, lesions included; an empty list where the system segments lesions alone."""
    lesion: tuple[LabelValue, ...] = (2,)
    """Label values of lesions; an empty list where the system segments the liver alone."""


class AdoptSettings(PredictionLabels):
    """How the label maps of another system are read."""

    trust_grid: bool = False
    """Whether a label map is taken voxel by voxel, whatever its own affine says."""


class PredictionSettings(AdoptSettings):
    """Segmentations of the test exams by another system, or a person, to be scored and drawn beside ours."""

    folder: str = Field(min_length=1)
    """Folder with a label map for each test exam: `{exam}.nii.gz` or `{exam}.nii`."""
