"""nnU-Net's 2-D configuration, trained on our slices for a given time; where it is installed.

Its own planning, preprocessing, augmentation, schedule and test-time mirroring, as it comes; only the number of
its epochs is made to fit the time, and it draws no plot of its progress, which would take much of epochs that are
shorter than its own. What it draws at random is seeded: it all happens in the training process. Not
seeded: the number of epochs, which the clock decides, and last bits, as it takes whichever of two blurs is faster.
"""

import importlib.util
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.fitting import Pace
from benchmarks.side_by_side import stopwatch
from hepaflow.masks.map import FULL
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.sampling.protocol import Slices

STEPS = 25
"""Mini-batches of what it calls an epoch, about: fewer than its 250, so that the time is met."""
PROBE = 5
"""Mini-batches of an epoch of the short training that tells its pace."""
SPACING = (5.0, 1.0, 1.0)
"""Millimetres it is told, so that slices are never mixed: theirs are thicker than wide."""
CPU = torch.device("cpu")
CONFIGURATION = "2d"

FOLDER = Path(sys.prefix) / "nnunet"
"""Where `make bench` installs it, away from hepaflow's own environment."""


def is_installed() -> bool:
    """Return whether nnU-Net can be imported, and let it be imported from its folder."""
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
    return importlib.util.find_spec("nnunetv2") is not None


class NNUNet:
    """A trained nnU-Net that draws maps as our networks do.

    Parameters
    ----------
    folder : Path
        Its trained model.
    epochs : float
        How often it saw as many slices as there are.
    seconds : float
        Of its training.
    """

    def __init__(self, folder: Path, epochs: float, seconds: float) -> None:
        self.epochs, self.seconds = epochs, seconds
        self._predictor = predictor()
        self._predictor.initialize_from_trained_model_folder(str(folder), use_folds=("all",))
        self.parameters = parameters(self._predictor.network)

    def map(self, exam: Slices, progress: Callable[[int], object] | None = None) -> NDArray[np.uint8]:
        """Return the map of an exam, its mask as 0 and 255; shape (slices, size, size)."""
        if not len(exam):
            return np.empty((0, exam.size, exam.size), np.uint8)
        image = exam.image(slice(0, len(exam)))
        found = self._predictor.predict_single_npy_array(image[None], {"spacing": SPACING})
        if progress:
            progress(len(exam))
        return np.where(np.asarray(found) > 0, FULL, 0).astype(np.uint8)


def predictor(*, mirrored: bool = True) -> Any:
    """Return its predictor, without a network yet."""
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    with _quiet():
        return nnUNetPredictor(
            device=CPU, perform_everything_on_device=False, allow_tqdm=False, use_mirroring=mirrored
        )


def architecture(channels: Sequence[int]) -> dict[str, Any]:
    """Return the changes to its configuration by which its plain U-Net has these levels, each half of the last."""
    levels = len(channels)
    kwargs = {
        "n_stages": levels,
        "features_per_stage": list(channels),
        "kernel_sizes": [[3, 3]] * levels,
        "strides": [[1, 1], *[[2, 2]] * (levels - 1)],
        "n_conv_per_stage": [2] * levels,
        "n_conv_per_stage_decoder": [2] * (levels - 1),
    }
    return {"arch_kwargs": kwargs}


