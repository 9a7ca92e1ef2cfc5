"""The settings of a whole run; the defaults are the thesis on LiTS17."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator

from hepaflow.errors import UserError
from hepaflow.names import FUSION, Stage
from hepaflow.settings.base import SettingsModel
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.configuration import plain
from hepaflow.settings.contrast import ContrastSettings, LesionSlicesSettings
from hepaflow.settings.figures import FigureSamplesSettings, SamplesSettings
from hepaflow.settings.fusion import FitFusionSettings, FusionSettings
from hepaflow.settings.head import HeadSettings
from hepaflow.settings.inference import InferenceSettings
from hepaflow.settings.network import BackboneWeights, NetworkSettings
from hepaflow.settings.phantom import PhantomSettings
from hepaflow.settings.postprocess import LesionPostprocessing, LiverPostprocessing
from hepaflow.settings.predictions import AdoptSettings, PredictionLabels, PredictionSettings
from hepaflow.settings.slices import LiverSlicesSettings, NetworkSize, WindowSettings
from hepaflow.settings.survey import SurveySettings
from hepaflow.settings.together import conflicts
from hepaflow.settings.training import (
    Precision,
    PredictSettings,
    TrainingOverrides,
    TrainingSettings,
    TrainSettings,
    what_counts,
)
from hepaflow.system.paths import normal

WITHOUT_FILE = ("imagenet", "none")
"""Starts of a backbone's weights that are no file."""


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


