"""Settings that must fit each other: each is allowed by itself, but a run could not work with all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hepaflow.errors import UserError
from hepaflow.names import SHOWS, STAGES, Stage
from hepaflow.settings.augmentation import Flip
from hepaflow.settings.monai import DIMENSIONS, halving, has_dimensions
from hepaflow.settings.network import MOST_DIMENSIONS, SIDES, has_head, is_model
from hepaflow.settings.optimiser import SGD
from hepaflow.settings.postprocess import MinArea
from hepaflow.settings.preprocessing import AROUND, OwnLesionSlices, OwnResampled, OwnResampledVoi
from hepaflow.settings.sampling import Patches, Slabs, Slices
from hepaflow.settings.schedule import Exponential
from hepaflow.words import counted

if TYPE_CHECKING:
    from hepaflow.settings.contrast import ContrastSettings
    from hepaflow.settings.methods import MethodSettings
    from hepaflow.settings.network import BackboneWeights
    from hepaflow.settings.sampling import Sampling
    from hepaflow.settings.training import TrainingSettings
    from hepaflow.settings.workflow import Settings

SMALLEST_TILE = 4
"""Rows and columns of a tile of CLAHE, in pixels: one of 2×2 leaves 16 grey levels, one of a single pixel two."""

STRIDE = 8
"""Input pixels for each feature pixel of the networks, along each axis (thesis 4.4)."""

DECODER_STRIDE = 32
"""The same of a backbone that strides, with a `decoder`."""

RESAMPLED = (OwnResampled, OwnResampledVoi)
"""Data of exams on a grid of their own, which differ in size."""

AXIAL = "axial"
"""The flip that changes the order of slices."""


def conflicts(settings: Settings) -> list[str]:
    """Return the settings that make a run impossible: keys, values and what is allowed."""
    checks = (_slices, _areas, _stages, _patches, _networks, _averages, _starts, _untrained, _trainings, _drawn)
    return list(dict.fromkeys(problem for check in checks for problem in check(settings)))


def _slices(settings: Settings) -> Iterator[str]:
    yield from _tiles("", settings.contrast, settings.size)
    for name, method in settings.cascades.items():
        for stage in settings.stages(name):
            own = getattr(method.stages, stage).data
            if isinstance(own, OwnLesionSlices):
                key, contrast = f"methods.{name}.stages.{stage}.data.", own.contrast or settings.contrast
                yield from _tiles(key, contrast, settings.stage_size(stage, name))


def _areas(settings: Settings) -> Iterator[str]:
    """Yield smallest areas that no region of a slice can have."""
    runs = settings.postprocessing.lesion.min_area
    yield from _area("postprocessing.lesion.min_area", runs, settings.size, "size")
    for name, method in settings.cascades.items():
        for stage in _of_slices(settings, name):
            size, whose = settings.stage_size(stage, name), _size_key(settings, stage, name)
            key, steps = f"methods.{name}.stages.{stage}.postprocessing", getattr(method.stages, stage)
            for number, step in enumerate(steps.postprocessing or ()):
                if isinstance(step, MinArea):
                    yield from _area(f"{key}.{number}.min_area", step.min_area, size, whose)
        in_slices = STAGES[-1] in _of_slices(settings, name)
        if in_slices and method.stages.lesion.postprocessing is None and runs <= settings.size**2:
            size = settings.stage_size(STAGES[-1], name)
            key = "postprocessing.lesion.min_area"
            yield from _area(key, runs, size, _size_key(settings, STAGES[-1], name))
    for name, average in settings.averages.items():
        for stage in STAGES:
            size = max(settings.stage_size(stage, one) for one in settings.networks_in(average))
            for number, step in enumerate(getattr(average.stages, stage).postprocessing or ()):
                if isinstance(step, MinArea):
                    key = f"methods.{name}.stages.{stage}.postprocessing.{number}.min_area"
                    yield from _area(key, step.min_area, size, "the largest size of those that are averaged")


def _of_slices(settings: Settings, name: str) -> list[Stage]:
    """Return the stages of a method whose data are slices, of a size that is known before."""
    stages = settings.networks[name].stages
    return [stage for stage in settings.stages(name) if not isinstance(getattr(stages, stage).data, RESAMPLED)]


def _area(key: str, area: int, size: int, whose: str) -> Iterator[str]:
    if area > size**2:
        yield (
            f"{key}: {area} pixels are more than a slice has ({whose}: {size}), so all would be removed; at most "
            f"{size**2}"
        )


def _tiles(key: str, contrast: ContrastSettings, size: int) -> Iterator[str]:
    tiles = contrast.tiles
    if size // tiles < SMALLEST_TILE:
        yield (
            f"{key}contrast.tiles: {tiles} tiles along {size} pixels (size) are {counted(size // tiles, 'pixel')} "
            f"wide, which erases the image; at most {size // SMALLEST_TILE} tiles, of {SMALLEST_TILE} pixels"
        )


def _stages(settings: Settings) -> Iterator[str]:
    """Yield stages that lie in the whole exam, though an earlier one has found the same structure."""
    for name, method in settings.cascades.items():
        for stage in settings.stages(name):
            earlier = [one for one in settings.before(stage, name) if SHOWS[one] == SHOWS[stage]]
            if earlier and not isinstance(getattr(method.stages, stage).data, AROUND):
                yield (
                    f"methods.{name}.stages.{stage}.data: in the whole exam, so nothing would use what the stage "
                    f"{earlier[-1]!r} finds; data of the kind 'resampled_voi' or 'voi_slices', or no {earlier[-1]}"
                )


def _patches(settings: Settings) -> Iterator[str]:
    """Yield stages whose data, sampling and network are not of the same number of dimensions."""
    for name, method in settings.networks.items():
        for stage in settings.stages(name):
            data, sampling = getattr(method.stages, stage).data, settings.stage_sampling(stage, name)
            if isinstance(sampling, Patches):
                key = f"{settings.stage_key(stage, name, 'sampling')}.size"
                yield from _in_three_dimensions(key, sampling, method)
                continue
            yield from _axial(settings, stage, name)
            if isinstance(data, RESAMPLED):
                yield (
                    f"methods.{name}.stages.{stage}.data.kind: {data.kind!r} gives exams of any size, and slices "
                    "have one; sampling: {kind: patches, size: [slices, rows, columns]}, or data of slices"
                )


def _axial(settings: Settings, stage: Stage, name: str) -> Iterator[str]:
    """Yield flips that change the order of slices, of a network that sees no patches."""
    changes = settings.stage_training(stage, name).augmentation or ()
    keys = []
    if AXIAL in (settings.stage_flips(stage, name) or ()):
        keys.append(settings.stage_key(stage, name, "flips"))
    if any(isinstance(one, Flip) and one.direction == AXIAL for one in changes):
        keys.append(settings.training_key(stage, name, "augmentation"))
    for key in keys:
        yield (
            f"{key}: {AXIAL!r} changes the order of slices, and the {stage} network of {name!r} sees no patches; "
            "leave it out, or sampling: {kind: patches, size: [slices, rows, columns]}"
        )


def _in_three_dimensions(key: str, patches: Patches, method: MethodSettings) -> Iterator[str]:
    """Yield why a method's network cannot see patches."""
    network = method.network
    flat = network.monai is not None and not has_dimensions(network.monai)
    if flat or MOST_DIMENSIONS.get(network.arch, 2) < len(patches.size):
        named = network.arch if network.monai is None else f"{network.arch}: {network.monai.name}"
        yield (
            f"{key}: patches have three dimensions, and the network ({named}) has two; a network of MONAI that "
            f"has the argument {DIMENSIONS!r} ({', '.join(MOST_DIMENSIONS)}), or sampling of slices or slabs"
        )
    elif network.monai is not None:
        multiples = halving(network.monai, len(patches.size))
        if any(side % multiple for side, multiple in zip(patches.size, multiples, strict=True)):
            yield (
                f"{key}: {list(patches.size)} voxels cannot be divided by the network's strides and `unshuffle`, "
                f"which make {list(multiples)}; multiples of these, or other strides"
            )