def parameters(network: torch.nn.Module) -> int:
    """Return the number of a network's parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


@dataclass(frozen=True)
class Planned:
    """What nnU-Net has planned for slices, and preprocessed.

    Attributes
    ----------
    folder : Path
        With the slices, what it made of them, and what it trains.
    shown : int
        Number of the slices.
    plan : dict
        As it planned.
    """

    folder: Path
    shown: int
    plan: dict[str, Any]

    def trainer(self, epochs: int, steps: int, changes: Mapping[str, Any] | None = None) -> Any:
        """Return its trainer for epochs of so many mini-batches; `changes` are to its 2-D configuration."""
        from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

        # Augmentation in the training process: there are no cores to spare.
        _choose(**_places(self.folder), n_proc_DA=0)
        plan = json.loads(json.dumps(self.plan)) | {"continue_training": False}  # it takes keys out of it
        configuration = plan["configurations"][CONFIGURATION]
        given = dict(changes or {})
        configuration["architecture"]["arch_kwargs"] |= given.pop("arch_kwargs", {})
        configuration |= given
        with _quiet():
            trainer = nnUNetTrainer(plan, CONFIGURATION, "all", self.dataset, CPU)
        trainer.num_epochs, trainer.num_iterations_per_epoch = epochs, steps
        trainer.num_val_iterations_per_epoch = 1
        trainer.logger.plot_progress_png = lambda _: None
        return trainer

    @property
    def dataset(self) -> dict[str, Any]:
        """What it knows of the data set."""
        found: dict[str, Any] = json.loads((_home(self.folder) / "dataset.json").read_text())
        return found

    def network(self, width: int) -> torch.nn.Module:
        """Return its network as planned, with so many channels at the first level, and doubled as it does."""
        from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

        manager, configuration = self._managers()
        features = configuration.network_arch_init_kwargs["features_per_stage"]
        configuration.network_arch_init_kwargs["features_per_stage"] = [
            width * one // features[0] for one in features
        ]
        heads = manager.get_label_manager(self.dataset).num_segmentation_heads
        network: torch.nn.Module = nnUNetTrainer.build_network_architecture(
            manager, configuration, 1, heads, enable_deep_supervision=False
        )
        return network

    def segmenting(self, network: torch.nn.Module, *, mirrored: bool) -> Callable[[NDArray[np.float32]], object]:
        """Return what segments an exam with its predictor, shape (slices, rows, columns)."""
        found = predictor(mirrored=mirrored)
        found.manual_initialization(
            network, *self._managers(), [network.state_dict()], self.dataset, "nnUNetTrainer", (0, 1)
        )

        def segments(image: NDArray[np.float32]) -> object:
            with _quiet():
                return found.predict_single_npy_array(image[None], {"spacing": SPACING})

        return segments

    def _managers(self) -> tuple[Any, Any]:
        from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

        manager = PlansManager(json.loads(json.dumps(self.plan)))
        return manager, manager.get_configuration(CONFIGURATION)

    @cached_property
    def pace(self) -> Pace:
        """How fast it trains; trains for two short epochs."""
        trainer = self.trainer(2, PROBE)
        begun, step = [], trainer.train_step

        def train_step(batch: Any) -> Any:
            begun.append(time.perf_counter())
            return step(batch)

        trainer.train_step = train_step
        took = run(trainer, seed=0)
        batch = statistics.median(later - one for one, later in pairwise(begun[PROBE:]))
        stamps = (trainer.logger.get_value(f"epoch_{end}_timestamps", step=None) for end in ("start", "end"))
        first, second = (end - start for start, end in zip(*stamps, strict=True))
        return Pace(max(0.0, took - first - second), max(0.0, second - PROBE * batch), batch)


DATASET = "Dataset001_slices"


def plan(slices: Sequence[Path], folder: Path) -> Planned:
    """Let nnU-Net plan for slices, and preprocess them."""
    places = _places(folder)
    for place in places.values():
        place.mkdir(parents=True)
    _choose(**places, n_proc_DA=1, compile="f")
    from nnunetv2.experiment_planning.plan_and_preprocess_api import (
        extract_fingerprints,
        plan_experiments,
        preprocess,
    )

    shown = _write(slices, folder / "raw" / DATASET)
    threads = torch.get_num_threads()
    with _quiet():
        extract_fingerprints([1], num_processes=1)
        plans = plan_experiments([1])
        torch.set_num_threads(threads)  # planning leaves as many as there are processes for augmentation
        preprocess([1], plans, configurations=(CONFIGURATION,), num_processes=(1,))
    return Planned(folder, shown, json.loads((_home(folder) / f"{plans}.json").read_text()))


def train_nnunet(planned: Planned, seconds: float, seed: int) -> NNUNet:
    """Train for some seconds, planning not counted."""
    epochs, steps = planned.pace.within(seconds, planned.pace.whole_epochs(seconds, STEPS))
    trainer = planned.trainer(epochs, steps)
    took = run(trainer, seed)
    return NNUNet(Path(trainer.output_folder_base), epochs * steps * trainer.batch_size / planned.shown, took)


def run(trainer: Any, seed: int) -> float:
    """Train from a seed; return the seconds."""
    seed_all(seed)
    with _quiet():
        return stopwatch(trainer.run_training)


def seed_all(seed: int) -> None:
    """Seed whatever it draws from: first weights, which slices, how they are changed."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@contextmanager
def _quiet() -> Iterator[None]:
    """Let it print into nothing."""
    with open(os.devnull, "w", encoding="utf-8") as nothing, redirect_stdout(nothing), redirect_stderr(nothing):
        yield


def _places(folder: Path) -> dict[str, Path]:
    return {name: folder / name for name in ("raw", "preprocessed", "results")}


def _home(folder: Path) -> Path:
    return folder / "preprocessed" / DATASET


def _choose(**choices: object) -> None:
    """Set variables of the environment that it reads when it is imported, or used."""
    os.environ.update({f"nnUNet_{name}": str(choice) for name, choice in choices.items()})


def _write(slices: Sequence[Path], folder: Path) -> int:
    """Write exams as a data set of nnU-Net; return the number of slices."""
    from nnunetv2.dataset_conversion.generate_dataset_json import generate_dataset_json

    affine, count, exams = np.diag([1.0, 1.0, SPACING[0], 1.0]), 0, 0
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True)
    for path in slices:
        file = SliceFile(path)
        if not len(file):
            continue
        for part, end, values in (
            ("imagesTr", "_0000", file.image().astype(np.float32)),
            ("labelsTr", "", file.mask().astype(np.uint8)),
        ):
            nib.save(
                nib.Nifti1Image(values.transpose(2, 1, 0), affine), folder / part / f"{path.stem}{end}.nii.gz"
            )
        count, exams = count + len(file), exams + 1
    generate_dataset_json(str(folder), {0: "CT"}, {"background": 0, "object": 1}, exams, ".nii.gz")
    return count


def start(trainer: Any, seed: int) -> None:
    """Let a trainer begin, up to its first step."""
    seed_all(seed)
    with _quiet():
        trainer.on_train_start()
    trainer.network.train()


def steps(trainer: Any, count: int, waited: list[float]) -> float:
    """Let a trainer take steps; return their seconds, and note which share of them was loading."""
    began, loading = time.perf_counter(), 0.0
    for _ in range(count):
        asked = time.perf_counter()
        batch = next(trainer.dataloader_train)
        loading += time.perf_counter() - asked
        trainer.train_step(batch)
    took = time.perf_counter() - began
    waited.append(loading / took)
    return took