class StagesTraining(SettingsModel):
    """How the networks of the two stages are trained (thesis 4.6.1)."""

    liver: TrainingSettings = TrainingSettings(
        epochs=200, learning_rate=0.05, decay_factor=0.95, decay_every=10, start="backbone"
    )
    """Training of the liver networks (thesis 4.6.1)."""
    lesion: TrainingSettings = TrainingSettings(
        epochs=20, learning_rate=0.1, decay_factor=0.5, decay_every=1, start="liver"
    )
    """Training of the lesion networks (thesis 4.6.1)."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in_the_thesis(cls, given: Any) -> Any:
        """Let a configuration name only the keys that it changes."""
        if not isinstance(given, Mapping):
            return given
        filled = dict(given)
        for stage, field in cls.model_fields.items():
            if isinstance(given.get(stage), Mapping):
                filled[stage] = field.default.model_dump() | dict(given[stage])
        return filled

    @field_validator("liver")
    @classmethod
    def _liver_comes_first(cls, liver: TrainingSettings) -> TrainingSettings:
        if liver.start == "liver":
            raise ValueError("a liver network cannot start from itself; allowed: 'backbone'")
        return liver


class Postprocessing(SettingsModel):
    """What is removed from the masks of the two stages."""

    liver: LiverPostprocessing = LiverPostprocessing()
    """Liver masks (thesis 4.7)."""
    lesion: LesionPostprocessing = LesionPostprocessing()
    """Lesion masks (thesis 4.8)."""


THESIS_BACKBONES = {
    "densenet201": BackboneSettings(arch="densenet201"),
    "inceptionv3": BackboneSettings(arch="inception_v3"),
    "resnet152": BackboneSettings(arch="resnet152"),
    "resnext101": BackboneSettings(arch="resnext101_32x8d"),
}


class Settings(SettingsModel):
    """All settings of a run."""

    results: str = Field(default="results/lits17", min_length=1)
    """Folder of everything that the run makes."""
    data: str = Field(default="data/lits17", min_length=1)
    """Folder to which the paths of the exam sheet are relative."""
    exams: str = Field(default="config/exams/lits17.tsv", min_length=1)
    """Exam sheet: a table of exam, image, label and split (thesis 4.2: 121 exams train, 10 test)."""
    trust_label_grid: bool = False
    """Whether a label map is taken voxel by voxel even where CT values say that it is right by its affine."""
    phantoms: PhantomSettings | None = None
    """Settings of the phantom exams that the run makes into `data` first; null for real exams."""
    seed: int = Field(default=2022, ge=0, lt=2**32)
    """Seed of everything that is drawn at random."""
    window: WindowSettings = WindowSettings()
    """Range of CT values (thesis 4.2, 4.3)."""
    size: NetworkSize = 256
    """Rows and columns of the networks' input, in pixels (thesis 4.2)."""
    contrast: ContrastSettings = ContrastSettings()
    """Contrast enhancement of the lesion slices (thesis 4.3)."""
    backbones: dict[str, BackboneSettings] = Field(default=THESIS_BACKBONES, min_length=1, max_length=12)
    """The networks, each under a name of the user's choice; a configuration replaces them all (thesis 4.4)."""
    head: HeadSettings = HeadSettings()
    """The DeepLabV3 head behind every backbone (thesis 3.5, 4.4)."""
    training: StagesTraining = StagesTraining()
    """Training of the networks (thesis 4.6.1)."""
    precision: Precision = "fp32"
    """Arithmetic of training and prediction: `fp32`, `tf32`, or `bf16` mixed with fp32."""
    predict_precision: Precision | None = None
    """Arithmetic of prediction where it is to be another than that of training; null for the same."""
    fusion: FusionSettings = FusionSettings()
    """Fusion of the networks' masks (thesis 3.6, 4.6.2)."""
    postprocessing: Postprocessing = Postprocessing()
    """Post-processing of the masks (thesis 4.7, 4.8)."""
    predictions: dict[str, PredictionSettings] = Field(default={}, max_length=12)
    """Segmentations of the test exams by other systems or by people, each under a name of the user's choice."""
    samples: SamplesSettings = SamplesSettings()
    """Slices drawn for the sample figures (thesis figures 11 and 12)."""
    compute: ComputeSettings = ComputeSettings()
    """Speed; a change of it computes nothing anew."""
    cache: str | None = Field(default=None, min_length=1)
    """Folder of the shared cache, from which results that were computed before are restored; null for none."""
    count_libraries: bool = False
    """Whether another version of an installed library that a stage computes with is a change of its result."""

    @field_validator("results", "data", "exams", "cache")
    @classmethod
    def _plain_paths(cls, path: str | None) -> str | None:
        return None if path is None else _plain(path)

    @field_validator("results")
    @classmethod
    def _results_have_a_folder(cls, path: str) -> str:
        if path in (".", "/"):
            raise ValueError("expected a folder of their own, such as `results/mine`")
        return path

    @field_validator("backbones")
    @classmethod
    def _plain_names(cls, backbones: dict[str, BackboneSettings]) -> dict[str, BackboneSettings]:
        for name, backbone in backbones.items():
            if backbone.weights not in WITHOUT_FILE:
                backbones[name] = backbone.model_copy(update={"weights": _plain(backbone.weights)})
        return _named(backbones, "backbone")

    @field_validator("predictions")
    @classmethod
    def _plain_names_of_others(cls, predictions: dict[str, PredictionSettings]) -> dict[str, PredictionSettings]:
        for name, prediction in predictions.items():
            if not (prediction.liver or prediction.lesion):
                raise ValueError(f"prediction {name!r}: neither a label value of the liver nor one of lesions")
            predictions[name] = prediction.model_copy(update={"folder": _plain(prediction.folder)})
        return _named(predictions, "prediction")

    @model_validator(mode="after")
    def _every_method_has_a_name_of_its_own(self) -> "Settings":
        for name in self.predictions.keys() & self.backbones.keys():
            raise ValueError(f"prediction {name!r}: this name is taken by a backbone")
        return self

    @model_validator(mode="after")
    def _every_backbone_can_be_trained(self) -> "Settings":
        for name in self.backbones:
            self.stage_training("liver", name)
            self.stage_training("lesion", name)
        return self

    @model_validator(mode="after")
    def _keys_hold_together(self) -> "Settings":
        if found := conflicts(self):
            raise ValueError("\n  ".join(found))
        return self

    def network(self, backbone: str) -> NetworkSettings:
        """Return the settings of a backbone's network."""
        chosen = self.backbones[backbone]
        return NetworkSettings(arch=chosen.arch, weights=chosen.weights, head=self.head)

    def stage_training(self, stage: Stage, backbone: str) -> TrainingSettings:
        """Return how a backbone is trained for a stage: the stage's settings with its own differences."""
        overrides: SettingsModel = getattr(self.backbones[backbone].training, stage)
        common: TrainingSettings = getattr(self.training, stage)
        merged = common.model_dump() | overrides.model_dump(exclude_none=True)
        if stage == "liver" and merged["start"] == "liver":
            raise ValueError(
                f"backbones.{backbone}.training.liver.start: a liver network cannot start from itself"
            )
        return TrainingSettings.model_validate(merged)

    def read_by(self, rule: str, *wildcards: str) -> SettingsModel:
        """Return what a rule depends on, for the values of its wildcards: the method of the rule's name."""
        chosen: SettingsModel = getattr(self, rule)(*wildcards)
        return chosen

    def phantom(self) -> PhantomSettings:
        """Return what the phantom exams depend on."""
        return self.phantoms or PhantomSettings()

    def survey(self) -> SurveySettings:
        """Return what the survey of an exam depends on."""
        return SurveySettings(trust_label_grid=self.trust_label_grid)

    def liver_slices(self) -> LiverSlicesSettings:
        """Return what the liver slices depend on."""
        return LiverSlicesSettings(window=self.window, size=self.size)

    def lesion_slices(self) -> LesionSlicesSettings:
        """Return what the lesion slices depend on."""
        return LesionSlicesSettings(window=self.window, size=self.size, contrast=self.contrast)

    def train(self, stage: Stage, backbone: str) -> TrainSettings:
        """Return what the training of a network depends on."""
        network = self.network(backbone)
        training = what_counts(self.stage_training(stage, backbone))
        if training.start == "liver":
            network = network.model_copy(update={"weights": "none"})
        return TrainSettings(network=network, training=training, precision=self.precision, seed=self.seed)

    def predict(self, backbone: str) -> PredictSettings:
        """Return what a network's masks depend on."""
        network = self.network(backbone).model_copy(update={"weights": "none"})
        return PredictSettings(network=network, precision=self.predict_precision or self.precision)

    def postprocess(self, stage: Stage) -> LiverPostprocessing | LesionPostprocessing:
        """Return what the post-processing of a stage depends on."""
        return self.postprocessing.liver if stage == "liver" else self.postprocessing.lesion

    def fit_fusion(self) -> FitFusionSettings:
        """Return what the fusion weights depend on; the solver `newton` draws nothing and takes no steps."""
        backbones = tuple(self.backbones)
        if self.fusion.solver == "newton":
            return FitFusionSettings(solver=FusionSettings(solver="newton"), backbones=backbones, seed=0)
        return FitFusionSettings(solver=self.fusion, backbones=backbones, seed=self.seed)

    def bundle(self) -> InferenceSettings:
        """Return what the segmentation of an exam depends on, from beginning to end."""
        return InferenceSettings(
            networks={name: self.predict(name) for name in self.backbones},
            liver_slices=self.liver_slices(),
            liver=self.postprocessing.liver,
            lesion_slices=self.lesion_slices(),
            lesion=self.postprocessing.lesion,
        )

    def adopt(self, given: str) -> AdoptSettings:
        """Return what the label maps of another system depend on."""
        chosen = self.predictions[given]
        return AdoptSettings(liver=chosen.liver, lesion=chosen.lesion, trust_grid=chosen.trust_grid)

    def evaluate_given(self, given: str) -> PredictionLabels:
        """Return what the scores of another system depend on."""
        chosen = self.predictions[given]
        return PredictionLabels(liver=chosen.liver, lesion=chosen.lesion)

    def figure_samples(self) -> FigureSamplesSettings:
        """Return what the sample figures depend on."""
        return FigureSamplesSettings(samples=self.samples, window=self.window)


