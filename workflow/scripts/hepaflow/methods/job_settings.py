"""What the jobs of each rule read of the settings, for the values of their wildcards."""

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from hepaflow.methods.given_files import structures_of
from hepaflow.methods.learned_from import drawn_for
from hepaflow.methods.plan import learns_from_exams, model_of
from hepaflow.methods.words import leaves, seen_in_words
from hepaflow.names import SHOWS
from hepaflow.preprocessing.registry import NEED_SPACING
from hepaflow.settings.base import SettingsModel
from hepaflow.settings.compute import ComputeSettings, RunComputeSettings
from hepaflow.settings.figures import FigureSamplesSettings
from hepaflow.settings.fusion import FitFusionSettings
from hepaflow.settings.pages import ComparedSettings, DescribedPlan, SummarySettings
from hepaflow.settings.phantom import PhantomSettings
from hepaflow.settings.plan import Plan
from hepaflow.settings.postprocess import PostprocessSettings
from hepaflow.settings.predictions import AdoptSettings, PredictionLabels
from hepaflow.settings.preprocessing import PreprocessSettings
from hepaflow.settings.seen import SeenSettings
from hepaflow.settings.slices import WindowSettings
from hepaflow.settings.survey import DataCardSettings, SurveySettings
from hepaflow.settings.training import PredictSettings, TrainSettings
from hepaflow.settings.workflow import WITHOUT_FILE, Settings

NOT_COMPARED = ("exams", "data", "results", "card", "cache", "compute", "count_libraries")
"""Keys that say where files lie, how fast is computed, and when anew: nothing that a result follows from."""


def speed_of_jobs(chosen: RunComputeSettings) -> ComputeSettings:
    """Return a run's settings of speed as its jobs read them: that a GPU must be there, is seen before.

    Examples
    --------
    >>> [speed_of_jobs(RunComputeSettings(accelerator=one)).accelerator for one in ("auto", "gpu", "cpu")]
    ['auto', 'auto', 'cpu']
    """
    on = "cpu" if chosen.accelerator == "cpu" else "auto"
    return ComputeSettings.model_validate(chosen.model_dump() | {"accelerator": on})


