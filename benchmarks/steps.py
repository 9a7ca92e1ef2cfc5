"""Training steps beside nnU-Net's with the same network, and how much of a step waits for what is loaded.

    python -m benchmarks.steps [--side 128] [--batch 12] [--steps 4] [--rounds 5] [--configfile FILE ...]

Both train the U-Net that nnU-Net plans for slices of the size, `plain_unet` here, on the same phantoms' slices.
Both change slices in the training process, in nnU-Net's ways and with its probabilities, and take SGD's step with
Nesterov momentum on clipped gradients of Dice and cross-entropy at all levels.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path
from unittest.mock import patch

import pandas as pd
import torch
from pydantic import TypeAdapter
from torch.utils.data import DataLoader

import hepaflow.training.trainer
from benchmarks import nnunet
from benchmarks.exam_set import MODERN, ExamSet, configurations, exam_set, settings_of
from benchmarks.side_by_side import COLUMNS, in_turn, seconds, table
from hepaflow.names import STAGES
from hepaflow.networks.network import build_network
from hepaflow.networks.planning import levels, planned
from hepaflow.sampling.protocol import Batch
from hepaflow.settings.augmentation import Augmentation
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.network import NetworkSettings
from hepaflow.settings.optimiser import Optimiser
from hepaflow.settings.schedule import Poly
from hepaflow.settings.training import TrainingSettings, TrainSettings
from hepaflow.training.loading import arriving
from hepaflow.training.trainer import train_network

EXAMS = 8
"""Training exams whose slices are seen."""
SKIPPED = 2
"""First steps of a training, which do not count where its waiting is measured."""
WORKERS = (0, 1, 2)
AUGMENTATION = TypeAdapter(tuple[Augmentation, ...]).validate_python(
    (
        # Turned and scaled with 0.2 each: 0.36 of the slices have one of them, and 0.2 / 0.36 of these have each.
        {
            "kind": "spatial",
            "probability": 0.36,
            "part_probability": 0.556,
            "degrees": (-180.0, 180.0),
            "factors": (0.7, 1.4),
        },
        {"kind": "noise", "standard_deviation": (0.0, 0.1), "probability": 0.1},
        {"kind": "blur", "sigma": (0.5, 1.0), "probability": 0.1},
        {"kind": "brightness", "factors": (0.75, 1.25), "probability": 0.15},
        {"kind": "contrast", "factors": (0.75, 1.25), "keep_range": True, "probability": 0.15},
        {"kind": "low_resolution", "factors": (0.5, 1.0), "probability": 0.125},
        {"kind": "gamma", "exponents": (0.7, 1.5), "inverted": True, "keep_statistics": True, "probability": 0.1},
        {"kind": "gamma", "exponents": (0.7, 1.5), "keep_statistics": True, "probability": 0.3},
        {"kind": "flip", "direction": "horizontal", "probability": 0.5},
        {"kind": "flip", "direction": "vertical", "probability": 0.5},
    )
)
"""nnU-Net's, as its trainer has them in 2-D."""
SAID = (
    "Both turn and scale (in one interpolation), add noise, blur, change brightness, contrast, resolution "
    "and gamma (twice), and mirror, with nnU-Net's probabilities. nnU-Net turns and scales a larger part of "
    "the slice, of which it keeps the middle, and makes masks for all levels as it loads; ours makes those "
    "in the step. Both load in the training process, and choose a third of a mini-batch among slices with "
    "the structure."
)


@dataclass(frozen=True)
class Steps:
    """What a round is: so many steps of mini-batches of so many slices of side×side."""

    side: int = 128
    batch: int = 12
    steps: int = 4


def beside_nnunet(scratch: Path, how: Steps, rounds: int, over: Sequence[Path] = ()) -> str:
    """Measure steps of ours and of nnU-Net's trainer in turn; a table in Markdown, or what is missing."""
    if not nnunet.is_installed():
        return "Not measured: nnU-Net is not installed (`make bench` installs it)."
    slices = _slices(scratch, how, over)
    settings = _settings(how)
    changes = {
        "batch_size": how.batch,
        "patch_size": [how.side, how.side],
        **nnunet.architecture(levels(settings.network, how.side).channels),
    }
    theirs = nnunet.plan(slices, scratch / "nnunet").trainer(1, how.steps, changes)
    nnunet.start(theirs, seed=0)
    sizes = (nnunet.parameters(build_network(settings.network)), nnunet.parameters(theirs.network))
    waited: list[float] = []
    comparison = in_turn(
        f"{how.steps} training steps of {how.batch} slices of {how.side}×{how.side}: `plain_unet`",
        "nnU-Net's trainer, the same network",
        "≥ 1",
        _training(slices, settings, scratch / "ours"),
        lambda: nnunet.steps(theirs, how.steps, waited),
        rounds=rounds,
        note="parameters: " + " and ".join(f"{size / 1e6:.3f} million" for size in sizes),
        before=lambda: torch.use_deterministic_algorithms(False),  # which ours ask for
        clock=lambda work: work(),
    )
    share = statistics.median(waited[1:])  # the first was before the rounds
    told = f"nnU-Net's steps waited {100 * share:.0f} % of their time for what is loaded."
    return f"{table(COLUMNS, [comparison.row()])}\n\n{SAID} {told}"


