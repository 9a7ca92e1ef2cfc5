"""The settings of a whole run; the defaults are the thesis on LiTS17."""

import json
import os
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator

from hepaflow.errors import UserError
from hepaflow.names import FUSION, SHOWS, Stage
from hepaflow.settings.base import SettingsModel
from hepaflow.settings.compute import RunComputeSettings
from hepaflow.settings.configuration import plain
from hepaflow.settings.contrast import ContrastSettings, LesionSlicesSettings
from hepaflow.settings.figures import SamplesSettings
from hepaflow.settings.fusion import FusionSettings
from hepaflow.settings.head import HeadSettings
from hepaflow.settings.methods import AnyMethod, AverageSettings, BackboneSettings, MethodSettings, as_method
from hepaflow.settings.phantom import PhantomSettings
from hepaflow.settings.postprocess import LesionPostprocessing, LiverPostprocessing
from hepaflow.settings.predictions import PredictionSettings
from hepaflow.settings.problems import problems
from hepaflow.settings.sampling import Flips, Sampling, Slices
from hepaflow.settings.slices import LiverSlicesSettings, NetworkSize, WindowSettings
from hepaflow.settings.together import conflicts
from hepaflow.settings.training import Precision, RoundedWeights, TrainingSettings
from hepaflow.system.paths import normal
from hepaflow.words import counted

