"""The parts of the measurement, in the order in which they run, and what each has to show."""

import math
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from gpu.children import Child, EndedError
from gpu.scale import Scale
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.training import TrainSettings

WAYS: Mapping[str, Mapping[str, Any]] = {
    "fp32": {"precision": "fp32", "channels_last": False, "compile": False},
    "bf16": {"precision": "bf16", "channels_last": False, "compile": False},
    "tf32": {"precision": "tf32", "channels_last": False, "compile": False},
    "bf16, channels last": {"precision": "bf16", "channels_last": True, "compile": False},
    "bf16, compiled": {"precision": "bf16", "channels_last": False, "compile": True},
}
"""Ways to train, those first that matter most if the time is short."""

UNDECIDED: Mapping[str, float] = {"fp32": 0.001, "tf32": 0.02, "bf16": 0.08}
"""Pixels of which a network is undecided: the absolute logit, by the CPU in fp32, is no more than so many standard
deviations of all logits. A rounding changes a number by 2⁻²⁴, 2⁻¹¹ or 2⁻⁹ of it; many layers make it larger."""


@dataclass(frozen=True)
class Check:
    """Something that has to hold.

    Attributes
    ----------
    what : str
    ok : bool
    found : str
        Figures by which one sees it.
    """

    what: str
    ok: bool
    found: str


@dataclass
class Found:
    """What a part has found.

    Attributes
    ----------
    figures : dict
    checks : list of Check
    """

    figures: dict[str, Any] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)


@dataclass(frozen=True)
class Part:
    """A part that runs, or is left out, as a whole.

    Attributes
    ----------
    kind : str
        One of `gpu.scale.KINDS`.
    network, way : str
        `way` is one of `WAYS`, or empty.
    usual, limit : float
        Seconds that it takes on an H100, by an estimate, without which it does not start; and those after which it
        is stopped.
    """

    kind: str
    network: str
    way: str
    usual: float
    limit: float

    @property
    def name(self) -> str:
        """Its name in the results."""
        name = f"{self.kind} {self.network}"
        return f"{name} {self.way}" if self.kind == "training" else name


def parts_of(networks: Sequence[str], scale: Scale) -> Iterator[Part]:
    """Yield all parts in their order."""
    for network in networks:
        yield Part("training", network, "fp32", 15, 60)
    for network in networks:
        yield Part("resumed", network, "", 15, 60)
    for network in networks:
        yield Part("prediction", network, "", 12, 60)
    for way, given in list(WAYS.items())[1:]:
        for network in networks:
            if not given["compile"]:
                yield Part("training", network, way, 10, 60)
            elif network in scale.compiled:
                yield Part("compiled", network, way, 45, 150)


