"""Systems that are trained for a time: MONAI's UNet, nnU-Net, and a method of a configuration.

Each gets a seed, and gives what segments an exam, with what its training took. A method of the configuration is
trained as a run trains it, on its own data; only the number of its mini-batches is made to fit the time, so its
schedule ends where the time ends.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from monai.losses.dice import DiceCELoss
from monai.networks.nets.unet import UNet

from benchmarks import nnunet
from benchmarks.exam_set import ExamSet
from benchmarks.fitting import Pace, pace_of
from benchmarks.side_by_side import stopwatch
from hepaflow.methods.plan import model_of
from hepaflow.methods.thesis import plan_of
from hepaflow.model.segmenter import Draws, SegmentedExam, Segmenter, segment
from hepaflow.model.trained import model_of_run
from hepaflow.names import STAGES
from hepaflow.networks.compute import make_fabric
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.sampling.predictor import Predictor
from hepaflow.sampling.slices import SliceDataset
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.methods import MethodSettings
from hepaflow.settings.network import BackboneWeights
from hepaflow.settings.sampling import Slices
from hepaflow.settings.training import TrainSettings
from hepaflow.settings.workflow import Settings
from hepaflow.training.trainer import train_network

BATCH = 16
LEARNING_RATE = 1e-3
COMPUTE = ComputeSettings(accelerator="cpu", workers=0)
PROBE = 20
"""Mini-batches of an epoch of the short trainings that tell a method's pace."""
Segments = Callable[[np.ndarray], SegmentedExam]


@dataclass(frozen=True)
class Stage:
    """A network that was trained for a time.

    Attributes
    ----------
    seconds : float
        Of its training, on all cores.
    epochs : float
        How often it saw as many slices as there are.
    parameters : int
    """

    seconds: float
    epochs: float
    parameters: int


@dataclass(frozen=True)
class Trained:
    """A system that was trained for a time: what segments an exam, and its stages."""

    segments: Segments
    stages: Mapping[str, Stage]


Train = Callable[[int], Trained]
"""Trains a system from a seed."""


def monais_unet(exams: ExamSet, name: str, seconds: Mapping[str, float], scratch: Path) -> Train:
    """Return what trains MONAI's UNet, with the settings of MONAI's own tutorials, on the thesis' slices."""
    slices = {stage: exams.preprocessed(stage, scratch / "data") for stage in STAGES}

    def train(seed: int) -> Trained:
        drawers: dict[str, Draws] = {}
        stages: dict[str, Stage] = {}
        for stage in STAGES:
            drawers[stage], stages[stage] = _train_unet(slices[stage], seconds[stage], seed)
        return Trained(_segmenting(name, drawers, exams.settings), stages)

    return train


def nnunet_2d(exams: ExamSet, name: str, seconds: Mapping[str, float], scratch: Path) -> Train:
    """Return what trains nnU-Net's 2-D configuration, as it plans for the thesis' slices."""
    planned = {
        stage: nnunet.plan(exams.preprocessed(stage, scratch / "data"), scratch / "nnunet" / stage)
        for stage in STAGES
    }

    def train(seed: int) -> Trained:
        torch.use_deterministic_algorithms(False)  # which ours have asked for
        drawers: dict[str, nnunet.NNUNet] = {
            stage: nnunet.train_nnunet(planned[stage], seconds[stage], seed) for stage in STAGES
        }
        stages = {stage: Stage(one.seconds, one.epochs, one.parameters) for stage, one in drawers.items()}
        return Trained(_segmenting(name, drawers, exams.settings), stages)

    return train


def method(exams: ExamSet, name: str, seconds: Mapping[str, float], scratch: Path) -> Train:
    """Return what trains a method of the configuration, on data that its own settings make of the exams."""
    paces: dict[str, Pace] = {}
    return lambda seed: _Method(exams, name, seconds, scratch, paces).trained(seed)