def _averages(settings: Settings) -> Iterator[str]:
    """Yield averages of maps of which some lie on grids of resampled exams."""
    for name, average in settings.averages.items():
        for one in settings.networks_in(average):
            if len(settings.stages(one)) > len(STAGES):
                yield (
                    f"methods.{name}.of: the liver's maps of {one!r} lie around its own coarse liver, and only "
                    f"those of whole exams are averaged; leave out {one!r}"
                )
            elif len(_of_slices(settings, one)) < len(settings.stages(one)):
                yield (
                    f"methods.{name}.of: the maps of {one!r} lie on the grid of resampled exams, and only maps on "
                    f"grids of slices are averaged; leave out {one!r}"
                )


def _networks(settings: Settings) -> Iterator[str]:
    for name, method in settings.networks.items():
        network = method.network
        multiple = _multiple(network)
        for stage in settings.stages(name):
            if isinstance(settings.stage_sampling(stage, name), Patches):
                continue  # `_patches` looks at these
            size, whose = settings.stage_size(stage, name), f"network of the {_kind(settings, name)} {name!r}"
            if size % multiple:
                yield (
                    f"{_size_key(settings, stage, name)}: {size} pixels cannot be halved as often as the {whose} "
                    f"does; a multiple of {multiple}, or another network"
                )
            elif network.unet is not None and size // multiple < 2:
                yield (
                    f"{_size_key(settings, stage, name)}: {size} pixels are a single one at the last level of the "
                    f"{whose}, which normalises over several; at least {2 * multiple}, or fewer levels"
                )


