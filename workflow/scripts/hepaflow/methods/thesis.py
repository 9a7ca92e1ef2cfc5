"""The plan of a run from its settings: the thesis' networks, each a method, their fusion, and other methods.

Every method is a cascade of two stages: the liver in the whole exam, and lesions in the volume around it (thesis
4.1). The thesis' networks and their fusion look for lesions around the fusion's liver, other methods around their
own.
"""

from typing import Any

from hepaflow.names import FUSION, STAGES, Stage
from hepaflow.settings.fusion import FitFusionSettings, FusionSettings
from hepaflow.settings.network import NetworkSettings
from hepaflow.settings.optimiser import AdamW
from hepaflow.settings.plan import Plan, PlannedData, PlannedStage, PlannedTraining, PlannedVote, Region
from hepaflow.settings.postprocess import MinArea, NearLargest, PostprocessingSteps
from hepaflow.settings.preprocessing import PreprocessSettings
from hepaflow.settings.training import PredictSettings, TrainingSettings, TrainSettings
from hepaflow.settings.workflow import Settings

LIVER, LESION = STAGES


def plan_of(settings: Settings) -> Plan:
    """Return the plan of a run."""
    own = {name: f"{LESION}-{name}" for name in settings.methods}
    data = {
        LIVER: PlannedData(preprocess=PreprocessSettings(preprocessing=settings.liver_slices(), structure=LIVER)),
        LESION: _around(settings, FUSION),
        **{data: _around(settings, name) for name, data in own.items()},
    }
    methods: dict[str, dict[str, PlannedStage]] = {
        **{name: _cascade(settings, name, LESION) for name in settings.backbones},
        **{name: _cascade(settings, name, own[name]) for name in settings.methods},
        FUSION: {stage: _vote(settings, stage) for stage in STAGES},
    }
    return Plan(data=data, methods=methods)


def _around(settings: Settings, method: str) -> PlannedData:
    """Return the data of lesion networks, within a method's liver."""
    preprocess = PreprocessSettings(preprocessing=settings.lesion_slices(), structure=LESION, region=LIVER)
    return PlannedData(preprocess=preprocess, within=Region(method=method, stage=LIVER))


def _cascade(settings: Settings, name: str, lesion: str) -> dict[str, PlannedStage]:
    """Return the stages of a method with a network for each; those for lesions see the data `lesion`."""
    return {
        stage: PlannedStage(
            structure=stage,
            data={LIVER: LIVER, LESION: lesion}[stage],
            network=PredictSettings(
                network=_network(settings, name).model_copy(update={"weights": "none"}),
                precision=settings.predict_precision or settings.precision,
            ),
            training=_training(settings, name, stage),
            postprocessing=_postprocessing(settings, name, stage),
        )
        for stage in STAGES
    }


def _network(settings: Settings, name: str) -> NetworkSettings:
    chosen = settings.networks[name].network
    return NetworkSettings(arch=chosen.arch, weights=chosen.weights, head=settings.head)


def _training(settings: Settings, name: str, stage: Stage) -> PlannedTraining:
    network, training = _network(settings, name), what_counts(settings.stage_training(stage, name))
    start = None if training.start == "backbone" else training.start
    if start:
        network = network.model_copy(update={"weights": "none"})
    return PlannedTraining(
        data=stage,  # training exams' lesions are sought within the reference, whatever the method
        start=start,
        settings=TrainSettings(
            network=network,
            training=training,
            precision=settings.precision,
            seed=settings.seed,
        ),
    )


def what_counts(training: TrainingSettings) -> TrainingSettings:
    """Return the settings with keys that nothing reads beside the others set to one value each.

    AdamW takes no `momentum`, a schedule has no steps, and no changes in a list are none.
    """
    unread: dict[str, Any] = {}
    if isinstance(training.optimiser, AdamW):
        unread["momentum"] = 0.0
    if training.schedule is not None:
        unread |= {"decay_factor": 1.0, "decay_every": 1}
    if not training.augmentation:
        unread["augmentation"] = None
    return training.model_copy(update=unread)


def _vote(settings: Settings, stage: Stage) -> PlannedStage:
    return PlannedStage(
        structure=stage,
        data=stage,
        vote=PlannedVote(of=tuple(settings.backbones), fit=_fit(settings)),
        postprocessing=_thesis_postprocessing(settings)[stage],
    )


def _fit(settings: Settings) -> FitFusionSettings:
    """Return what the fusion weights depend on; the solver `newton` draws nothing and takes no steps."""
    of = tuple(settings.backbones)
    if settings.fusion.solver == "newton":
        return FitFusionSettings(solver=FusionSettings(solver="newton"), of=of, seed=0)
    return FitFusionSettings(solver=settings.fusion, of=of, seed=settings.seed)


def _postprocessing(settings: Settings, name: str, stage: Stage) -> PostprocessingSteps:
    own: PostprocessingSteps | None = getattr(settings.networks[name].stages, stage).postprocessing
    return _thesis_postprocessing(settings)[stage] if own is None else own


def _thesis_postprocessing(settings: Settings) -> dict[str, PostprocessingSteps]:
    """Return the steps of each stage (thesis 4.7, 4.8)."""
    liver, lesion = settings.postprocessing.liver, settings.postprocessing.lesion
    return {
        LIVER: (NearLargest(kind="near_largest", **liver.model_dump()),),
        LESION: (MinArea(kind="min_area", **lesion.model_dump()),),
    }
