"""Settings of the networks: the thesis' backbones, which are fused, and methods of other kinds beside them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from hepaflow.names import STAGES
from hepaflow.settings.base import SettingsModel
from hepaflow.settings.network import BackboneWeights
from hepaflow.settings.postprocess import NEEDS_REGION, PostprocessingSteps, Restored
from hepaflow.settings.preprocessing import AROUND, OwnData, OwnResampledVoi
from hepaflow.settings.sampling import Flips, Sampling
from hepaflow.settings.training import TrainingOverrides


class BackboneTraining(SettingsModel):
    """Training settings of one backbone that differ from the others."""

    liver: TrainingOverrides = TrainingOverrides()
    """Differences from `training.liver`."""
    lesion: TrainingOverrides = TrainingOverrides()
    """Differences from `training.lesion`."""


class BackboneSettings(BackboneWeights):
    """One of the networks that are trained and fused (thesis 4.4)."""

    training: BackboneTraining = BackboneTraining()
    """Training settings that differ for this backbone."""


class MethodStageSettings(SettingsModel):
    """What one stage of a method does differently."""

    data: OwnData | None = None
    """What its network sees of an exam; null for the thesis' slices with the run's settings."""
    sampling: Sampling | None = None
    """How an exam is shown to its network piece by piece; null for the method's `sampling`."""
    flips: Flips | None = None
    """Test-time mirroring of pieces; null for the method's `flips`."""
    training: TrainingOverrides = TrainingOverrides()
    """Differences from the method's `training`."""
    postprocessing: PostprocessingSteps | None = None
    """Steps of the post-processing, in this order; null for the run's `postprocessing`."""
    restore: Restored | None = None
    """What is resampled to the exam's grid; null for the method's `restore`."""


def _check_regions(first: "MethodStageSettings | AverageStageSettings") -> None:
    for number, step in enumerate(first.postprocessing or ()):
        if step.kind in NEEDS_REGION:
            raise ValueError(
                f"postprocessing.{number}.kind: {step.kind!r} looks at a liver, which nothing has found before "
                "this stage; use steps of another kind"
            )


class MethodStages(SettingsModel):
    """The stages of a method."""

    coarse: MethodStageSettings | None = None
    """A coarse liver in the whole exam, around which the data of the stage `liver` lie. It is trained like the
    liver, except for its own `training`. Null for none."""
    liver: MethodStageSettings = MethodStageSettings()
    """The liver, in the whole exam, or around the liver of the stage `coarse` if there is one."""
    lesion: MethodStageSettings = MethodStageSettings()
    """Lesions, in the volume around the method's own liver."""

    @field_validator("coarse", "liver")
    @classmethod
    def _nothing_is_before_the_first(
        cls, first: MethodStageSettings | None, info: ValidationInfo
    ) -> MethodStageSettings | None:
        if first is None or any(before is not None for before in info.data.values()):
            return first
        if isinstance(first.data, AROUND):
            raise ValueError(
                f"data.kind: {first.data.kind!r} lie around a liver, which nothing has found before this stage; "
                f"use {'resampled' if isinstance(first.data, OwnResampledVoi) else 'liver_slices'!r}"
            )
        _check_regions(first)
        return first


class MethodSettings(SettingsModel):
    """A method beside the backbones, which is not fused: a network for the liver, one for lesions within it."""

    kind: Literal["cascade"] = "cascade"
    network: BackboneWeights
    """What is trained, for either stage."""
    sampling: Sampling | None = None
    """How an exam is shown to the networks piece by piece; null for one slice at a time (thesis 4.5)."""
    flips: Flips | None = None
    """Test-time mirroring: a map is the mean over a piece and its mirror images along these axes and their
    combinations. Null for no mirroring."""
    training: TrainingOverrides = TrainingOverrides()
    """Differences from `training.liver` and `training.lesion`."""
    restore: Restored | None = None
    """What is resampled to the exam's grid: `masks`, or `maps`, which are thresholded there; null for masks
    (thesis 4.9)."""
    stages: MethodStages = Field(default=MethodStages())
    """What the stages do differently."""


class AverageStageSettings(SettingsModel):
    """What one stage of an average does differently."""

    postprocessing: PostprocessingSteps | None = None
    """Steps of the post-processing, in this order; null for the run's `postprocessing`."""
    restore: Restored | None = None
    """What is resampled to the exam's grid; null for the average's `restore`."""


class AverageStages(SettingsModel):
    """The stages of an average."""

    liver: AverageStageSettings = AverageStageSettings()
    """The liver, in the whole exam."""
    lesion: AverageStageSettings = AverageStageSettings()
    """Lesions, in the volume around the average's own liver."""

    @field_validator("liver")
    @classmethod
    def _nothing_is_before_the_first(cls, first: AverageStageSettings) -> AverageStageSettings:
        _check_regions(first)
        return first


class AverageSettings(SettingsModel):
    """A method that averages the maps of others (soft voting): nothing is trained, no weight is fitted."""

    kind: Literal["average"]
    of: Annotated[tuple[str, ...], Field(min_length=2, strict=False)]
    """Names of backbones and methods, or `fusion`; all have the same weight."""
    restore: Restored | None = None
    """What is resampled to the exam's grid: `masks`, or `maps`, which are thresholded there; null for masks
    (thesis 4.9)."""
    stages: AverageStages = Field(default=AverageStages())
    """What the stages do differently."""


def _kind(given: Any) -> str:
    """Return the kind of a method, which is a cascade where none is given."""
    kind = given.get("kind", CASCADE) if isinstance(given, Mapping) else getattr(given, "kind", CASCADE)
    return str(kind)


CASCADE = "cascade"
"""What a method is that does not say its kind."""

AnyMethod = Annotated[
    Annotated[MethodSettings, Tag(CASCADE)] | Annotated[AverageSettings, Tag("average")], Discriminator(_kind)
]


def as_method(backbone: BackboneSettings) -> MethodSettings:
    """Return the settings of a backbone in the form of a method's."""
    stages = {stage: MethodStageSettings(training=getattr(backbone.training, stage)) for stage in STAGES}
    network = BackboneWeights(**{name: getattr(backbone, name) for name in BackboneWeights.model_fields})
    return MethodSettings(network=network, stages=MethodStages(**stages))