WITHOUT_FILE = ("imagenet", "none")
"""Starts of a backbone's weights that are no file."""


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
    """Folder for everything that the run writes."""
    data: str = Field(default="data/lits17", min_length=1)
    """Folder to which the paths of the exam sheet are relative."""
    exams: str = Field(default="config/exams/lits17.tsv", min_length=1)
    """Exam sheet: a table of exam, image, label and split (thesis 4.2: 121 exams train, 10 test)."""
    trust_label_grid: bool = False
    """Whether a label map is used voxel by voxel even if CT values show that it is right by its affine."""
    phantoms: PhantomSettings | None = None
    """Settings of the phantom exams that the run first generates in `data`; null for real exams."""
    seed: int = Field(default=2022, ge=0, lt=2**32)
    """Seed of everything random."""
    window: WindowSettings = WindowSettings()
    """Range of CT values (thesis 4.2, 4.3)."""
    size: NetworkSize = 256
    """Rows and columns of the networks' input, in pixels (thesis 4.2)."""
    contrast: ContrastSettings = ContrastSettings()
    """Contrast enhancement of the lesion slices (thesis 4.3)."""
    backbones: dict[str, BackboneSettings] = Field(default=THESIS_BACKBONES, max_length=12)
    """The networks, each under a name of your choice; a configuration replaces them all (thesis 4.4). Where
    there are none (`{}`), nothing is fused, and `model` names a method."""
    methods: dict[str, AnyMethod] = Field(default={}, max_length=12)
    """Methods beside the backbones, each under a name of your choice; they are not fused."""
    model: str | None = Field(default=None, min_length=1)
    """The method with which new exams are segmented; null for the fusion (thesis 4.6.2). Without
    backbones there is no fusion, and a name is needed."""
    head: HeadSettings = HeadSettings()
    """The DeepLabV3 head behind every backbone (thesis 3.5, 4.4)."""
    training: StagesTraining = StagesTraining()
    """Training of the networks (thesis 4.6.1)."""
    precision: Precision = "fp32"
    """Arithmetic of training and prediction: `fp32`, `tf32`, or `bf16` mixed with fp32."""
    predict_precision: Precision | None = None
    """Arithmetic of prediction if it should differ from that of training; null for the same."""
    predict_weights: RoundedWeights | None = None
    """What weights are rounded to for prediction, and in the model: `fp16`, half the bytes; null for none."""
    fusion: FusionSettings = FusionSettings()
    """Fusion of the networks' masks (thesis 3.6, 4.6.2)."""
    postprocessing: Postprocessing = Postprocessing()
    """Post-processing of the masks (thesis 4.7, 4.8)."""
    predictions: dict[str, PredictionSettings] = Field(default={}, max_length=12)
    """Segmentations of the test exams by other systems or by people, each under a name of your choice."""
    samples: SamplesSettings = SamplesSettings()
    """Slices drawn for the sample figures (thesis figures 11 and 12)."""
    compute: RunComputeSettings = RunComputeSettings()
    """Speed; changing it makes nothing run again."""
    card: str | None = Field(default=None, min_length=1)
    """A text file (Markdown) that the model's card ends with: what is known of the model besides its test scores;
    null for none."""
    cache: str | None = Field(default=None, min_length=1)
    """Folder of the shared cache, from which results that were computed before are restored; null for none."""
    count_libraries: bool = False
    """Whether another version of an installed library makes what is computed with it run again."""

    @field_validator("results", "data", "exams", "card", "cache")
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

    @field_validator("methods")
    @classmethod
    def _plain_names_of_methods(
        cls, methods: dict[str, MethodSettings | AverageSettings]
    ) -> dict[str, MethodSettings | AverageSettings]:
        for name, method in methods.items():
            if isinstance(method, MethodSettings) and method.network.weights not in WITHOUT_FILE:
                network = method.network.model_copy(update={"weights": _plain(method.network.weights)})
                methods[name] = method.model_copy(update={"network": network})
        return _named(methods, "method")

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
        for name in sorted(self.methods.keys() & self.backbones.keys()):
            raise ValueError(f"method {name!r}: this name is taken by a backbone")
        for name in sorted(self.predictions.keys() & (self.backbones.keys() | self.methods.keys())):
            kind = "backbone" if name in self.backbones else "method"
            raise ValueError(f"prediction {name!r}: this name is taken by a {kind}")
        return self

    @model_validator(mode="after")
    def _named_methods_exist(self) -> "Settings":
        trained = [*self.networks, *([FUSION] if self.backbones else [])]
        if not trained:
            raise ValueError("backbones: there are none, and `methods` has no network either; nothing is trained")
        for name, average in self.averages.items():
            if unknown := [one for one in average.of if one not in trained]:
                raise ValueError(
                    f"methods.{name}.of: found {unknown[0]!r}; expected names of {', '.join(trained)}"
                )
            if len(set(average.of)) < len(average.of):
                raise ValueError(f"methods.{name}.of: a name stands there twice; each counts as much as any other")
        known = ", ".join([*trained, *self.averages])
        if self.model is None and not self.backbones:
            raise ValueError(f"model: there are no backbones to be fused; name a method of this run: {known}")
        if self.model not in (None, *trained, *self.averages):
            raise ValueError(f"model: found {self.model!r}; expected a method of this run: {known}")
        return self

    @model_validator(mode="after")
    def _every_network_can_be_trained(self) -> "Settings":
        for name in self.networks:
            for stage in self.stages(name):
                self.stage_training(stage, name)
        return self

    @model_validator(mode="after")
    def _keys_hold_together(self) -> "Settings":
        if found := conflicts(self):
            raise ValueError("\n  ".join(found))
        return self

    @property
    def networks(self) -> dict[str, MethodSettings]:
        """All methods whose networks are trained: the backbones, in the form of methods, and the others."""
        return {name: as_method(backbone) for name, backbone in self.backbones.items()} | self.cascades

    @property
    def cascades(self) -> dict[str, MethodSettings]:
        """Methods beside the backbones that have networks of their own."""
        return {name: method for name, method in self.methods.items() if isinstance(method, MethodSettings)}

    @property
    def averages(self) -> dict[str, AverageSettings]:
        """Methods that average the maps of others."""
        return {name: method for name, method in self.methods.items() if isinstance(method, AverageSettings)}

    @property
    def result(self) -> str:
        """The method that is the run's model."""
        return self.model or FUSION

    def stages(self, name: str) -> tuple[Stage, ...]:
        """Return the stages of a method, earlier ones first."""
        stages = (self.averages.get(name) or self.networks[name]).stages
        return tuple(stage for stage in SHOWS if getattr(stages, stage, None) is not None)

    def before(self, stage: Stage, name: str) -> tuple[Stage, ...]:
        """Return the stages of a method that are before one of them, earlier ones first."""
        stages = self.stages(name)
        return stages[: stages.index(stage)]

    @property
    def learns_from_exams(self) -> bool:
        """Whether a network or a fusion is trained on exams; other networks draw phantoms, or stay as they are."""
        trainings = (self.stage_training(stage, name) for name in self.networks for stage in self.stages(name))
        on_exams = any(training.drawn is None and training.epochs > 0 for training in trainings)
        return bool(self.backbones) or on_exams

    def stage_training(self, stage: Stage, name: str) -> TrainingSettings:
        """Return how a network is trained for a stage: the stage's settings with its own differences."""
        merged: dict[str, Any] = {}
        for some in self._trainings(stage, name).values():
            merged |= some.model_dump(exclude_none=True)
        starts = {one: ("backbone", *self.before(one, name)) for one in self.stages(name)}
        if (start := merged["start"]) not in starts[stage]:
            key, allowed = self.training_key(stage, name, "start"), ", ".join(map(repr, starts[stage]))
            what = {stage: "itself"}.get(start, f"a {start} network, which this method does not train before")
            message = f"{key}: a {stage} network cannot start from {what}; allowed: {allowed}"
            if key == f"methods.{name}.training.start":  # which holds for every stage
                for other in (one for one in starts if start in starts[one]):
                    message += f"; for the {other} network alone, use methods.{name}.stages.{other}.training.start"
            raise ValueError(message)
        return TrainingSettings.model_validate(merged)

    def training_key(self, stage: Stage, name: str, setting: str) -> str:
        """Return the key that decides a setting of a network's training: `methods.mine.training.epochs`."""
        given = self._trainings(stage, name).items()
        return f"{[key for key, some in given if getattr(some, setting) is not None][-1]}.{setting}"

    def _trainings(self, stage: Stage, name: str) -> dict[str, SettingsModel]:
        """Return what is set of a network's training, by key; later ones win."""
        method = self.networks[name]
        is_backbone = name in self.backbones
        own = f"backbones.{name}.training.{stage}" if is_backbone else f"methods.{name}.stages.{stage}.training"
        return {
            f"training.{SHOWS[stage]}": getattr(self.training, SHOWS[stage]),
            f"methods.{name}.training": method.training,
            own: getattr(method.stages, stage).training,
        }

    def networks_in(self, average: AverageSettings) -> list[str]:
        """Return the networks whose maps an average is of; the fusion stands for its own."""
        own = [list(self.backbones) if one == FUSION else [one] for one in average.of]
        return list(dict.fromkeys(name for names in own for name in names))

    def stage_size(self, stage: Stage, name: str) -> int:
        """Return the rows and columns of the slices that a network sees in a stage; patches have others."""
        own = getattr(self.networks[name].stages, stage).data
        return getattr(own, "size", None) or self.size

    def stage_sampling(self, stage: Stage, name: str) -> Sampling:
        """Return how an exam is shown to a network in a stage."""
        return self._chosen(stage, name, "sampling") or Slices()

    def sees_region(self, stage: Stage, name: str) -> bool:
        """Return whether a network sees the mask of the earlier stage, as a channel beside the image."""
        return bool(getattr(getattr(self.networks[name].stages, stage).data, "with_region", None))

    def stage_flips(self, stage: Stage, name: str) -> Flips | None:
        """Return how pieces are mirrored when a network predicts in a stage; None for not at all."""
        flips: Flips | None = self._chosen(stage, name, "flips")
        return flips

    def stage_key(self, stage: Stage, name: str, setting: str) -> str:
        """Return the key that decides a setting which a stage has, or else its method: its path."""
        own = getattr(getattr(self.networks[name].stages, stage), setting)
        return f"methods.{name}.{setting}" if own is None else f"methods.{name}.stages.{stage}.{setting}"

    def _chosen(self, stage: Stage, name: str, setting: str) -> Any:
        method = self.networks[name]
        own = getattr(getattr(method.stages, stage), setting)
        return getattr(method, setting) if own is None else own

    def liver_slices(self) -> LiverSlicesSettings:
        """Return the settings of the slices of whole exams."""
        return LiverSlicesSettings(window=self.window, size=self.size)

    def lesion_slices(self) -> LesionSlicesSettings:
        """Return the settings of the slices of volumes of interest."""
        return LesionSlicesSettings(window=self.window, size=self.size, contrast=self.contrast)


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

_TAKEN = {
    FUSION: "the fusion of all backbones",
    "reference": "the reference",
    "exam": "a column of the tables",
    "metric": "a column of the tables",
}

Named = TypeVar("Named")


def _named(methods: dict[str, Named], kind: str) -> dict[str, Named]:
    """Refuse names that files, rules or tables could not hold; sort by name."""
    for name in methods:
        if not (name.isascii() and name.replace("_", "").isalnum() and name == name.lower()):
            raise ValueError(f"{kind} {name!r}: a name has lower-case letters, digits and underscores")
        if len(name) > 40:
            raise ValueError(f"{kind} {name!r}: a name has at most 40 characters, as files are named after it")
        if name in _TAKEN:
            raise ValueError(f"{kind} {name!r}: this name is taken by {_TAKEN[name]}")
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
        told = problems(error, given, Settings.model_json_schema())
        found = [line.strip() for problem in told for line in problem.splitlines()]  # some tell of several keys
        raise UserError(
            "\n  ".join([f"{counted(len(found), 'wrong setting')}:", *found]),
            remedy="correct the configuration; config/README.md explains every key",
        ) from None