def waiting(scratch: Path, how: Steps, over: Sequence[Path] = ()) -> str:
    """Measure which share of a step waits, by loading processes; a table in Markdown."""
    settings = settings_of(*configurations("demo", over))
    measured = [("`plain_unet`, as above", _slices(scratch, how, over), _settings(how))]
    left_out = ""
    if MODERN in settings.cascades:
        measured += _of_the_method(exam_set(settings, scratch / "exams"), scratch / "own")
    else:
        left_out = f"\n\n`{MODERN}` was not measured: `config/demo.yaml` has no such method."
    rows = []
    for number, (what, slices, training) in enumerate(measured):
        for workers in WORKERS:
            step, share = _waiting(slices, training, how.steps, workers, scratch / f"waiting-{number}-{workers}")
            rows.append([what, str(workers), seconds(step), f"{100 * share:.1f} %"])
    columns = ["training", "loading processes", "a step", "of it waiting for what is loaded"]
    return table(columns, rows) + left_out


def _slices(scratch: Path, how: Steps, over: Sequence[Path]) -> list[Path]:
    """Return slices of whole phantoms of the demo, of the size."""
    settings = settings_of(*configurations("demo", over)).model_copy(update={"size": how.side, "methods": {}})
    return _few(exam_set(settings, scratch / "exams")).preprocessed(STAGES[0], scratch / f"slices-{how.side}")


def _few(exams: ExamSet) -> ExamSet:
    return replace(exams, train=dict(islice(exams.train.items(), EXAMS)))


def _settings(how: Steps) -> TrainSettings:
    """Return settings of ours like those that nnU-Net's trainer has."""
    optimiser = TypeAdapter(Optimiser).validate_python({"kind": "sgd", "nesterov": True, "weight_decay": 3e-5})
    training = TrainingSettings(
        epochs=1,
        batches_per_epoch=how.steps,
        batch_size=how.batch,
        learning_rate=0.01,
        momentum=0.99,
        decay_factor=1.0,
        decay_every=1,
        optimiser=optimiser,
        schedule=Poly(kind="poly"),
        loss="bce+dice",
        oversample=1 / 3,
        clip_gradients=12.0,
        augmentation=AUGMENTATION,
    )
    network = planned(NetworkSettings(arch="plain_unet", weights="none"), how.side)
    return TrainSettings(network=network, training=training, precision="fp32", seed=0)


def _training(slices: Sequence[Path], settings: TrainSettings, folder: Path) -> Callable[[], float]:
    """Return what trains for two epochs, and tells the seconds of the second; each time from the beginning."""
    two = settings.model_copy(update={"training": settings.training.model_copy(update={"epochs": 2})})
    numbers = count()
    return lambda: _train(slices, two, 0, folder / str(next(numbers)))[-1]


def _train(slices: Sequence[Path], settings: TrainSettings, workers: int, folder: Path) -> list[float]:
    """Train, and return the seconds of each epoch."""
    folder.mkdir(parents=True)
    compute = ComputeSettings(accelerator="cpu", workers=workers)
    history = folder / "history.csv"
    train_network(slices, settings, code="", output=folder / "w.safetensors", history=history, compute=compute)
    found: list[float] = pd.read_csv(history)["seconds"].tolist()
    return found


def _of_the_method(exams: ExamSet, scratch: Path) -> list[tuple[str, list[Path], TrainSettings]]:
    """Return each stage of the method as the demo trains it: its words, its data and its settings."""
    few, found = _few(exams), []
    for stage in STAGES:
        training, data = few.training(MODERN, stage)
        found.append((f"`{MODERN}`, {stage}", few.preprocessed(data, scratch), training.settings))
    return found


def _waiting(
    slices: Sequence[Path], settings: TrainSettings, steps: int, workers: int, folder: Path
) -> tuple[float, float]:
    """Return the seconds of a step, and the share of its time in which it waited for its mini-batch."""
    short = settings.training.model_copy(update={"epochs": 1, "batches_per_epoch": SKIPPED + steps})
    with _waits() as found:
        _train(slices, settings.model_copy(update={"training": short}), workers, folder)
    waited, computed = map(sum, zip(*found[SKIPPED:], strict=True))
    return (waited + computed) / steps, waited / (waited + computed)


@contextmanager
def _waits() -> Iterator[list[tuple[float, float]]]:
    """Note for each step of a trainer how long it waited for its mini-batch, and how long it then took."""
    found: list[tuple[float, float]] = []

    def timed(loader: DataLoader[Batch], waiting: Callable[[float], None]) -> Iterator[Batch]:
        began = time.perf_counter()
        for batch in arriving(loader, waiting):
            arrived = time.perf_counter()
            yield batch
            ended = time.perf_counter()
            found.append((arrived - began, ended - arrived))
            began = ended

    with patch.object(hepaflow.training.trainer, "arriving", timed):
        yield found


def main() -> None:
    """Measure, and print tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, default in (("side", Steps.side), ("batch", Steps.batch), ("steps", Steps.steps), ("rounds", 5)):
        parser.add_argument(f"--{name}", type=int, default=default, help="default: %(default)s")
    parser.add_argument("--configfile", type=Path, nargs="+", default=[], help="over config/demo.yaml")
    chosen = parser.parse_args()
    how = Steps(chosen.side, chosen.batch, chosen.steps)
    with tempfile.TemporaryDirectory() as folder:
        print(beside_nnunet(Path(folder), how, chosen.rounds, chosen.configfile), end="\n\n", flush=True)
        print(waiting(Path(folder), how, chosen.configfile))


if __name__ == "__main__":
    main()
