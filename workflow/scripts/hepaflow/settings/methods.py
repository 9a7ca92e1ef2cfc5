"""Settings of the networks: the thesis' backbones, which are fused, and methods of other kinds beside them."""

from pydantic import Field

from hepaflow.names import STAGES
from hepaflow.settings.base import SettingsModel
from hepaflow.settings.network import BackboneWeights
from hepaflow.settings.postprocess import PostprocessingSteps
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


class MethodSettings(SettingsModel):
    """A method beside the backbones, which is not fused: a network for the liver, one for lesions within it."""

    network: BackboneWeights
    """What is trained, for either stage."""
    training: TrainingOverrides = TrainingOverrides()
    """Differences from `training.liver` and `training.lesion`."""
    stages: MethodStages = Field(default=MethodStages())
    """What the stages do differently."""


def as_method(backbone: BackboneSettings) -> MethodSettings:
    """Return the settings of a backbone in the form of a method's."""
    stages = {stage: MethodStageSettings(training=getattr(backbone.training, stage)) for stage in STAGES}
    network = BackboneWeights(arch=backbone.arch, weights=backbone.weights)
    return MethodSettings(network=network, stages=MethodStages(**stages))
