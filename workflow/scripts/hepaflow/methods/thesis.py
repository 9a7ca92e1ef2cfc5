"""The plan of a run from its settings: the thesis' networks, each a method, their fusion, and other methods.

Every method has two stages: the liver in the whole exam, and lesions in the volume around it (thesis 4.1). The
thesis' networks and their fusion look for lesions around the fusion's liver, other methods around their own. An
average of maps lies on the finest grid of those that it averages.
"""

from collections.abc import Mapping
from typing import Any

from hepaflow.names import FUSION, SHOWS, STAGES, Stage, network_member
from hepaflow.networks.planning import planned
from hepaflow.preprocessing.registry import AROUND_A_REGION
from hepaflow.settings.base import SettingsModel
from hepaflow.settings.contrast import LesionSlicesSettings, VoiSlicesSettings
from hepaflow.settings.fusion import FitFusionSettings, FusionSettings
from hepaflow.settings.head import HeadSettings
from hepaflow.settings.loss import CrossEntropy, Loss, SoftDice
from hepaflow.settings.methods import AverageSettings, MethodSettings
from hepaflow.settings.network import BackboneWeights, NetworkSettings, has_head, is_model
from hepaflow.settings.optimiser import AdamW
from hepaflow.settings.plan import (
    Plan,
    PlannedAverage,
    PlannedData,
    PlannedStage,
    PlannedTraining,
    PlannedVote,
    Region,
)
from hepaflow.settings.postprocess import NEEDS_REGION, MinArea, NearLargest, PostprocessingSteps
from hepaflow.settings.preprocessing import (
    OwnData,
    OwnLesionSlices,
    OwnLiverSlices,
    OwnResampled,
    OwnResampledVoi,
    OwnVoiSlices,
    Preprocessing,
    PreprocessSettings,
)
from hepaflow.settings.resampled import ResampledSettings, ResampledVoiSettings
from hepaflow.settings.sampling import Patches, Sampling
from hepaflow.settings.slices import LiverSlicesSettings
from hepaflow.settings.training import PredictSettings, TrainingSettings, TrainSettings
from hepaflow.settings.workflow import Settings

LIVER, LESION = STAGES


def plan_of(settings: Settings) -> Plan:
    """Return the plan of a run."""
    around = FUSION if settings.backbones else next(iter(settings.cascades), settings.result)
    shared = {
        LIVER: _data(LIVER, settings.liver_slices()),
        LESION: _data(LESION, settings.lesion_slices(), Region(method=around, stage=LIVER)),
    }
    own = {name: _data_of(settings, name, shared) for name in settings.cascades}
    thesis = dict(zip(STAGES, STAGES, strict=True))
    methods: dict[str, dict[str, PlannedStage]] = {
        **{name: _cascade(settings, name, shared, seen=thesis, trained_on=thesis) for name in settings.backbones},
        **{name: _cascade(settings, name, data, **_names(name, data, shared)) for name, data in own.items()},
    }
    if settings.backbones:
        methods[FUSION] = {stage: _vote(settings, stage) for stage in STAGES}
    beside = {_own(stage, name): data[stage] for name, data in own.items() for stage in data}
    for name, average in settings.averages.items():
        finest = {stage: _finest(average, stage, methods, shared | beside) for stage in STAGES}
        data = {stage: _data(stage, finest[stage], _before(settings, name, stage)) for stage in STAGES}
        beside |= {_own(stage, name): data[stage] for stage in STAGES}
        seen = _names(name, data, shared)["seen"]
        methods[name] = {stage: _average(settings, name, stage, seen[stage]) for stage in STAGES}
    used = {name for stages in methods.values() for planned in stages.values() for name in _data_names(planned)}
    return Plan(
        data={name: data for name, data in (shared | beside).items() if name in used},
        methods=methods,
    )


def _data_names(planned: PlannedStage) -> list[str]:
    """Return the names of the data on which a stage finds something, and its network learns."""
    return [planned.data, *([planned.training.data] if planned.training and planned.training.data else [])]


