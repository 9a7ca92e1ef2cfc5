"""The plan of a run as values: preprocessed data, and for every stage of every method what makes its map.

`methods/thesis.py` makes it from the settings. Rules turn its names into files; a model's bundle holds the part
that segments an exam.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from hepaflow.settings.base import SettingsModel
from hepaflow.settings.fusion import FitFusionSettings
from hepaflow.settings.postprocess import PostprocessingSteps, Restored
from hepaflow.settings.preprocessing import PreprocessSettings
from hepaflow.settings.training import PredictSettings, TrainSettings


class Region(SettingsModel):
    """A mask that a later stage looks around, or at: that of a method's earlier stage."""

    method: str
    stage: str


class PlannedData(SettingsModel):
    """An exam on a network's grid, stored once and shared by name."""

    preprocess: PreprocessSettings
    within: Region | None = None
    """Whose mask data lie around, but those of training exams, which lie around the reference."""


class PlannedTraining(SettingsModel):
    """How the network of a stage comes about."""

    data: str | None = None
    """What it is trained on; null where the training draws phantoms."""
    start: str | None = None
    """The earlier stage of the method whose network its weights start from; null for none."""
    settings: TrainSettings


class PlannedVote(SettingsModel):
    """How masks are fused."""

    of: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    """Methods, by whose masks of the same stage."""
    fit: FitFusionSettings | None = None
    """How the weights are found; null in a model, which has them."""


class PlannedAverage(SettingsModel):
    """Whose maps of the same stage are averaged."""

    of: Annotated[tuple[str, ...], Field(min_length=2, strict=False)]


class PlannedStage(SettingsModel):
    """One stage of a method: a map by a network, a vote or an average, and what is done to its mask."""

    structure: str
    """What the map shows."""
    data: str
    """On whose grid it lies."""
    network: PredictSettings | None = None
    """Null without one."""
    training: PlannedTraining | None = None
    """Null without a network, and in a model."""
    vote: PlannedVote | None = None
    """Null without one."""
    average: PlannedAverage | None = None
    """Null without one."""
    postprocessing: PostprocessingSteps
    restore: Restored | None = None
    """What is resampled to the exam's grid; null for masks (thesis 4.9)."""
    region: Region | None = None
    """Whose mask the post-processing looks at; null where it looks at none."""

    @model_validator(mode="after")
    def _one_makes_the_map(self) -> Self:
        if sum(one is not None for one in (self.network, self.vote, self.average)) != 1:
            raise ValueError("a map is made by a network, by a vote or by an average")
        return self


class Plan(SettingsModel):
    """All that a run, or a model, computes of an exam."""

    data: dict[str, PlannedData]
    methods: dict[str, dict[str, PlannedStage]]
    """By method, then by stage."""
    result: str | None = None
    """The method whose label map a model gives; null for all, in a run."""

    @model_validator(mode="after")
    def _a_model_predicts_in_one_precision(self) -> Self:
        stages = [planned for one in self.methods.values() for planned in one.values()]
        if self.result is not None and len({one.network.precision for one in stages if one.network}) != 1:
            raise ValueError("networks of one model predict in one precision")
        return self