def _plain(path: str) -> str:
    """Return the one spelling of a path that rules can hold."""
    if set(path) & set("{}") or not path.isprintable():
        raise ValueError("expected a path without braces (wildcards, to rules) and invisible characters")
    if _ADDRESS.match(path):
        raise ValueError("expected a path on this machine, not an address of the web or of a store")
    if _VARIABLE.search(path) and not os.path.lexists(path):
        raise ValueError("expected a path without shell variables, which are not expanded; `~` is the home folder")
    return normal(path)


_ADDRESS = re.compile(r"[A-Za-z][\w+.-]*://")
_VARIABLE = re.compile(r"\$\w")


Named = TypeVar("Named")


def _named(methods: dict[str, Named], kind: str) -> dict[str, Named]:
    """Refuse names that files, rules or tables could not hold; sort by name."""
    for name in methods:
        if not (name.isascii() and name.replace("_", "").isalnum() and name == name.lower()):
            raise ValueError(f"{kind} {name!r}: a name has lower-case letters, digits and underscores")
        if len(name) > 40:
            raise ValueError(f"{kind} {name!r}: a name has at most 40 characters, as files are named after it")
        if name == FUSION:
            raise ValueError(f"{kind} {name!r}: this name is taken by the fusion of all backbones")
    return dict(sorted(methods.items()))