def _finest(
    average: AverageSettings,
    stage: Stage,
    methods: Mapping[str, Mapping[str, PlannedStage]],
    data: Mapping[str, PlannedData],
) -> Preprocessing:
    """Return the preprocessing of those whose maps are averaged that has the finest grid, whatever their order.

    Of data around a liver and of whole exams these are the former, which have more pixels for each of its voxels.
    """
    seen = [data[methods[one][stage].data].preprocess.preprocessing for one in average.of]

    def fineness(one: Preprocessing) -> tuple[bool, float, str]:
        margin = getattr(one, "margin", None) or 0
        return one.kind in AROUND_A_REGION, getattr(one, "size", 0) / (1 + 2 * margin), one.canonical()

    return max(seen, key=fineness)


def _average(settings: Settings, name: str, stage: Stage, data: str) -> PlannedStage:
    average = settings.averages[name]
    return PlannedStage(
        structure=stage,
        data=data,
        average=PlannedAverage(of=average.of),
        **_after(settings, name, average, stage),
    )


def _data(stage: Stage, preprocessing: Preprocessing, within: Region | None = None) -> PlannedData:
    """Return the data of a stage, within an earlier stage's liver where they lie around one."""
    around = preprocessing.kind in AROUND_A_REGION
    return PlannedData(
        preprocess=PreprocessSettings(
            preprocessing=preprocessing, structure=SHOWS[stage], region=LIVER if around else None
        ),
        within=within if around else None,
    )


def _before(settings: Settings, name: str, stage: Stage) -> Region | None:
    """Return the stage of a method just before one of its stages."""
    return next((Region(method=name, stage=one) for one in reversed(settings.before(stage, name))), None)


def _data_of(settings: Settings, name: str, shared: Mapping[Stage, PlannedData]) -> dict[Stage, PlannedData]:
    """Return the data that the networks of a method see, by stage."""
    return {
        stage: _data(stage, _preprocessing(settings, name, stage, shared), _before(settings, name, stage))
        for stage in settings.stages(name)
    }


def _preprocessing(
    settings: Settings, name: str, stage: Stage, shared: Mapping[Stage, PlannedData]
) -> Preprocessing:
    own: OwnData | None = getattr(settings.cascades[name].stages, stage).data
    if own is None:
        return shared[SHOWS[stage]].preprocess.preprocessing
    kind = OWN[type(own)]
    run = {key: getattr(settings, key) for key in kind.model_fields if hasattr(settings, key)}
    given = {key: getattr(own, key) for key in own.model_fields_set if getattr(own, key) is not None}
    return kind(**run | given)


OWN: Mapping[type[SettingsModel], type[Preprocessing]] = {
    OwnLiverSlices: LiverSlicesSettings,
    OwnLesionSlices: LesionSlicesSettings,
    OwnVoiSlices: VoiSlicesSettings,
    OwnResampled: ResampledSettings,
    OwnResampledVoi: ResampledVoiSettings,
}
"""What is complete, of what a method sets of its data."""


def _own(stage: Stage, name: str) -> str:
    """Return the name of data that a single method has."""
    return f"{stage}-{name}"


def _names(
    name: str, own: Mapping[Stage, PlannedData], shared: Mapping[Stage, PlannedData]
) -> dict[str, dict[Stage, str]]:
    """Return the names of the data that the networks of a method see, and of those that they are trained on.

    They are the thesis' where these are the same. To train, lesions are sought within the reference, whatever the
    method: the same preprocessing is enough.
    """
    return {
        "seen": {
            stage: SHOWS[stage] if data == shared[SHOWS[stage]] else _own(stage, name)
            for stage, data in own.items()
        },
        "trained_on": {
            stage: SHOWS[stage] if data.preprocess == shared[SHOWS[stage]].preprocess else _own(stage, name)
            for stage, data in own.items()
        },
    }


def _cascade(
    settings: Settings,
    name: str,
    data: Mapping[Stage, PlannedData],
    *,
    seen: Mapping[Stage, str],
    trained_on: Mapping[Stage, str],
) -> dict[str, PlannedStage]:
    """Return the stages of a method with a network for each, on data of these names."""
    return {
        stage: PlannedStage(
            structure=SHOWS[stage],
            data=seen[stage],
            network=PredictSettings(
                network=_without_weights(_network(settings, name, stage)),
                sampling=settings.stage_sampling(stage, name),
                with_region=settings.sees_region(stage, name) or None,
                precision=settings.predict_precision or settings.precision,
                flips=settings.stage_flips(stage, name),
                weights=settings.predict_weights,
            ),
            training=_training(settings, name, stage, trained_on[stage], data[stage].preprocess),
            **_after(settings, name, settings.networks[name], stage),
        )
        for stage in settings.stages(name)
    }