class Measurement:
    """What all parts share.

    Parameters
    ----------
    folder : Path
        For their files.
    networks : mapping of str to TrainSettings
    scale : Scale
    slices : mapping of str to list of str
        Files of slices, by the network that is timed on them; and `resumed`, `predicted` and `compared`.
    """

    def __init__(
        self,
        folder: Path,
        networks: Mapping[str, TrainSettings],
        scale: Scale,
        slices: Mapping[str, list[str]],
    ) -> None:
        self._folder, self._networks, self._scale, self._slices = folder, networks, scale, slices
        self._weights: dict[str, Path] = {}

    def run(self, part: Part, until: float) -> Found:
        """Run a part.

        Parameters
        ----------
        part : Part
        until : float
            `time.monotonic()` at which it is stopped.

        Raises
        ------
        TimeOverError
            If it was.
        """
        kinds: Mapping[str, Callable[[Part, float], Found]] = {
            "training": self._training,
            "resumed": self._resumed,
            "prediction": self._prediction,
            "compiled": self._training,
        }
        try:
            return kinds[part.kind](part, until)
        except EndedError as error:
            return Found(checks=[Check("runs", False, str(error))])

    def _training(self, part: Part, until: float) -> Found:
        way = WAYS[part.way]
        settings = self._settings(part.network, epochs=2, batch=self._scale.batch, precision=way["precision"])
        compute = self._compute(channels_last=way["channels_last"], compile=way["compile"])
        child = self._train(part.name, settings, compute, slices=part.network)
        figures = child.result(until)
        self._keep(part)
        figures |= {"batch": settings.training.batch_size, **way}
        figures.pop("sha256")
        return Found(figures, [_falling(figures["losses"])])

    def _resumed(self, part: Part, until: float) -> Found:
        """Train undisturbed twice, with loading processes, and killed and resumed; all at the same time."""
        settings = self._settings(part.network, epochs=3, batch=self._scale.resumed_batch, precision="fp32")
        alone, loaded = (self._compute(workers=workers) for workers in (0, self._scale.workers))
        runs = {"undisturbed": alone, "again": alone, "loaded": loaded}
        children = {name: self._train(name, settings, compute) for name, compute in runs.items()}
        killed = self._train("killed", settings, loaded, kill=(2, 2))
        try:
            was_killed = killed.killed(until)
            children["resumed"] = self._train("killed", settings, loaded)
            found = {name: child.result(until) for name, child in children.items()}
        finally:
            for child in (killed, *children.values()):
                child.kill()
        whole = found["undisturbed"]["sha256"]
        equal = {name: found[name]["sha256"] == whole for name in ("again", "loaded", "resumed")}
        steps = len(found["resumed"]["losses"])
        figures = {
            "equal": equal,
            "largest_difference": {name: self._difference(name) for name, same in equal.items() if not same},
            "without_deterministic": found["undisturbed"]["without_deterministic"],
            "resumed_steps": steps,
        }
        for name in runs:
            shutil.rmtree(self._folder / name)
        shutil.rmtree(self._folder / "killed")
        went_on = Check(
            "goes on after the kill",
            was_killed and steps == 2 * self._scale.resumed_steps,
            f"{'killed' if was_killed else 'not killed'}; {steps} further steps",
        )
        return Found(figures, [went_on, _as_undisturbed(figures, "resumed"), _as_undisturbed(figures, "loaded")])

    def _prediction(self, part: Part, until: float) -> Found:
        weights = self._weights.get(part.network)
        if weights is None:
            return Found(checks=[Check("runs", False, "no training in fp32 gave weights")])
        child = Child(
            self._folder,
            part.name,
            "predict",
            weights=weights,
            slices=self._slices,
            settings=self._networks[part.network],
            scale=self._scale,
        )
        figures = child.result(until)
        return Found(figures, [_undecided(way) for way in figures["ways"]])

    def _train(
        self,
        name: str,
        settings: TrainSettings,
        compute: ComputeSettings,
        *,
        slices: str = "resumed",
        kill: tuple[int, int] | None = None,
    ) -> Child:
        return Child(
            self._folder,
            name if kill is None else f"{name} at {kill}",
            "train",
            folder=self._folder / name,
            slices=self._slices[slices],
            settings=settings,
            compute=compute,
            kill=kill,
        )

    def _settings(self, network: str, *, epochs: int, batch: int | None, precision: str) -> TrainSettings:
        own = self._networks[network]
        changed = {"epochs": epochs, "batch_size": batch or own.training.batch_size}
        all_slices = {"validation_share": 0.0, "batches_per_epoch": None}
        training = own.training.model_copy(update=changed | all_slices)
        return own.model_copy(update={"training": training, "precision": precision})

    def _compute(self, **changes: Any) -> ComputeSettings:
        common = {"accelerator": self._scale.accelerator, "workers": self._scale.workers, "channels_last": False}
        return ComputeSettings(**common | changes)

    def _keep(self, part: Part) -> None:
        """Keep the weights of the first training, and remove all else of it."""
        folder = self._folder / part.name
        if part.network not in self._weights:
            self._weights[part.network] = folder / "network.safetensors"
            shutil.rmtree(folder / "network.training", ignore_errors=True)
        else:
            shutil.rmtree(folder)

    def _difference(self, name: str) -> float:
        """Return by how much weights differ at most from those of the undisturbed training."""
        folder = "killed" if name == "resumed" else name
        one, other = (load_file(self._folder / run / "network.safetensors") for run in ("undisturbed", folder))
        return max(float(np.abs(one[key].astype(float) - other[key].astype(float)).max()) for key in one)


def _falling(losses: Sequence[float]) -> Check:
    """Check that losses are finite, and smaller in the last third than in the first."""
    third = max(1, len(losses) // 3)
    first, last = (sum(some) / len(some) for some in (losses[:third], losses[-third:]))
    ok = all(map(math.isfinite, losses)) and last < first
    return Check("the loss falls", ok, f"{first:.3f} → {last:.3f} in {len(losses)} steps")


_RUNS = {"resumed": "killed and resumed", "loaded": "with loading processes"}


def _as_undisturbed(figures: Mapping[str, Any], name: str) -> Check:
    """Check that weights are those of the undisturbed training, where that can be repeated."""
    what = f"{_RUNS[name]}: the weights of the undisturbed training"
    equal, without = figures["equal"], figures["without_deterministic"]
    if equal[name]:
        return Check(what, True, "the same bytes")
    differs = f"they differ by {figures['largest_difference'][name]:.1e} at most"
    if without and not equal["again"]:
        return Check(what, True, f"{differs}, and so do undisturbed ones: {', '.join(without)}")
    return Check(what, False, differs)


def _undecided(way: Mapping[str, Any]) -> Check:
    """Check that only undecided pixels differ from the CPU's mask."""
    bound = UNDECIDED[way["precision"]]
    layout = ", channels last" if way["channels_last"] else ""
    return Check(
        f"{way['precision']}{layout}: the CPU's masks but for undecided pixels",
        way["largest"] <= bound,
        f"{way['differing']:.4%} of the pixels differ, logits within {way['largest']:.2g} standard deviations "
        f"(allowed: {bound:g})",
    )


def deadline(seconds: float) -> float:
    """Return the time, as `time.monotonic()` has it, after so many seconds."""
    return time.monotonic() + seconds