def _starts(settings: Settings) -> Iterator[str]:
    """Yield starts from networks of an earlier stage that see pieces of other channels, or are of another plan."""
    for name, method in settings.cascades.items():
        for stage in settings.stages(name):
            start = settings.stage_training(stage, name).start
            earlier = getattr(method.stages, start, None)
            if earlier is None:
                continue
            seen, before = (
                one.sampling or method.sampling or Slices() for one in (getattr(method.stages, stage), earlier)
            )
            beside = " with a mask" if settings.sees_region(stage, name) else ""
            if _pieces(seen) + beside != _pieces(before):
                yield (
                    f"{settings.training_key(stage, name, 'start')}: the {stage} network of the method {name!r} "
                    f"sees {_pieces(seen)}{beside} at once, and cannot start from the {start} network, which "
                    f"sees {_pieces(before)}; the same sampling in both stages, or start: backbone"
                )


def _untrained(settings: Settings) -> Iterator[str]:
    """Yield networks without an epoch that nothing has trained for their structure, or not all of their layers."""
    for name, network in settings.networks.items():
        weights = network.network.weights
        for stage in settings.stages(name):
            training = settings.stage_training(stage, name)
            if training.epochs:
                continue
            key = f"{settings.training_key(stage, name, 'epochs')}: 0"
            if training.start != "backbone":
                if SHOWS[training.start] != SHOWS[stage]:
                    model = "" if is_model(weights) else "weights: a model of hepaflow (.zip), and "
                    yield (
                        f"{key}, and the {stage} network would be the {training.start} network, unchanged "
                        f"({settings.training_key(stage, name, 'start')}); 1 or more, or {model}start: backbone"
                    )
            elif not is_model(weights):
                yield (
                    f"{key}, and initial weights are random, at least those of the last layers (weights: "
                    f"{weights}); 1 or more, or weights: a model of hepaflow (.zip), whose networks are taken as "
                    "they are"
                )


def _pieces(sampling: Sampling) -> str:
    """Return what a network sees at once, as far as its weights depend on it."""
    if isinstance(sampling, Patches):
        return "a patch"
    return counted(sampling.slices if isinstance(sampling, Slabs) else 1, "slice")


def _size_key(settings: Settings, stage: Stage, name: str) -> str:
    own = getattr(settings.networks[name].stages, stage).data
    return "size" if getattr(own, "size", None) is None else f"methods.{name}.stages.{stage}.data.size"


def _multiple(network: BackboneWeights) -> int:
    """Return what rows and columns must be a multiple of, as far as settings tell."""
    if network.decoder is not None:
        return DECODER_STRIDE
    if network.unet is not None and network.unet.channels is not None:
        return 1 << (len(network.unet.channels) - 1)
    return SIDES.get(network.arch, STRIDE)


