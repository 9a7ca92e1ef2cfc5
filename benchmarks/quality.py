"""Dice for the same compute: other systems on the demo's exams, beside the demo's networks and their fusion.

    python -m benchmarks.quality

Each has the training slices of the demo, at the same size, for as long as the four networks of a stage took
together, on all cores; and the same way back to the exam's grid, post-processing included. MONAI's UNet has the
settings of MONAI's own tutorials; nnU-Net plans for itself.
"""

import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import torch
import yaml
from monai.losses import DiceCELoss
from monai.networks.nets import UNet
from numpy.typing import NDArray

from benchmarks import nnunet
from benchmarks.side_by_side import digits, table
from hepaflow.evaluation.exam import Scores, Segmentation, segmentation_of
from hepaflow.evaluation.scores import final, read_scores
from hepaflow.exams.sheet import read_sheet
from hepaflow.masks.postprocess import clean
from hepaflow.masks.restore import restore
from hepaflow.names import FUSION, STAGES
from hepaflow.networks.compute import make_fabric
from hepaflow.preprocessing.lesion_slices import lesion_slices
from hepaflow.preprocessing.liver_slices import liver_slices
from hepaflow.preprocessing.slices import SlicesInMemory
from hepaflow.sampling.predictor import Predictor, Slices
from hepaflow.sampling.slices import SliceDataset
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.workflow import Settings, read_settings
from hepaflow.volumes.labels import read_labels
from hepaflow.volumes.volume import read_image

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "config" / "demo.yaml"
UNET, NNUNET = "MONAI's UNet", "nnU-Net 2d"
BATCH = 16
LEARNING_RATE = 1e-3
COMPUTE = ComputeSettings(accelerator="cpu", workers=0)
MODEL = "hepaflow-model.zip"
Pair = tuple[Path, Path]
"""Image and label of an exam."""
Segments = Callable[[np.ndarray], Segmentation]
UNFINISHED = "Not measured: it needs the finished demo (`make demo`)."


class Drawer(Protocol):
    """What draws the masks of an exam's slices."""

    def masks(self, slices: Slices) -> NDArray[np.bool_]:
        """Return the masks, shape (slices, size, size)."""


@dataclass(frozen=True)
class Trained:
    """A network that was trained for a time, and how far it came."""

    drawer: Drawer
    epochs: float
    parameters: int


def demo() -> tuple[Settings, Path]:
    """Return the settings of the demo, and the folder of its results."""
    settings = read_settings(yaml.safe_load(CONFIG.read_text(encoding="utf-8")))
    return settings, ROOT / settings.results


def mean_dice(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the mean Dice over the exams, a row for every method and a column for every structure."""
    return dice_of(scores).groupby("structure").mean().T


def dice_of(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the Dice of every exam, a row for a structure and an exam, a column for every method."""
    return scores[scores["metric"] == "dice"].pivot(index=["structure", "exam"], columns="method", values="value")


def test_exams(settings: Settings) -> dict[str, Pair]:
    """Return image and label of every test exam."""
    exams, data = read_sheet(Path(settings.exams)), Path(settings.data)
    return {name: (data / exams[name].image, data / str(exams[name].label)) for name in exams.names("test")}


def seconds_of(results: Path, stage: str) -> dict[str, float]:
    """Return the seconds of one core that the training of each network of a stage took."""
    records = [
        json.loads(path.read_text(encoding="utf-8")) for path in (results / "records/train").glob(f"{stage}.*")
    ]
    return {record["wildcards"]["backbone"]: record["seconds"] * record["threads"] for record in records}


def train_unet(slices: Sequence[Path], seconds: float, seed: int) -> Trained:
    """Train MONAI's UNet for some seconds, on slices in memory."""
    torch.manual_seed(seed)
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
    seen, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        for batch in torch.randperm(len(images)).split(BATCH):
            if len(batch) < 2 or time.monotonic() > end:
                break
            loss = criterion(network(images[batch]), masks[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen += len(batch)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Trained(Predictor(network, make_fabric("fp32", COMPUTE), COMPUTE), seen / len(images), parameters)


def segment(hu: np.ndarray, networks: dict[str, Trained], settings: Settings) -> Segmentation:
    """Segment an exam with one network a stage, as hepaflow does with four."""
    steps = settings.bundle()
    shape = (hu.shape[0], hu.shape[1], hu.shape[2])
    stack, found = liver_slices(hu, None, steps.liver_slices), {}
    for stage in STAGES:
        if stage == "lesion":
            stack = lesion_slices(hu, found["liver"], None, steps.lesion_slices)
        masks = networks[stage].drawer.masks(SlicesInMemory(stack))
        found[stage] = restore(clean(masks, getattr(steps, stage)), stack.box, shape)
    return found


def scores_of(systems: Mapping[str, Segments], exams: Mapping[str, Pair]) -> pd.DataFrame:
    """Return the scores, on exams, of what segments an exam, by name."""
    tables = []
    for name, (image, label) in exams.items():
        hu, grid = read_image(image, exam=name)
        labels, _ = read_labels(label, exam=name, image=grid)
        scores = Scores(name, segmentation_of(labels), grid.trusted_steps)
        for system, segments in systems.items():
            scores.add(system, "clean", segments(hu))
        tables.append(scores.metrics())
    return pd.concat(tables, ignore_index=True)


def measure(scratch: Path) -> str:
    """Train and score other systems beside the finished demo; a table, or what to do first."""
    settings, results = demo()
    if not (results / MODEL).is_file():
        return UNFINISHED
    exams = read_sheet(Path(settings.exams))
    spent = {stage: seconds_of(results, stage) for stage in STAGES}
    systems: dict[str, dict[str, Trained]] = {UNET: {}}
    if nnunet.is_installed():
        systems[NNUNET] = {}
    for stage in STAGES:
        slices = [results / "slices" / stage / f"{name}.safetensors" for name in exams.names("train")]
        seconds = sum(spent[stage].values()) / torch.get_num_threads()
        systems[UNET][stage] = train_unet(slices, seconds, settings.seed)
        if NNUNET in systems:
            drawer = nnunet.train_nnunet(slices, seconds, scratch / stage)
            systems[NNUNET][stage] = Trained(drawer, drawer.epochs, drawer.parameters)
    own = read_scores(
        *(
            results / "metrics" / method / f"{name}.csv"
            for name in exams.names("test")
            for method in (*settings.backbones, FUSION)
        )
    )
    others = {
        system: partial(segment, networks=networks, settings=settings) for system, networks in systems.items()
    }
    dice = mean_dice(pd.concat([final(own), scores_of(others, test_exams(settings))]))
    costs = {name: {stage: spent[stage][name] for stage in STAGES} for name in settings.backbones}
    costs |= {name: {stage: sum(spent[stage].values()) for stage in STAGES} for name in (FUSION, *systems)}
    columns = [f"{stage}: seconds of a core" for stage in STAGES] + [f"{stage} Dice" for stage in STAGES]
    rows = [
        [name, *(digits(cost[stage]) for stage in STAGES), *(f"{dice.loc[name, stage]:.3f}" for stage in STAGES)]
        for name, cost in costs.items()
    ]
    told = [
        f"{system} ({networks['liver'].parameters / 1e6:.1f} million parameters) took "
        + ", ".join(f"{networks[stage].epochs:.0f} epochs for the {stage}" for stage in STAGES)
        for system, networks in systems.items()
    ]
    missing = "" if NNUNET in systems else " nnU-Net was not measured: it is not installed."
    return f"{table(['method', *columns], rows)}\n\nIn that time, {'; '.join(told)}.{missing}"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(measure(Path(folder)))