def read_settings(config: Mapping[str, Any]) -> Settings:
    """Turn a configuration into settings.

    Parameters
    ----------
    config : mapping
        Nested configuration, as YAML gives it.

    Raises
    ------
    UserError
        If a key is unknown or not text, or a value is not allowed; it names each key's path, the value and what is
        allowed.
    """
    given = plain(config)
    try:
        return Settings.model_validate_json(json.dumps(given))
    except ValidationError as error:
        problems = [_problem(item, given) for item in error.errors()]
        raise UserError(
            "\n  ".join([f"{len(problems)} wrong setting(s):", *problems]),
            remedy="correct the configuration; config/README.md explains every key",
        ) from None


def _problem(item: Any, given: Mapping[str, Any]) -> str:
    """Return one problem as 'key path: value: what is allowed'."""
    where = _place(item["loc"], given)
    if item["type"] == "union_tag_invalid":
        return f"{where}.kind: found {item['ctx']['tag']!r}; input should be one of {item['ctx']['expected_tags']}"
    if item["type"] == "union_tag_not_found":
        return f"{where}.kind: missing"
    if item["type"] == "model_attributes_type":
        return f"{where}: found {item['input']!r}; input should be keys with values, `kind` among them"
    if item["type"] == "extra_forbidden":
        return f"{where}: unknown key; is it misspelt?"
    if item["type"] == "missing":
        return f"{where}: missing"
    message = item["msg"].removeprefix("Value error, ")
    if not where or isinstance(item["input"], dict):
        return f"{where}: {message}" if where else message
    problem = f"{where}: found {item['input']!r}; {message[:1].lower()}{message[1:]}"
    return f"{problem} ({_TEXT})" if item["type"] in _NO_TEXT and isinstance(item["input"], str) else problem


def _place(loc: Sequence[str | int], given: Any) -> str:
    """Return the path of a key as the configuration has it: without the kinds, which pydantic puts between."""
    parts = []
    for part in loc:
        if isinstance(given, Mapping):
            if part == given.get("kind") and part not in given:
                continue
            given = given.get(part)
        elif isinstance(given, list) and isinstance(part, int) and part < len(given):
            given = given[part]
        parts.append(str(part))
    return ".".join(parts)


_NO_TEXT = ("int_type", "float_type", "bool_type", "list_type", "tuple_type", "model_type", "dict_type")
_TEXT = "this is text: YAML reads 1e-3 as text, and 1.0e-3 as a number; --config passes inner values as text"