def _trainings(settings: Settings) -> Iterator[str]:
    for stage in SHOWS:
        for name in (one for one in settings.networks if stage in settings.stages(one)):
            if found := list(_training(settings.stage_training(stage, name), settings.compute.devices)):
                for setting, problem in found:
                    key = settings.training_key(stage, name, setting)
                    yield f"{key}: {problem} ({_kind(settings, name)} {name!r})"
                break  # often all are the same


def _training(training: TrainingSettings, devices: int) -> Iterator[tuple[str, str]]:
    """Yield settings of a training, each with what is wrong with it."""
    if training.batch_size < 2 * devices:
        yield (
            "batch_size",
            f"{training.batch_size} slices for {devices} devices (compute.devices); at least "
            f"{2 * devices}, two for each",
        )
    if training.schedule is None and not _last_rate(training, training.decay_factor, training.decay_every):
        yield (
            "epochs",
            f"the learning rate is 0 at the end of {counted(training.epochs, 'epoch')}, so the last ones change "
            f"nothing: decay_factor is {training.decay_factor:g}, decay_every {training.decay_every}; fewer "
            "epochs, or a larger decay_factor or decay_every",
        )
    if isinstance(training.schedule, Exponential) and not _last_rate(training, training.schedule.factor):
        yield (
            "epochs",
            f"the learning rate is 0 at the end of {counted(training.epochs, 'epoch')}, so the last ones change "
            f"nothing: schedule.factor is {training.schedule.factor:g}; fewer epochs, or a larger factor",
        )
    if isinstance(training.optimiser, SGD) and training.optimiser.nesterov and not training.momentum:
        yield "optimiser", "nesterov is true, and momentum is 0; a momentum above 0, or nesterov: false"


def _drawn(settings: Settings) -> Iterator[str]:
    """Yield what patches of phantoms cannot be drawn for."""
    for name, method in settings.networks.items():
        for stage in settings.stages(name):
            training = settings.stage_training(stage, name)
            if training.drawn is None:
                continue
            key, data = settings.training_key(stage, name, "drawn"), getattr(method.stages, stage).data
            if not isinstance(data, RESAMPLED) or settings.sees_region(stage, name):
                yield (
                    f"{key}: patches are drawn as data of the kind 'resampled' or 'resampled_voi', without "
                    f"with_region; set methods.{name}.stages.{stage}.data, or drawn: null"
                )
            if training.batches_per_epoch is None:
                yield f"{key}: an epoch of drawn phantoms has no end of its own; set batches_per_epoch, too"


def _last_rate(training: TrainingSettings, factor: float, every: int = 1) -> float:
    return training.learning_rate * factor ** ((training.epochs - 1) // every)


def remarks(settings: Settings) -> list[str]:
    """Return warnings on settings that work, but were hardly meant like this."""
    seen = [
        (settings.stage_size(stage, name), _size_key(settings, stage, name))
        for name, method in settings.networks.items()
        if has_head(method.network)
        for stage in settings.stages(name)
    ]
    if not seen:
        return []
    size, key = min(seen, key=lambda one: one[0])
    features = size // STRIDE
    wide = [str(rate) for rate in settings.head.rates if rate >= features]
    if not wide:
        return []
    return [
        f"head.rates: convolutions of rate {', '.join(wide)} see nothing but their own pixel, for slices of "
        f"{size} pixels ({key}) have features of {features}; rates below {features} reach others"
    ]


def check_held_out(settings: Settings, exams: int) -> None:
    """Refuse to hold out a share of a single training exam.

    Parameters
    ----------
    settings : Settings
    exams : int
        Training exams of the sheet.

    Raises
    ------
    UserError
        If there is a share to hold out, and a single training exam.
    """
    for name in settings.networks:
        for stage in settings.stages(name):
            training = settings.stage_training(stage, name)
            share = training.validation_share
            if share and exams < 2 and training.drawn is None and training.epochs:
                key = settings.training_key(stage, name, "validation_share")
                raise UserError(
                    f"{key}: {share:g} ({_kind(settings, name)} {name!r}) of {exams} training exam",
                    expected="two training exams or more, one of which is held out",
                    remedy="add training exams to the sheet, or set validation_share: 0",
                )


def _kind(settings: Settings, name: str) -> str:
    return "backbone" if name in settings.backbones else "method"