@dataclass
class _Method:
    """A method of the configuration, trained from one seed after another."""

    exams: ExamSet
    name: str
    seconds: Mapping[str, float]
    scratch: Path
    paces: dict[str, Pace]
    """Of each stage: at first that of a short training, then that of the latest seed's own."""
    weights: dict[str, Path] = field(default_factory=dict)

    def trained(self, seed: int) -> Trained:
        folder = self.scratch / self.name / str(seed)
        stages: dict[str, Stage] = {stage: self._stage(stage, seed, folder) for stage in STAGES}
        model = model_of_run(model_of(self.exams.plan, self.name), [self.weights[stage] for stage in STAGES], [])
        segmenter = Segmenter(model, self.exams.compute)
        return Trained(segmenter.segment, stages)

    def _stage(self, stage: str, seed: int, folder: Path) -> Stage:
        planned, data = self.exams.training(self.name, stage)
        slices = self.exams.preprocessed(data, self.scratch / "data")
        settings = planned.settings.model_copy(update={"seed": seed})
        start = self.weights[planned.start] if planned.start else None
        if stage not in self.paces:
            self.paces[stage] = self._pace(slices, settings, start, folder / f"{stage}-pace")
        pace = self.paces[stage]
        epochs, batches = pace.within(self.seconds[stage], settings.training.epochs)
        output = folder / stage / "weights.safetensors"
        took, _ = self._train(slices, _with(settings, epochs, batches), start, output)
        self.paces[stage] = pace.scaled(took / pace.seconds(epochs, batches))
        self.weights[stage] = output
        seen = epochs * batches * settings.training.batch_size
        return Stage(took, seen / sum(len(SliceFile(path)) for path in slices), _parameters(output))

    def _pace(self, slices: Sequence[Path], settings: TrainSettings, start: Path | None, folder: Path) -> Pace:
        """Time a training of one short epoch, and one of three."""
        (one, _), (three, own) = (
            self._train(slices, _with(settings, epochs, PROBE), start, folder / str(epochs) / "w.safetensors")
            for epochs in (1, 3)
        )
        return pace_of(PROBE, one, three, own)

    def _train(
        self, slices: Sequence[Path], settings: TrainSettings, start: Path | None, output: Path
    ) -> tuple[float, list[float]]:
        """Train; return the seconds of all, and those of each epoch's mini-batches."""
        output.parent.mkdir(parents=True)
        history = output.with_suffix(".csv")
        work = partial(
            train_network,
            slices,
            settings,
            code="",
            output=output,
            history=history,
            compute=self.exams.compute,
            start=start,
        )
        took = stopwatch(work)
        return took, pd.read_csv(history)["seconds"].tolist()


def _with(settings: TrainSettings, epochs: int, batches: int) -> TrainSettings:
    """Return settings with so many epochs of so many mini-batches, and no other change."""
    training = settings.training.model_copy(update={"epochs": epochs, "batches_per_epoch": batches})
    return settings.model_copy(update={"training": training})


def _parameters(weights: Path) -> int:
    from safetensors import safe_open

    with safe_open(weights, "numpy") as file:
        return sum(int(np.prod(file.get_slice(key).get_shape())) for key in list(file.keys()))


def _train_unet(slices: Sequence[Path], seconds: float, seed: int) -> tuple[Draws, Stage]:
    """Train MONAI's UNet for some seconds, on slices in memory."""
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(False)  # which ours have asked for
    dataset = SliceDataset(slices)
    images, masks = dataset[range(len(dataset))]
    network = UNet(
        spatial_dims=2,
        in_channels=1,
        out_channels=1,
        channels=(16, 32, 64, 128, 256),
        strides=(2,) * 4,
        num_res_units=2,
    )
    criterion = DiceCELoss(sigmoid=True)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    network.train()
    began = time.monotonic()
    seen, end = 0, began + seconds
    while time.monotonic() < end:
        for batch in torch.randperm(len(images)).split(BATCH):
            if len(batch) < 2 or time.monotonic() > end:
                break
            loss = criterion(network(images[batch]), masks[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen += len(batch)
    took = time.monotonic() - began
    predictor = Predictor(network, Slices(), make_fabric("fp32", COMPUTE), COMPUTE)
    return predictor, Stage(took, seen / len(images), nnunet.parameters(network))


def _segmenting(system: str, drawers: Mapping[str, Draws], settings: Settings) -> Segments:
    """Return what segments an exam by a system as a method of the plan, with a network for each stage."""
    stands_for = MethodSettings(
        network=BackboneWeights(arch="unet", weights="none")
    )  # never built: the system draws
    alone = settings.model_copy(update={"methods": {system: stands_for}})
    plan = model_of(plan_of(alone), system)
    return partial(segment, plan=plan, predictors={(system, stage): drawers[stage] for stage in STAGES}, fusion={})