def _network(settings: Settings, name: str, stage: Stage) -> NetworkSettings:
    chosen = settings.networks[name].network
    head = settings.head if has_head(chosen) else HeadSettings()  # which nothing else reads
    own = {field: getattr(chosen, field) for field in BackboneWeights.model_fields}
    in_patches = isinstance(settings.stage_sampling(stage, name), Patches)
    network = NetworkSettings(
        **own,
        head=head,
        dimensions=3 if in_patches else None,
        weights_of=network_member(stage, name) if is_model(chosen.weights) else None,
    )
    return planned(network, *(settings.stage_size(stage, name) for stage in settings.stages(name)))


def _without_weights(network: NetworkSettings) -> NetworkSettings:
    """Return a network whose weights are random, where its caller loads others next."""
    return network.model_copy(update={"weights": "none", "weights_of": None})


def _training(
    settings: Settings, name: str, stage: Stage, data: str, preprocess: PreprocessSettings
) -> PlannedTraining:
    network, training = _network(settings, name, stage), what_counts(settings.stage_training(stage, name))
    trained = bool(training.epochs)  # else the network is taken unchanged
    start = None if training.start == "backbone" else training.start
    if start:
        network = _without_weights(network)
    return PlannedTraining(
        data=data if training.drawn is None and trained else None,
        start=start,
        settings=TrainSettings(
            network=network,
            sampling=_trained_on(settings.stage_sampling(stage, name)),
            with_region=settings.sees_region(stage, name) or None,
            drawn_as=None if training.drawn is None else preprocess,
            training=training,
            precision=settings.precision if trained else "fp32",
            seed=settings.seed if trained else 0,
        ),
    )


def _trained_on(sampling: Sampling) -> Sampling:
    """Return how exams are shown in training, where windows do not slide."""
    if not isinstance(sampling, Patches):
        return sampling
    return sampling.model_copy(update={"overlap": Patches.model_fields["overlap"].default})


def what_counts(training: TrainingSettings) -> TrainingSettings:
    """Return the settings with keys that nothing reads beside the others set to one value each.

    AdamW takes no `momentum`, a schedule has no steps, and no changes in a list are none. A loss alone in a list
    is that loss, and one of a kind without other keys is the one of that name. Without an epoch, only what the
    network starts from is read.
    """
    if not training.epochs:
        return TrainingSettings(epochs=0, start=training.start, learning_rate=1, decay_factor=1, decay_every=1)
    unread: dict[str, Any] = {"loss": _shortest(training.loss)}
    if isinstance(training.optimiser, AdamW):
        unread["momentum"] = 0.0
    if training.schedule is not None:
        unread |= {"decay_factor": 1.0, "decay_every": 1}
    if not training.augmentation:
        unread["augmentation"] = None
    return training.model_copy(update=unread)


def _shortest(loss: Loss) -> Loss:
    """Return a loss as it is told in the fewest words."""
    if isinstance(loss, tuple):
        return _shortest(loss[0]) if len(loss) == 1 else loss
    if isinstance(loss, CrossEntropy | SoftDice) and loss.as_json() == {"kind": loss.kind}:
        return loss.kind
    return loss


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


def _after(
    settings: Settings, name: str, method: MethodSettings | AverageSettings, stage: Stage
) -> dict[str, Any]:
    """Return what is done to the maps of a stage, from its post-processing to the exam's grid."""
    own = getattr(method.stages, stage)
    steps = _thesis_postprocessing(settings)[SHOWS[stage]] if own.postprocessing is None else own.postprocessing
    restore = own.restore or method.restore
    return {
        "postprocessing": steps,
        "restore": None if restore == "masks" else restore,  # as the thesis does (4.9), whether it is set or not
        "region": _before(settings, name, stage) if any(step.kind in NEEDS_REGION for step in steps) else None,
    }


def _thesis_postprocessing(settings: Settings) -> dict[str, PostprocessingSteps]:
    """Return the steps of each stage (thesis 4.7, 4.8)."""
    liver, lesion = settings.postprocessing.liver, settings.postprocessing.lesion
    return {
        LIVER: (NearLargest(kind="near_largest", **liver.model_dump()),),
        LESION: (MinArea(kind="min_area", **lesion.model_dump()),),
    }