class JobSettings:
    """Settings of jobs: a method for each rule that reads some, of the rule's name, which takes its wildcards.

    Parameters
    ----------
    settings : Settings
    plan : Plan
        That of the settings.
    """

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self._settings, self._plan = settings, plan

    def of(self, rule: str, *wildcards: str) -> SettingsModel:
        """Return what the jobs of a rule depend on."""
        chosen: SettingsModel = getattr(self, rule)(*wildcards)
        return chosen

    def phantom(self) -> PhantomSettings:
        """Return what phantom exams depend on."""
        return self._settings.phantoms or PhantomSettings()

    def survey(self) -> SurveySettings:
        """Return what the survey of an exam depends on."""
        kinds = {data.preprocess.preprocessing.kind for data in self._plan.data.values()}
        return SurveySettings(
            trust_label_grid=self._settings.trust_label_grid,
            needs_spacing=True if kinds & NEED_SPACING else None,
        )

    def data_card(self) -> DataCardSettings:
        """Return what the table of the exams depends on."""
        keys: dict[str, str] = {
            SHOWS[stage]: self._settings.training_key(stage, name, "oversample")
            for name in self._settings.networks
            for stage in self._settings.stages(name)
            if learns_from_exams(self._plan, name, stage) and self.train(stage, name).training.oversample
        }
        return DataCardSettings(oversampled=keys)

    def preprocess(self, data: str) -> PreprocessSettings:
        """Return what preprocessed data depend on."""
        return self._plan.data[data].preprocess

    def train(self, stage: str, network: str) -> TrainSettings:
        """Return what the training of a network depends on."""
        training = self._plan.methods[network][stage].training
        if training is None:
            raise KeyError(f"{network} has no network to be trained")
        return training.settings

    def predict(self, stage: str, network: str) -> PredictSettings:
        """Return what the maps of a network depend on."""
        predict = self._plan.methods[network][stage].network
        if predict is None:
            raise KeyError(f"{network} has no network to predict with")
        return predict

    def postprocess(self, stage: str, method: str) -> PostprocessSettings:
        """Return what the post-processing of a method's masks depends on."""
        planned = self._plan.methods[method][stage]
        return PostprocessSettings(postprocessing=planned.postprocessing, restore=planned.restore)

    def fit_fusion(self, stage: str, vote: str) -> FitFusionSettings:
        """Return what the weights of a vote depend on."""
        planned = self._plan.methods[vote][stage].vote
        if planned is None or planned.fit is None:
            raise KeyError(f"{vote} has no weights to be fitted")
        return planned.fit

    def bundle(self) -> Plan:
        """Return what the segmentation of an exam depends on, from beginning to end: the plan of the model."""
        return model_of(self._plan, self._settings.result)

    def seen(self) -> SeenSettings:
        """Return what decides, besides exams, what the model has seen."""
        return SeenSettings(drawn=drawn_for(self._plan, self.bundle()))

    def adopt(self, given: str) -> AdoptSettings:
        """Return what the label maps of another system depend on."""
        chosen = self._settings.predictions[given]
        return AdoptSettings(liver=chosen.liver, lesion=chosen.lesion, trust_grid=chosen.trust_grid)

    def evaluate_given(self, given: str) -> PredictionLabels:
        """Return what the scores of another system depend on."""
        chosen = self._settings.predictions[given]
        return PredictionLabels(liver=chosen.liver, lesion=chosen.lesion)

    def figure_samples(self) -> FigureSamplesSettings:
        """Return what the sample figures depend on."""
        return FigureSamplesSettings(samples=self._settings.samples, window=self._settings.window)

    def figure_extremes(self) -> WindowSettings:
        """Return what the figures of the worst, the median and the best exam depend on."""
        return self._settings.window

    def table_configuration(self) -> ComparedSettings:
        """Return what is compared of a run's configuration and the thesis'."""
        return ComparedSettings(run=dict(_compared(self._settings)), thesis=dict(_compared(Settings())))

    def table_plan(self) -> DescribedPlan:
        """Return what is described of a run's plan; of files the name alone."""
        plan = Plan.model_validate_json(json.dumps(_without_places(self._plan.as_json())))
        return DescribedPlan(
            plan=plan, given={name: structures_of(one) for name, one in self._settings.predictions.items()}
        )

    def summary(self) -> SummarySettings:
        """Return what the summary tells of the settings."""
        return SummarySettings(
            size=self._settings.size,
            seed=self._settings.seed,
            precision=self._settings.precision,
            phantoms=self._settings.phantoms is not None,
            inputs=dict(self._other_inputs()) or None,
        )

    def _other_inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the methods whose networks see something else than one slice of the run's size, and what."""
        usual = f"{self._settings.size}×{self._settings.size} pixels"
        for method, stages in self._plan.methods.items():
            seen = {
                stage: seen_in_words(self._plan, method, stage) for stage, one in stages.items() if one.network
            }
            if len(set(seen.values())) > 1:
                yield method, " and ".join(f"{words} ({stage})" for stage, words in seen.items())
            elif set(seen.values()) - {usual}:
                yield method, next(iter(seen.values()))


def _compared(settings: Settings) -> Iterator[tuple[str, Any]]:
    """Yield the settings that are compared, by path; of files the name alone."""
    chosen = {name: value for name, value in settings.as_json().items() if name not in NOT_COMPARED}
    return leaves(_without_places(chosen))


def _without_places(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings without folders, and with the names of files of weights instead of their paths."""
    # A name that a user gave, such as that of a method called `folder`, stands for a group.
    kept = {name: value for name, value in tree.items() if name != "folder" or isinstance(value, Mapping)}
    for name, value in kept.items():
        if isinstance(value, Mapping):
            kept[name] = _without_places(value)
        elif name == "weights" and value not in WITHOUT_FILE:
            kept[name] = PurePath(value).name
    return kept
