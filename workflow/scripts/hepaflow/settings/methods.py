"""Settings of the networks: the thesis' backbones, which are fused, and methods of other kinds beside them."""

from pydantic import Field, field_validator

from hepaflow.names import STAGES
from hepaflow.settings.base import SettingsModel
from hepaflow.settings.network import BackboneWeights
from hepaflow.settings.postprocess import PostprocessingSteps
from hepaflow.settings.preprocessing import OwnData, OwnLesionSlices, OwnVoiSlices
from hepaflow.settings.sampling import Flips, Sampling
from hepaflow.settings.training import TrainingOverrides


class BackboneTraining(SettingsModel):
    """What one backbone trains differently."""

    liver: TrainingOverrides = TrainingOverrides()
    """Differences from `training.liver`."""
    lesion: TrainingOverrides = TrainingOverrides()
    """Differences from `training.lesion`."""


class BackboneSettings(BackboneWeights):
    """One of the networks that are trained and fused (thesis 4.4)."""

    training: BackboneTraining = BackboneTraining()
    """What this backbone trains differently from the others."""


class MethodStageSettings(SettingsModel):
    """What one stage of a method does differently."""

    data: OwnData | None = None
    """What its network sees of an exam; null for the data of the run's stage."""
    sampling: Sampling | None = None
    """How an exam is shown to its network piece by piece; null for the method's `sampling`."""
    flips: Flips | None = None
    """How pieces are mirrored, too, when its network predicts; null for the method's `flips`."""
    training: TrainingOverrides = TrainingOverrides()
    """Differences from the method's `training`."""
    postprocessing: PostprocessingSteps | None = None
    """Steps of the post-processing, in this order; null for the run's `postprocessing`."""


class MethodStages(SettingsModel):
    """The stages of a method."""

    liver: MethodStageSettings = MethodStageSettings()
    """The liver, in the whole exam."""
    lesion: MethodStageSettings = MethodStageSettings()
    """Lesions, in the volume around the method's own liver."""

    @field_validator("liver")
    @classmethod
    def _nothing_is_before_the_first(cls, first: MethodStageSettings) -> MethodStageSettings:
        if isinstance(first.data, OwnLesionSlices | OwnVoiSlices):
            raise ValueError(
                f"data.kind: {first.data.kind!r} lie around a liver, which nothing has found before this stage; "
                "use 'liver_slices'"
            )
        return first


class MethodSettings(SettingsModel):
    """A method beside the backbones, which is not fused: a network for the liver, one for lesions within it."""

    network: BackboneWeights
    """What is trained, for either stage."""
    sampling: Sampling | None = None
    """How an exam is shown to the networks piece by piece; null for one slice at a time (thesis 4.5)."""
    flips: Flips | None = None
    """How pieces are mirrored, too, when the networks predict: a map is the mean over the piece as it is, mirrored
    along each axis, and along both. Null for no mirrored ones."""
    training: TrainingOverrides = TrainingOverrides()
    """Differences from `training.liver` and `training.lesion`."""
    stages: MethodStages = Field(default=MethodStages())
    """What the stages do differently."""


def as_method(backbone: BackboneSettings) -> MethodSettings:
    """Return the settings of a backbone in the form of a method's."""
    stages = {stage: MethodStageSettings(training=getattr(backbone.training, stage)) for stage in STAGES}
    network = BackboneWeights(arch=backbone.arch, weights=backbone.weights)
    return MethodSettings(network=network, stages=MethodStages(**stages))
