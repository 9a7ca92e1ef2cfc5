"""Dice for the same compute: other systems on the demo's exams, beside the demo's networks and their fusion.

    python -m benchmarks.quality

Each has the training slices of the demo, at the same size, for as long as the four networks of a stage took
together, on all cores. It is a method of the demo's plan: a cascade around its own liver, with the demo's
post-processing. MONAI's UNet has the settings of MONAI's own tutorials; nnU-Net plans for itself.
"""

import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from monai.losses import DiceCELoss
from monai.networks.nets import UNet

from benchmarks import nnunet
from benchmarks.side_by_side import digits, table
from hepaflow.evaluation.exam import Scores, segmentation_of
from hepaflow.evaluation.scores import final, read_scores
from hepaflow.exams.sheet import read_sheet
from hepaflow.methods.plan import model_of
from hepaflow.methods.thesis import plan_of
from hepaflow.model.segmenter import Draws, SegmentedExam, segment
from hepaflow.names import FUSION, STAGES, STRUCTURES
from hepaflow.networks.compute import make_fabric
from hepaflow.sampling.predictor import Predictor
from hepaflow.sampling.slices import SliceDataset
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.methods import MethodSettings
from hepaflow.settings.network import BackboneWeights
from hepaflow.settings.sampling import Slices
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
Segments = Callable[[np.ndarray], SegmentedExam]
UNFINISHED = "Not measured: it needs the finished demo (`make demo`)."


@dataclass(frozen=True)
class Trained:
    """A network that was trained for a time, and how far it came."""

    drawer: Draws
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
    return {record["wildcards"]["network"]: record["seconds"] * record["threads"] for record in records}


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
    predictor = Predictor(network, Slices(), make_fabric("fp32", COMPUTE), COMPUTE)
    return Trained(predictor, seen / len(images), parameters)


def segmenting(system: str, networks: Mapping[str, Trained], settings: Settings) -> Segments:
    """Return what segments an exam by a system as a method of the plan, with a network for each stage."""
    method = MethodSettings(network=BackboneWeights(arch="unet", weights="none"))  # never built: the system draws
    plan = model_of(plan_of(settings.model_copy(update={"methods": {system: method}})), system)
    drawers = {(system, stage): networks[stage].drawer for stage in STAGES}
    return partial(segment, plan=plan, predictors=drawers, fusion={})


def scores_of(systems: Mapping[str, Segments], exams: Mapping[str, Pair]) -> pd.DataFrame:
    """Return the scores, on exams, of what segments an exam, by name."""
    tables = []
    for name, (image, label) in exams.items():
        hu, grid = read_image(image, exam=name)
        labels, _ = read_labels(label, exam=name, image=grid)
        scores = Scores(name, segmentation_of(labels), grid.trusted_steps)
        for system, segments in systems.items():
            found = segments(hu)
            scores.add(system, "clean", {structure: getattr(found, structure) for structure in STRUCTURES})
        tables.append(scores.metrics())
    return pd.concat(tables, ignore_index=True)


def measure(scratch: Path) -> str:
    """Train and score other systems beside the finished demo; a table, or what to do first."""
    settings, results = demo()
    if not (results / MODEL).is_file():
        return UNFINISHED
    exams = read_sheet(Path(settings.exams))
    spent = {stage: seconds_of(results, stage) for stage in STAGES}
    together = {stage: sum(spent[stage][name] for name in settings.backbones) for stage in STAGES}
    systems: dict[str, dict[str, Trained]] = {UNET: {}}
    if nnunet.is_installed():
        systems[NNUNET] = {}
    for stage in STAGES:
        slices = [results / "preprocessed" / stage / f"{name}.safetensors" for name in exams.names("train")]
        seconds = together[stage] / torch.get_num_threads()
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
    others = {system: segmenting(system, networks, settings) for system, networks in systems.items()}
    dice = mean_dice(pd.concat([final(own), scores_of(others, test_exams(settings))]))
    costs = {name: {stage: spent[stage][name] for stage in STAGES} for name in settings.backbones}
    costs |= dict.fromkeys((FUSION, *systems), together)
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
