"""Settings that must fit each other: each is allowed by itself, but a run could not work with all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hepaflow.errors import UserError
from hepaflow.names import STAGES, Stage
from hepaflow.settings.network import HAS_BACKBONE, SIDES
from hepaflow.settings.optimiser import SGD
from hepaflow.settings.postprocess import MinArea
from hepaflow.settings.preprocessing import OwnLesionSlices
from hepaflow.settings.schedule import Exponential

if TYPE_CHECKING:
    from hepaflow.settings.contrast import ContrastSettings
    from hepaflow.settings.methods import MethodStageSettings
    from hepaflow.settings.network import BackboneWeights
    from hepaflow.settings.training import TrainingSettings
    from hepaflow.settings.workflow import Settings

SMALLEST_TILE = 4
"""Rows and columns of a tile of CLAHE, in pixels: one of 2×2 leaves 16 grey levels, one of a single pixel two."""

STRIDE = 8
"""Input pixels for each feature pixel of the networks, along each axis (thesis 4.4)."""

DECODER_STRIDE = 32
"""The same of a backbone that strides, with a `decoder`."""


def conflicts(settings: Settings) -> list[str]:
    """Return the settings that make a run impossible: keys, values and what is allowed."""
    return list(dict.fromkeys([*_slices(settings), *_networks(settings), *_trainings(settings)]))


def _slices(settings: Settings) -> Iterator[str]:
    size, area = settings.size, settings.postprocessing.lesion.min_area
    yield from _tiles("", settings.contrast, size)
    if area > size**2:
        yield (
            f"postprocessing.lesion.min_area: {area} pixels are more than a slice has (size: {size}), so every "
            f"lesion would be removed; at most {size**2}"
        )
    for name, method in settings.cascades.items():
        for stage in STAGES:
            yield from _own_slices(settings, f"methods.{name}.stages.{stage}", getattr(method.stages, stage))


def _own_slices(settings: Settings, key: str, stage: MethodStageSettings) -> Iterator[str]:
    own = stage.data
    size = settings.size if own is None or own.size is None else own.size
    if isinstance(own, OwnLesionSlices):
        yield from _tiles(f"{key}.data.", own.contrast or settings.contrast, size)
    for number, step in enumerate(stage.postprocessing or ()):
        if isinstance(step, MinArea) and step.min_area > size**2:
            yield (
                f"{key}.postprocessing.{number}.min_area: {step.min_area} pixels are more than a slice has "
                f"(size: {size}), so all would be removed; at most {size**2}"
            )


def _tiles(key: str, contrast: ContrastSettings, size: int) -> Iterator[str]:
    tiles = contrast.tiles
    if size // tiles < SMALLEST_TILE:
        yield (
            f"{key}contrast.tiles: {tiles} tiles along {size} pixels (size) are {size // tiles} pixel(s) wide, "
            f"which erases the image; at most {size // SMALLEST_TILE} tiles, of {SMALLEST_TILE} pixels"
        )


def _networks(settings: Settings) -> Iterator[str]:
    for name, method in settings.networks.items():
        network = method.network
        multiple = _multiple(network)
        for stage in STAGES:
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


def _size_key(settings: Settings, stage: Stage, name: str) -> str:
    own = getattr(settings.networks[name].stages, stage).data
    return "size" if own is None or own.size is None else f"methods.{name}.stages.{stage}.data.size"


def _multiple(network: BackboneWeights) -> int:
    """Return what rows and columns must be a multiple of, as far as settings tell."""
    if network.decoder is not None:
        return DECODER_STRIDE
    if network.unet is not None and network.unet.channels is not None:
        return 1 << (len(network.unet.channels) - 1)
    return SIDES.get(network.arch, STRIDE)


def _trainings(settings: Settings) -> Iterator[str]:
    for stage in STAGES:
        for name in settings.networks:
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
            f"the learning rate is 0 at the end of {training.epochs} epochs, so the last ones change "
            f"nothing: decay_factor is {training.decay_factor:g}, decay_every {training.decay_every}; fewer "
            "epochs, or a larger decay_factor or decay_every",
        )
    if isinstance(training.schedule, Exponential) and not _last_rate(training, training.schedule.factor):
        yield (
            "epochs",
            f"the learning rate is 0 at the end of {training.epochs} epochs, so the last ones change "
            f"nothing: schedule.factor is {training.schedule.factor:g}; fewer epochs, or a larger factor",
        )
    if isinstance(training.optimiser, SGD) and training.optimiser.nesterov and not training.momentum:
        yield "optimiser", "nesterov is true, and momentum is 0; a momentum above 0, or nesterov: false"


def _last_rate(training: TrainingSettings, factor: float, every: int = 1) -> float:
    return training.learning_rate * factor ** ((training.epochs - 1) // every)


def remarks(settings: Settings) -> list[str]:
    """Return warnings on settings that work, but were hardly meant like this."""
    features = settings.size // STRIDE
    wide = [str(rate) for rate in settings.head.rates if rate >= features]
    networks = [one.network for one in settings.networks.values()]
    with_head = any(HAS_BACKBONE[one.arch] and one.decoder is None for one in networks)
    if not (wide and with_head):
        return []
    return [
        f"head.rates: convolutions of rate {', '.join(wide)} see nothing but their own pixel, for slices of "
        f"{settings.size} pixels (size) have features of {features}; rates below {features} reach others"
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
        for stage in STAGES:
            share = settings.stage_training(stage, name).validation_share
            if share and exams < 2:
                key = settings.training_key(stage, name, "validation_share")
                raise UserError(
                    f"{key}: {share:g} ({_kind(settings, name)} {name!r}) of {exams} training exam",
                    expected="two training exams or more, one of which is held out",
                    remedy="add training exams to the sheet, or set validation_share: 0",
                )


def _kind(settings: Settings, name: str) -> str:
    return "backbone" if name in settings.backbones else "method"
