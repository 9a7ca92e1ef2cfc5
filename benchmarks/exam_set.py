"""Sets of phantoms to train and to score on: the demo's, and one of small lesions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml
from snakemake.utils import update_config

from benchmarks.images_per_second import compute_here
from hepaflow.errors import UserError
from hepaflow.exams.sheet import read_sheet
from hepaflow.methods.thesis import plan_of
from hepaflow.phantoms.rendering import write_phantom
from hepaflow.preprocessing.registry import PREPROCESSING
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.plan import Plan, PlannedTraining
from hepaflow.settings.preprocessing import PreprocessSettings
from hepaflow.settings.workflow import Settings, read_settings
from hepaflow.volumes.labels import read_labels, structure_mask
from hepaflow.volumes.volume import read_image

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "config" / "demo.yaml"
SETS = {
    "demo": (DEMO,),
    "small-lesions": (DEMO, ROOT / "config" / "phantoms" / "small-lesions.yaml"),
}
"""Configurations of each set, later ones over earlier ones."""
MODERN = "modern"
"""The method, of a configuration, that is measured beside other systems."""
Pair = tuple[Path, Path]
"""Image and label of an exam."""


def settings_of(*configurations: Path) -> Settings:
    """Return the settings of configurations, later ones over earlier ones, as Snakemake joins them."""
    joined: dict[str, object] = {}
    for path in configurations:
        update_config(joined, yaml.safe_load(path.read_text(encoding="utf-8")))
    return read_settings(joined)


def results_of(settings: Settings) -> Path:
    """Return the folder of the results of a run, which need not be there."""
    return ROOT / settings.results


@dataclass(frozen=True)
class ExamSet:
    """Exams with what a run does with them.

    Attributes
    ----------
    settings : Settings
    plan : Plan
    train, test : dict of str to (Path, Path)
        Image and label of each exam.
    """

    settings: Settings
    plan: Plan
    train: dict[str, Pair]
    test: dict[str, Pair]

    @cached_property
    def compute(self) -> ComputeSettings:
        """The settings of speed, as what computes reads them."""
        return compute_here(self.settings.compute)

    def training(self, method: str, stage: str) -> tuple[PlannedTraining, str]:
        """Return how the network of a stage is trained, and on which data of the plan.

        Raises
        ------
        UserError
            If it learns from no exams: its training draws phantoms, it is taken unchanged, or there is none.
        """
        planned = self.plan.methods[method][stage].training
        if planned is None or planned.data is None:
            raise UserError(
                f"`methods.{method}` has no network that learns from exams, for the stage {stage}",
                expected="one that is trained on exams: the same as other systems, for a comparison",
                remedy="choose a configuration without `drawn` and `epochs: 0` in its training",
            )
        return planned, planned.data

    def preprocessed(self, data: str, folder: Path) -> list[Path]:
        """Return data of the plan of all training exams, from files that are written unless they are there."""
        return [
            self._preprocessed(name, self.plan.data[data].preprocess, folder / data / f"{name}.safetensors")
            for name in self.train
        ]

    def _preprocessed(self, exam: str, settings: PreprocessSettings, path: Path) -> Path:
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            image, label = self.train[exam]
            hu, grid = read_image(image, exam=exam)
            labels, _ = read_labels(label, exam=exam, image=grid)
            region = structure_mask(labels, settings.region) if settings.region else None
            how = settings.preprocessing
            PREPROCESSING[how.kind](hu, region, structure_mask(labels, settings.structure), how, 1).save(path)
        return path


def exam_set(settings: Settings, drawn: Path) -> ExamSet:
    """Return the exams of a configuration; phantoms that are not in its folder of data are drawn into another."""
    sheet, data = read_sheet(ROOT / settings.exams), ROOT / settings.data

    def pairs(split: str) -> dict[str, Pair]:
        found = {}
        for name in sheet.names(split):
            image, label = sheet[name].image, str(sheet[name].label)
            folder = data if (data / image).is_file() and (data / label).is_file() else drawn
            found[name] = (folder / image, folder / label)
        return found

    exams = ExamSet(settings, plan_of(settings), pairs("train"), pairs("test"))
    draw(settings, exams.train | exams.test)
    return exams


def draw(settings: Settings, pairs: dict[str, Pair]) -> None:
    """Draw the phantoms that are not there."""
    for name, (image, label) in pairs.items():
        if not (image.is_file() and label.is_file()):
            if settings.phantoms is None:
                raise SystemExit(f"{image}: no such file, and {settings.data} are no phantoms, to be drawn")
            write_phantom(name, settings.phantoms, image, label)


def configurations(name: str, further: Sequence[Path] = ()) -> list[Path]:
    """Return the configurations of a set, with a user's behind the demo's own."""
    demo, *over = SETS[name]
    return [demo, *further, *over]
