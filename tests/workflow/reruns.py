"""What follows from what, and the finished smoke run, planned after a change.

A job is named by its rule, its stage (or structure, or data) and its split: `postprocess.lesion.test`. What
follows from what is written down by hand in the tables below. The tests are in `test_reruns_*.py`.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from smoke_run import EXAMS, SMOKE
from why import Planned, plan

from hepaflow.methods.thesis import plan_of
from hepaflow.settings.workflow import read_settings

SCRIPTS = Path("workflow/scripts")


def part_of(job: Planned) -> str | None:
    return next((job.wildcards[name] for name in ("stage", "structure", "data") if name in job.wildcards), None)


def label(job: Planned) -> str:
    split = job.wildcards.get("split") or EXAMS.get(job.wildcards.get("exam", ""))
    return ".".join(part for part in (job.rule, part_of(job), split) if part)


def names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What follows from what.

# The pages of what tells of the whole run: versions and times are among it.
OF_THE_RUN = names("pages_of_run summary html_report")
TABLES_OF_STRUCTURES = names("pages_of_structure.liver pages_of_structure.lesion")
# What the pages tell of the settings.
CONFIGURATION = names("table_configuration") | OF_THE_RUN
PLAN = names("table_plan") | CONFIGURATION
SAMPLES = names("figure_samples.liver figure_samples.lesion summary html_report")
EXTREMES = names("figure_extremes.liver figure_extremes.lesion")
AGREEMENT = names("figure_agreement.liver figure_agreement.lesion")
LESIONS = names("lesions.test figure_detection")
EVALUATION = (
    names(
        "evaluate.test summarise tables.liver tables.lesion table_literature figure_dice.liver figure_dice.lesion "
        "figure_uncertainty.liver figure_uncertainty.lesion bundle provenance"
    )
    | AGREEMENT
    | TABLES_OF_STRUCTURES
    | OF_THE_RUN
)
# Of the networks' masks before post-processing.
OVERLAP = names("overlap.test figure_overlap.liver figure_overlap.lesion")
SCORES = names("restore.test uncertainty.test viewer.test") | EVALUATION | LESIONS | EXTREMES | SAMPLES
LESION_CLEAN = names("postprocess.lesion.test fuse.lesion.test disagreement.lesion.test") | SCORES
LESION_TEST = names("preprocess.lesion.test predict.lesion.test") | OVERLAP | LESION_CLEAN
WEIGHTS = names("figure_weights table_weights")
LESION_FUSION = names("fit_fusion.lesion") | WEIGHTS | LESION_CLEAN
LESION_NETWORKS = (
    names("train.lesion figure_training.lesion table_networks predict.lesion.train predict.lesion.test")
    | OVERLAP
    | LESION_FUSION
)
LESION_DATA = names("preprocess.lesion.train preprocess.lesion.test") | LESION_NETWORKS
LIVER_CLEAN = names("postprocess.liver.test fuse.liver.test disagreement.liver.test") | LESION_TEST
# The networks' disagreement does not depend on their weights in the fusion.
LIVER_FUSION = names("fit_fusion.liver") | WEIGHTS | LIVER_CLEAN - names("disagreement.liver.test")
LIVER_NETWORKS = (
    names("train.liver figure_training.liver predict.liver.train predict.liver.test")
    | LIVER_FUSION
    | LIVER_CLEAN
    | LESION_NETWORKS  # they start from the liver networks
)
# The method that is not fused: its lesions are sought around its own liver.
APART = names("preprocess.lesion-apart.test")
APART_LESION = names(
    "predict.lesion.test postprocess.lesion.test restore.test evaluate.test summarise tables.liver tables.lesion "
    "table_literature figure_dice.liver figure_dice.lesion viewer.test provenance"
)
APART_LESION |= AGREEMENT | LESIONS | TABLES_OF_STRUCTURES | SAMPLES | OF_THE_RUN
APART_LESION_NETWORK = names("train.lesion figure_training.lesion table_networks") | APART_LESION
APART_LIVER = names("postprocess.liver.test") | APART | APART_LESION
APART_NETWORKS = names("train.liver figure_training.liver predict.liver.test") | APART_LIVER | APART_LESION_NETWORK
PREDICTIONS = names("predict.liver.train predict.lesion.train") | LIVER_FUSION | LIVER_CLEAN | LESION_FUSION
PREDICTIONS |= names("predict.liver.test")
DATA = names("preprocess.liver.train preprocess.liver.test") | LESION_DATA | LIVER_NETWORKS | APART
ALL_NETWORKS = LIVER_NETWORKS | APART
EXAMS_MADE = names("phantom.train phantom.test survey.train survey.test data_card") | DATA
# A model tells what its training exams are like.
SURVEY = names("survey.train survey.test data_card bundle provenance") | OF_THE_RUN
NOTHING: frozenset[str] = frozenset()

NETWORKS = {**SMOKE["backbones"], **{name: method["network"] for name, method in SMOKE["methods"].items()}}
ARCHS = {name: network["arch"] for name, network in NETWORKS.items()}
BACKBONES = SMOKE["backbones"]


# Every key of the settings: another value, and what follows from it. NAME stands for a backbone or method.

TRAINING = {
    "epochs": 7,
    "batch_size": 5,
    "learning_rate": 0.0123,
    "momentum": 0.8,
    "decay_factor": 0.7,
    "decay_every": 6,
    "loss": "dice",
    "validation_share": 0.4,
    "optimiser": {"kind": "adamw"},
    "schedule": {"kind": "poly"},
    "augmentation": [{"kind": "flip", "direction": "horizontal", "probability": 0.5}],
    "oversample": 0.4,
    "batches_per_epoch": 2,
    "clip_gradients": 3.0,
    "average": {"kind": "ema"},
}
KEYS: dict[str, tuple[Any, frozenset[str]]] = {
    # The same sheet under another name, by which the model tells its exams.
    "exams": ("config/exams/copy.tsv", names("bundle provenance pages_of_run summary html_report")),
    "data": ("data/others", EXAMS_MADE),
    "results": ("results/others", EXAMS_MADE | PLAN),  # the phantoms, too: records of a run belong to its results
    "trust_label_grid": (True, SURVEY),
    "seed": (7, ALL_NETWORKS),
    "window.low": (-200, DATA),
    "window.high": (200, DATA),
    "size": (40, DATA),
    "contrast.tiles": (4, LESION_DATA | APART),
    "contrast.clip_limit": (0.02, LESION_DATA | APART),
    "contrast.background": ("zero", LESION_DATA | APART),
    "backbones.NAME.arch": ("resnet50", LIVER_NETWORKS),
    "backbones.NAME.weights": ("imagenet", LIVER_NETWORKS),
    "backbones.NAME.decoder": ({"kind": "unet"}, LIVER_NETWORKS),
    # The method that is not fused has no head.
    "head.rates": ([1, 2, 3], LIVER_NETWORKS),
    "head.channels": (16, LIVER_NETWORKS),
    "head.dropout": (0.3, LIVER_NETWORKS),
    **{f"training.liver.{key}": (value, ALL_NETWORKS) for key, value in TRAINING.items()},
    # The method that is not fused has its own.
    "training.liver.loss": ("dice", LIVER_NETWORKS),
    "training.liver.epochs": (7, LIVER_NETWORKS),
    **{f"training.lesion.{key}": (value, LESION_NETWORKS) for key, value in TRAINING.items()},
    **{f"backbones.NAME.training.liver.{key}": (value, LIVER_NETWORKS) for key, value in TRAINING.items()},
    **{f"backbones.NAME.training.lesion.{key}": (value, LESION_NETWORKS) for key, value in TRAINING.items()},
    # Once all exams are surveyed, it is seen whether any shows what is oversampled.
    **{
        f"{place}.{stage}.oversample": (TRAINING["oversample"], after | names("data_card"))
        for stage, place, after in (
            ("liver", "training", ALL_NETWORKS),
            ("lesion", "training", LESION_NETWORKS),
            ("liver", "backbones.NAME.training", LIVER_NETWORKS),
            ("lesion", "backbones.NAME.training", LESION_NETWORKS),
        )
    },
    "training.lesion.start": ("backbone", LESION_NETWORKS),
    "backbones.NAME.training.lesion.start": ("backbone", LESION_NETWORKS),
    "methods.NAME.network.arch": ("resnet50", APART_NETWORKS),
    "methods.NAME.training.loss": ("bce", APART_NETWORKS),
    "methods.NAME.training.start": ("backbone", APART_LESION_NETWORK),
    "methods.NAME.stages.liver.training.epochs": (7, APART_NETWORKS),
    "methods.NAME.stages.lesion.training.epochs": (7, APART_LESION_NETWORK),
    "methods.NAME.stages.liver.postprocessing": ([], APART_LIVER),
    "methods.NAME.stages.lesion.postprocessing": ([], APART_LESION - names("predict.lesion.test")),
    "methods.NAME.restore": ("masks", APART_LIVER),
    "methods.NAME.stages.liver.restore": ("masks", APART_LIVER),
    "methods.NAME.stages.lesion.restore": ("masks", APART_LESION - names("predict.lesion.test")),
    "methods.NAME.sampling": ({"kind": "slabs", "slices": 5}, APART_NETWORKS),
    "methods.NAME.flips": (["vertical"], APART_LIVER | names("predict.liver.test")),
    "methods.NAME.stages.liver.flips": (["vertical"], APART_LIVER | names("predict.liver.test")),
    "methods.NAME.stages.lesion.flips": (["vertical"], APART_LESION),
    "methods.NAME.stages.liver.data": (
        {"kind": "liver_slices", "size": 40},
        names("preprocess.liver-apart.train preprocess.liver-apart.test") | APART_NETWORKS,
    ),
    "methods.NAME.stages.lesion.data": (
        {"kind": "voi_slices", "margin": 0.1},
        names("preprocess.lesion-apart.train preprocess.lesion-apart.test") | APART_LESION_NETWORK,
    ),
    "model": ("apart", names("bundle provenance") | OF_THE_RUN),
    "precision": ("bf16", ALL_NETWORKS),
    "predict_precision": ("bf16", PREDICTIONS | APART),
    "predict_weights": ("fp16", PREDICTIONS | APART),
    "fusion.solver": ("newton", LIVER_FUSION | LESION_FUSION),
    # The solver `newton` takes no steps; see `test_steps_do_not_count_for_the_solver_that_takes_none`.
    "fusion.sgd.learning_rate": (3.0, LIVER_FUSION | LESION_FUSION),
    "fusion.sgd.momentum": (0.1, LIVER_FUSION | LESION_FUSION),
    "fusion.sgd.epochs": (9, LIVER_FUSION | LESION_FUSION),
    "fusion.sgd.batch_size": (64, LIVER_FUSION | LESION_FUSION),
    # The method that is not fused has steps of its own.
    "postprocessing.liver.max_distance": (7, LIVER_CLEAN),
    "postprocessing.liver.min_area_ratio": (0.3, LIVER_CLEAN),
    "postprocessing.lesion.min_area": (3, LESION_CLEAN),
    "samples.count": (3, SAMPLES),
    "samples.seed": (12, SAMPLES),
    "phantoms.anatomy": ("trunk", EXAMS_MADE),
    "phantoms.seed": (18, EXAMS_MADE),
    "phantoms.size": (40, EXAMS_MADE),
    "phantoms.slices": ([8, 11], EXAMS_MADE),
    "phantoms.slice_thickness": ([16, 23], EXAMS_MADE),
    "phantoms.field_of_view": ([300, 350], EXAMS_MADE),
    "phantoms.noise": (11, EXAMS_MADE),
    "phantoms.max_lesions": (4, EXAMS_MADE),
    "phantoms.lesion_radius": ([6, 25], EXAMS_MADE),
    "phantoms.lesion_free": (0.5, EXAMS_MADE),
    "compute.accelerator": ("auto", NOTHING),
    "compute.devices": (2, NOTHING),
    "compute.workers": (3, NOTHING),
    "compute.channels_last": (True, NOTHING),
    "compute.compile": (True, NOTHING),
    "compute.predict_batch_size": (3, NOTHING),
    "card": ("config/README.md", names("bundle provenance pages_of_run summary html_report")),
    "cache": ("elsewhere", NOTHING),
    # From then on versions count; what ran before has none on record.
    "count_libraries": (True, EXAMS_MADE | PLAN),
}
UNTOLD = {
    "exams",
    "data",
    "results",
    "card",
    "cache",
    "count_libraries",
    *(key for key in KEYS if key.startswith("compute.")),
}
"""Keys of places, of speed, and of what counts as a change: the table of the configuration leaves them out."""
WITHOUT_ANOTHER_VALUE = {
    *("training.liver.start", "backbones.NAME.training.liver.start"),
    "methods.NAME.network.weights",
    *("methods.NAME.stages.liver.sampling", "methods.NAME.stages.lesion.sampling"),
}
"""A liver network can only start from its backbone, a U-Net from nothing or a model that has it, and a lesion
network from a liver network that sees pieces of as many channels."""
OF_METHODS = {
    f"methods.NAME.{group}.{key}"
    for group in ("training", "stages.liver.training", "stages.lesion.training")
    for key in (*TRAINING, "start")
} - KEYS.keys()
"""Like those of a backbone; that each reaches its training is tried in tests/unit/methods."""
OF_NETWORKS = {
    f"{place}.{key}"
    for place in ("backbones.NAME", "methods.NAME.network")
    for key in (
        "monai.name",
        "monai.arguments",
        "monai.unshuffle",
        "unet.channels",
        "unet.blocks",
        "unet.deep_supervision",
    )
}
OF_NETWORKS.add("methods.NAME.network.decoder")
"""Of architectures that the smoke run has not; that each reaches its training is tried in tests/unit/methods."""
OF_AVERAGES = {"methods.NAME.kind", "methods.NAME.of"}
"""Tried in `test_added_methods.py`, where there is an average."""
OF_OTHERS = {f"predictions.NAME.{key}" for key in ("folder", "liver", "lesion", "trust_grid")}
"""Tried in `test_other_systems.py`, where there are segmentations by others."""


def with_value(path: str, value: Any) -> dict[str, Any]:
    """Return the smoke configuration with one key changed: of the backbone `dense`, or the method `apart`."""
    config: dict[str, Any] = json.loads(json.dumps(SMOKE))
    *groups, last = path.replace("methods.NAME", "methods.apart").replace("NAME", "dense").split(".")
    place = config
    for group in groups:
        place = place.setdefault(group, {})
    place[last] = value
    return config


class Finished:
    """The finished smoke run, planned after a change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def planned(self, config: dict[str, Any] = SMOKE) -> list[Planned]:
        path = self.folder / "config/changed.yaml"
        path.write_text(yaml.safe_dump(config))
        return plan(self.folder, str(path))

    def would_run(self, config: dict[str, Any] = SMOKE) -> set[str]:
        return {label(job) for job in self.planned(config) if job.runs}

    def jobs(self, config: dict[str, Any] = SMOKE) -> Counter[str]:
        return Counter(label(job) for job in self.planned(config) if job.runs)


def following(key: str) -> tuple[Any, frozenset[str]]:
    """Return another value of a key, and what follows: by the table, and what tells of settings and plan."""
    value, expected = KEYS[key]
    if key not in UNTOLD:
        expected |= CONFIGURATION
    before, after = (plan_of(read_settings(config)) for config in (SMOKE, with_value(key, value)))
    return value, expected if before == after else expected | PLAN


@contextmanager
def edited(finished: Finished, module: str, old: str, new: str) -> Iterator[None]:
    path = finished.folder / SCRIPTS / "hepaflow" / module
    before = path.read_text(encoding="utf-8")
    assert before.count(old) == 1, f"{old!r} in {module}"
    path.write_text(before.replace(old, new), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(before, encoding="utf-8")


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"more")
