"""A plan in words, for people: `hepaflow plan`."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hepaflow.methods.plan import depth
from hepaflow.settings.base import SettingsModel
from hepaflow.settings.loss import Loss
from hepaflow.settings.plan import Plan, PlannedData, PlannedStage
from hepaflow.settings.sampling import Patches
from hepaflow.settings.training import TrainingSettings
from hepaflow.words import counted

NO_STEPS = "nothing"
_FOUND = {"coarse": "coarse liver"}
"""What a stage finds, in words, where it is not called so."""


def in_words(plan: Plan, given: Mapping[str, tuple[str, ...]] | None = None) -> Iterator[str]:
    """Yield the lines that describe a plan.

    Parameters
    ----------
    plan : Plan
    given : mapping of str to tuple of str, optional
        The structures that other systems have segmented, by the system's name.
    """
    yield "Data: exams on the networks' grid"
    yield from _rows(data_in_words(plan))
    yield ""
    yield "Methods: each ends in a label map"
    for method, stages in methods_in_words(plan, given).items():
        yield f"  {method}"
        yield from _rows({stage: f"← {words}" for stage, words in stages.items()}, indent=4)


def data_in_words(plan: Plan) -> dict[str, str]:
    """Return what each preprocessed data are, by name."""
    trainings = [planned.training for stages in plan.methods.values() for planned in stages.values()]
    to_train = {training.data for training in trainings if training is not None and training.data}
    return {name: _data(data, to_train=name in to_train) for name, data in plan.data.items()}


def methods_in_words(plan: Plan, given: Mapping[str, tuple[str, ...]] | None = None) -> dict[str, dict[str, str]]:
    """Return how each stage of each method is made, and which structures other systems give."""
    words: dict[str, dict[str, str]] = {}
    for method, stages in plan.methods.items():
        ordered = sorted(stages, key=lambda stage: depth(plan, method, stage))
        words[method] = {stage: _stage(stages[stage]) for stage in ordered}
    for system, structures in (given or {}).items():
        words[system] = dict.fromkeys(structures, "as another system gives it")
    return words


def seen_in_words(plan: Plan, method: str, stage: str) -> str:
    """Return what a network sees at a time: its pixels, and its slices where these are several.

    Parameters
    ----------
    plan : Plan
    method, stage : str
        Of the network.
    """
    planned = plan.methods[method][stage]
    sampling, seen = planned.network and planned.network.sampling, plan.data[planned.data].preprocess.preprocessing
    if isinstance(sampling, Patches):
        size = f"{_times(sampling.size)} voxels"
    else:
        slices, side = getattr(sampling, "slices", 1), getattr(seen, "size", 0)
        size = f"{side}×{side} pixels" + (f", {counted(slices, 'slice')}" if slices > 1 else "")
    spacing = getattr(seen, "spacing", None)
    return size if spacing is None else f"{size} of {_times(spacing)} mm"


def _times(sides: Iterable[float]) -> str:
    return "×".join(f"{side:g}" for side in sides)


def _rows(rows: Mapping[str, str], indent: int = 2) -> Iterator[str]:
    width = max(map(len, rows), default=0)
    for name, words in rows.items():
        yield f"{' ' * indent}{name.ljust(width)}  {words}"


def _data(data: PlannedData, *, to_train: bool) -> str:
    what = _entry(data.preprocess.preprocessing)
    if data.within is None:
        return f"{what}, of the whole exam"
    training = "; to train, within the reference" if to_train else ""
    found = _FOUND.get(data.within.stage, data.within.stage)
    return f"{what}, within the {found} that {data.within.method} finds{training}"


def _stage(planned: PlannedStage) -> str:
    steps = ", ".join(map(_entry, planned.postprocessing)) or NO_STEPS
    restored = f"; restored as {planned.restore}" if planned.restore else ""
    return f"{_source(planned)}; then {steps}{restored}"


def _source(planned: PlannedStage) -> str:
    if planned.vote is not None:
        fitted = f", by weights that {planned.vote.fit.solver.solver} fits" if planned.vote.fit else ""
        return f"vote of {', '.join(planned.vote.of)}{fitted}"
    if planned.average is not None:
        return f"mean of the maps of {', '.join(planned.average.of)}, on {planned.data}"
    if planned.network is None:
        raise ValueError("a stage that nothing makes")
    mirrored = " and ".join(planned.network.flips or ())
    seen = f", flipped {mirrored}, too" if mirrored else ""
    shown = f"on {planned.data}, by {_entry(planned.network.sampling)}{seen}"
    return f"{planned.network.network.arch} {shown}{_trained(planned)}"


def _trained(planned: PlannedStage) -> str:
    if planned.training is None:
        return ""
    settings = planned.training.settings
    start = f"its {planned.training.start} network" if planned.training.start else settings.network.weights
    begun = "" if start == "none" else f" from {start}"
    training = settings.training
    if not training.epochs:
        return f", unchanged from {start}"
    chosen = [training.optimiser, training.schedule, *(training.augmentation or ()), training.average]
    how = ", ".join([_loss(training.loss), *(_entry(one) for one in chosen if one), *_numbers(training)])
    shown = "" if planned.training.data in (None, planned.data) else f" on {planned.training.data}"
    if training.drawn is not None:
        shown = f" on phantoms drawn as it goes, {_entry(training.drawn)},"
    return f", trained{shown} for {counted(training.epochs, 'epoch')}{begun} with {how}"


def _loss(loss: Loss) -> str:
    """Return a loss in words: `bce (positive_weight 3) + dice`."""
    if isinstance(loss, str):
        return loss
    return " + ".join(map(_entry, loss if isinstance(loss, tuple) else (loss,)))


def _numbers(training: TrainingSettings) -> Iterator[str]:
    """Yield what else is set, and is null in the thesis."""
    for name in ("oversample", "batches_per_epoch", "clip_gradients"):
        if (value := getattr(training, name)) is not None:
            yield f"{name} {value_in_words(value)}"


def _entry(settings: SettingsModel) -> str:
    """Return an entry of a table with its settings: `min area (min_area 10)`."""
    values = settings.as_json()
    kind = _kind(values.pop("kind"))
    words = ", ".join(f"{name} {value_in_words(value)}" for name, value in leaves(values))
    return f"{kind} ({words})" if words else kind


def leaves(values: Mapping[str, Any], group: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value of nested settings with the path of its key.

    Examples
    --------
    >>> list(leaves({"size": 256, "training": {"liver": {"epochs": 200}}}))
    [('size', 256), ('training.liver.epochs', 200)]
    """
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{group}{name}.")
        else:
            yield f"{group}{name}", value


def value_in_words(value: object) -> str:
    """Return a value of settings as people write it.

    Examples
    --------
    >>> value_in_words([0.5, "unet", {"kind": "min_area", "min_area": 4}])
    '[0.5, unet, kind min_area, min_area 4]'
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {value_in_words(one)}" for name, one in leaves(value))
    if isinstance(value, list):
        return f"[{', '.join(map(value_in_words, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _kind(name: str) -> str:
    return name.replace("_", " ")
