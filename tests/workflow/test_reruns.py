"""Exact reruns: for every setting and every module, exactly what follows from it would run again.

Every case is a plan of the finished smoke run after one change. A job is named by its rule, its stage (or
structure, or data) and its split: `postprocess.lesion.test`. What follows from what is written down by hand in the
tables below.
"""

import ast
import errno
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel
from smoke_run import EXAMS, ROOT, SMOKE, Checkout, checkout
from why import Planned, plan

from hepaflow.exams.sheet import read_sheet
from hepaflow.jobs.fingerprint import TABLES
from hepaflow.methods.inputs import Inputs
from hepaflow.methods.thesis import plan_of
from hepaflow.settings.workflow import Settings, read_settings

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
    "head.rates": ([1, 2, 3], ALL_NETWORKS),
    "head.channels": (16, ALL_NETWORKS),
    "head.dropout": (0.3, ALL_NETWORKS),
    **{f"training.liver.{key}": (value, ALL_NETWORKS) for key, value in TRAINING.items()},
    # The method that is not fused has its own.
    "training.liver.loss": ("dice", LIVER_NETWORKS),
    "training.liver.epochs": (7, LIVER_NETWORKS),
    **{f"training.lesion.{key}": (value, LESION_NETWORKS) for key, value in TRAINING.items()},
    **{f"backbones.NAME.training.liver.{key}": (value, LIVER_NETWORKS) for key, value in TRAINING.items()},
    **{f"backbones.NAME.training.lesion.{key}": (value, LESION_NETWORKS) for key, value in TRAINING.items()},
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


def leaves(model: type[BaseModel], path: str = "") -> Iterator[str]:
    """Yield the path of every key of a settings model that is no group of others.

    What stands for one of several groups, an optimiser say, is one key, and so is what is chosen by its kind.
    """
    for name, field in model.model_fields.items():
        inner = [kind for kind in models_in(field.annotation) if issubclass(kind, BaseModel)]
        named = "dict" in str(field.annotation)
        if inner and (named or (len(inner) == 1 and "kind" not in inner[0].model_fields)):
            for kind in inner:
                yield from leaves(kind, f"{path}{name}{'.NAME' if named else ''}.")
        else:
            yield path + name


def models_in(annotation: Any) -> list[type]:
    if isinstance(annotation, type) and not get_args(annotation):
        return [annotation]
    return [kind for part in get_args(annotation) for kind in models_in(part)]


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


@pytest.fixture(scope="module")
def finished(completed: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """Return a copy of the finished run; each test leaves the code as it was."""
    folder = tmp_path_factory.mktemp("reruns") / "run"
    shutil.copytree(completed.folder, folder, copy_function=shutil.copy2)
    shutil.copy(folder / "config/exams/smoke.tsv", folder / "config/exams/copy.tsv")
    (folder / "given").mkdir()
    for exam in ("three", "four"):
        shutil.copy(folder / f"data/phantoms/{exam}.label.nii.gz", folder / f"given/{exam}.nii.gz")
    before = os.environ.get("PYTHONPATH")
    yield Finished(folder)
    if before is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = before


def test_every_key_is_in_the_table() -> None:
    elsewhere = WITHOUT_ANOTHER_VALUE | OF_METHODS | OF_NETWORKS | OF_AVERAGES | OF_OTHERS
    # A coarse liver and drawn phantoms, which a method of slices cannot have: tried in `test_added_methods.py`.
    elsewhere |= {key for key in leaves(Settings) if ".stages.coarse." in key or key.endswith(".drawn")}
    assert set(leaves(Settings)) == set(KEYS) | elsewhere


def following(key: str) -> tuple[Any, frozenset[str]]:
    """Return another value of a key, and what follows: by the table, and what tells of settings and plan."""
    value, expected = KEYS[key]
    if key not in UNTOLD:
        expected |= CONFIGURATION
    before, after = (plan_of(read_settings(config)) for config in (SMOKE, with_value(key, value)))
    return value, expected if before == after else expected | PLAN


@pytest.mark.parametrize("key", KEYS)
def test_a_key_reruns_exactly_what_follows_from_it(finished: Finished, key: str) -> None:
    value, expected = following(key)
    assert finished.would_run(with_value(key, value)) == expected


@pytest.mark.parametrize("key", ["training.lesion.epochs", "postprocessing.lesion.min_area", "contrast.tiles"])
def test_the_explanation_names_the_key_with_both_values(finished: Finished, key: str) -> None:
    value, expected = following(key)
    jobs = [job for job in finished.planned(with_value(key, value)) if job.runs]
    told = [job for job in jobs if any(f"{key.split('.')[-1]}: " in reason for reason in job.reasons)]
    assert told
    assert {label(job) for job in jobs if job not in told} | {label(job) for job in told} == expected
    for job in jobs:
        assert job in told or all(reason.startswith("follows from: ") for reason in job.reasons)


def test_steps_do_not_count_for_the_solver_that_takes_none() -> None:
    settings = [
        Settings.model_validate_json(json.dumps({"fusion": {"solver": "newton", "sgd": change}}))
        for change in ({}, {"learning_rate": 3}, {"momentum": 0.1}, {"epochs": 9}, {"batch_size": 64})
    ]
    assert len({plan_of(one).methods["fusion"]["liver"].canonical() for one in settings}) == 1


@pytest.mark.parametrize(
    "swapped",
    [
        {
            "training": {
                **SMOKE["training"],
                "liver": {**SMOKE["training"]["liver"], "momentum": 0.5, "decay_factor": 0.9},
            }
        },
        {"backbones": {"dense": SMOKE["backbones"]["plain"], "plain": SMOKE["backbones"]["dense"]}},
        {"samples": {"count": 11, "seed": 2}},
        {
            "window": {"low": -250, "high": 250},
            "postprocessing": {"liver": {"max_distance": 1}, "lesion": {"min_area": 200}},
        },
    ],
    ids=["of one group", "of two backbones", "of a figure", "of two groups"],
)
def test_values_that_change_places_are_noticed(finished: Finished, swapped: dict[str, Any]) -> None:
    assert finished.would_run(SMOKE | swapped)


# Every module.


ENTRY = {
    "arch": "from hepaflow.networks.network import build_network; "
    "from hepaflow.settings.network import NetworkSettings; "
    "build_network(NetworkSettings(arch={0!r}, weights='none')); import hepaflow.sampling.slices",
    "preprocessing": "import hepaflow.preprocessing.{0}",
    "": "",
}
"""What a script runs besides its imports, for the entries of tables that its job's settings name."""


def entry_of(job: Planned) -> tuple[str, str]:
    """Return which entry decides the modules that a job loads."""
    if "network" in job.wildcards:
        return "arch", ARCHS[job.wildcards["network"]]
    if "data" in job.wildcards:
        return "preprocessing", f"{job.wildcards['data'].partition('-')[0]}_slices"
    return "", ""


def importing(script: Path, entry: tuple[str, str], scripts: Path) -> set[str]:
    """Return the modules that Python itself loads when it runs a script's imports, and those of an entry."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    lines = [ast.unparse(node) for node in imports if "hepaflow.jobs" not in ast.unparse(node)]
    table, name = entry
    lines += [
        ENTRY[table].format(name),
        "import json, sys",
        "print(json.dumps([name for name in sys.modules if name.startswith('hepaflow')]))",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        env={**os.environ, "PYTHONPATH": str(scripts)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return set(found)


NETWORKS = {**SMOKE["backbones"], **{name: method["network"] for name, method in SMOKE["methods"].items()}}
ARCHS = {name: network["arch"] for name, network in NETWORKS.items()}


@pytest.fixture(scope="module")
def reach() -> dict[tuple[str, str], set[str]]:
    """Return the modules that each script loads, by the entry that its job's settings name."""
    archs, kinds = sorted(set(ARCHS.values())), ("liver_slices", "lesion_slices")
    entries = {
        **{script: [("arch", arch) for arch in archs] for script in ("train", "predict")},
        "preprocess": [("preprocessing", kind) for kind in kinds],
    }
    pairs = [
        (script, entry)
        for script in sorted((ROOT / SCRIPTS).glob("*.py"))
        for entry in entries.get(script.stem, [("", "")])
    ]
    with ThreadPoolExecutor(2) as pool:
        loaded = pool.map(lambda pair: importing(*pair, ROOT / SCRIPTS), pairs)
        return {(script.stem, entry[1]): names for (script, entry), names in zip(pairs, loaded, strict=True)}


def module_of(path: Path) -> str:
    parts = path.relative_to(SCRIPTS).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = sorted(path.relative_to(ROOT) for path in (ROOT / SCRIPTS / "hepaflow").rglob("*.py"))
AT_ONCE = 12
"""Modules that are changed together: the reasons of a job name each of them, and a plan takes a second or two."""


@pytest.mark.parametrize("first", range(0, len(MODULES), AT_ONCE), ids=lambda first: module_of(MODULES[first]))
def test_modules_rerun_exactly_the_scripts_that_reach_them(
    finished: Finished, reach: dict[tuple[str, str], set[str]], first: int
) -> None:
    chosen = MODULES[first : first + AT_ONCE]
    with changed(finished, chosen):
        planned = finished.planned()
    modules = [module_of(path) for path in chosen]
    told = {module: {name_of(job) for job in planned if module in told_of(job)} for module in modules}
    assert told == {module: users_of(module, planned, reach) for module in modules}
    users = set().union(*told.values())
    for job in planned:  # whatever else runs follows from these
        if job.runs and name_of(job) not in users:
            assert job.reasons
            assert all(reason.startswith("follows from: ") for reason in job.reasons)
    assert bool(users) == any(job.runs for job in planned)


def test_modules_that_no_script_reaches_rerun_nothing(
    finished: Finished, reach: dict[tuple[str, str], set[str]]
) -> None:
    planned = finished.planned()
    chosen = [path for path in MODULES if not users_of(module_of(path), planned, reach)]
    assert len(chosen) > 30
    with changed(finished, chosen):
        assert finished.would_run() == NOTHING


@contextmanager
def changed(finished: Finished, modules: list[Path]) -> Iterator[None]:
    """Add a line to each of some modules."""
    kept = {finished.folder / path: (finished.folder / path).read_text(encoding="utf-8") for path in modules}
    for file, text in kept.items():
        file.write_text(text + "\n_CHANGED = 1\n", encoding="utf-8")
    try:
        yield
    finally:
        for file, text in kept.items():
            file.write_text(text, encoding="utf-8")


def told_of(job: Planned) -> list[str]:
    """Return the modules and scripts that a job's reasons name."""
    return [name for reason in job.reasons if reason.startswith("code: ") for name in reason[6:].split(", ")]


def name_of(job: Planned) -> tuple[str, ...]:
    return (job.rule, *job.wildcards.values())


def users_of(module: str, planned: list[Planned], reach: dict[tuple[str, str], set[str]]) -> set[tuple[str, ...]]:
    """Return the jobs whose scripts load a module when they run, and are to run again when it changes."""
    if f"{module}.".startswith("hepaflow.settings."):
        return set()
    return {name_of(job) for job in planned if module in reach[job.rule, entry_of(job)[1]]}


WITHOUT_JOBS = {"adopt", "evaluate_given", "segment", "present", "average"}
"""Rules without a job in the smoke run, which has no segmentations by others, new exams and averages of maps: they
are in `test_other_systems.py`, below, and in `test_added_methods.py`."""


def test_every_script_is_reached_by_a_change_of_its_own(finished: Finished) -> None:
    for script in sorted((finished.folder / SCRIPTS).glob("*.py")):
        before = script.read_text(encoding="utf-8")
        script.write_text(before + "\n_CHANGED = 1\n", encoding="utf-8")
        try:
            planned = finished.planned()
        finally:
            script.write_text(before, encoding="utf-8")
        told = {job.rule for job in planned if f"code: {script.name}" in job.reasons}
        assert told == {script.stem} - WITHOUT_JOBS


def test_a_file_of_the_viewers_page_reruns_the_viewers(finished: Finished) -> None:
    files = [path for path in (finished.folder / SCRIPTS / "hepaflow/viewer").iterdir() if path.suffix != ".py"]
    assert len(files) > 2
    for path in files:
        before = path.read_text(encoding="utf-8")
        path.write_text(before + "\n", encoding="utf-8")
        try:
            assert finished.would_run() == names("viewer.test provenance") | OF_THE_RUN
        finally:
            path.write_text(before, encoding="utf-8")


def test_a_file_of_the_pages_reruns_the_pages(finished: Finished) -> None:
    files = [path for path in (finished.folder / SCRIPTS / "hepaflow/pages").iterdir() if path.suffix != ".py"]
    assert len(files) > 4
    for path in files:
        before = path.read_text(encoding="utf-8")
        path.write_text(before + "\n", encoding="utf-8")
        try:
            assert finished.would_run() == TABLES_OF_STRUCTURES | OF_THE_RUN
        finally:
            path.write_text(before, encoding="utf-8")


# Every table of entries, and every group of settings.


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


ENTRIES = {
    "ARCHITECTURES": ("networks/registry.py", '"unet": _unet,'),
    "DECODERS": ("networks/registry.py", '"unet": _unet_decoder,'),
    "OPTIMISERS": ("training/optimisers.py", '"sgd": _sgd,'),
    "SCHEDULES": ("training/schedules.py", '"poly": _poly,'),
    "AUGMENTATIONS": ("training/augmentations.py", '"noise": _noise,'),
    "AVERAGES": ("training/averages.py", '"ema": _ema'),
    "LOSSES": ("training/losses.py", '"dice": _soft_dice,'),
    "PREPROCESSING": ("preprocessing/registry.py", '"liver_slices": _liver_slices,'),
    "SAMPLINGS": ("sampling/registry.py", '"slices": _slices'),
    "POSTPROCESSING": ("masks/postprocess.py", '"near_largest": _near_largest,'),
    "ANATOMIES": ("phantoms/rendering.py", '"abdomen": _abdomen,'),
    "DRAWN": ("sampling/registry.py", '"trunk": _trunk'),
}
"""For each table its module, and the entry before which a new one is put."""
NEW_ENTRY = """
from string import capwords

_KIND = 3


def _new(*given: object) -> object:
    return capwords(str(given))[_KIND]


"""
"""What a new entry takes: an import, a constant and a function of its own."""
LINES: dict[str, tuple[tuple[str, str, str], set[str]]] = {
    "an architecture": (
        ("networks/registry.py", "    return UNet(channels)", "    return UNet(*(channels,))"),
        {f"{rule}.{name}" for rule in ("train", "predict") for name in ("plain", "untrained", "apart")},
    ),
    "an architecture that none uses": (
        ("networks/registry.py", "_on(Inception, settings, channels)", "_on(Inception, settings, 1)"),
        set(),
    ),
    "an optimiser that none uses": (("training/optimisers.py", "betas=chosen.betas, ", ""), set()),
    "an augmentation that none uses": (("training/augmentations.py", "moved(image, 1)", "moved(image, 3)"), set()),
    "the entry of a loss": (
        ("training/losses.py", '"dice": _soft_dice', '"dice": abs'),
        {"train.apart"},
    ),
    "a loss that all use": (
        ("training/losses.py", "(found + there + 1)", "(found + there + 2)"),
        {f"train.{name}" for name in NETWORKS},
    ),
    "a kind of preprocessed data": (
        ("preprocessing/registry.py", "slices lie around a region", "slices lie in a region"),
        {"preprocess.lesion", "preprocess.lesion-apart", "segment"},
    ),
    "a sampling": (
        ("sampling/registry.py", "    return SliceBySlice()", "    return SliceBySlice(*())"),
        {f"{rule}.{name}" for rule in ("train", "predict") for name in SMOKE["backbones"]} | {"segment"},
    ),
    "another sampling": (
        ("sampling/registry.py", "SliceBySlice(settings.slices)", "SliceBySlice(int(settings.slices))"),
        {"train.apart", "predict.apart"},
    ),
    "a step of post-processing": (
        ("masks/postprocess.py", "near & large", "large & near"),
        {"postprocess.liver", "segment"},
    ),
    "an anatomy that none uses": (
        ("phantoms/rendering.py", "return Drawn(*draw_exam", "return 1 and Drawn(*draw_exam"),
        set(),
    ),
    "another step of post-processing": (
        ("masks/postprocess.py", "keep[0] = False", "keep[0] = 0"),
        {"postprocess.lesion", "segment"},
    ),
}
"""A changed line of an entry, and the jobs that use the entry, by network, data or stage."""


def test_every_table_is_tried() -> None:
    assert set(ENTRIES) == set(TABLES.values())


@pytest.mark.parametrize("table", ENTRIES)
def test_a_new_entry_reruns_nothing(with_new_exam: Finished, table: str) -> None:
    """Also nothing of the new exam, which goes through the whole plan in one job."""
    module, entry = ENTRIES[table]
    with (
        edited(with_new_exam, module, entry, f'"new": _new, {entry}'),
        edited(with_new_exam, module, f"\n{table}: ", f"{NEW_ENTRY}{table}: "),
    ):
        assert with_new_exam.would_run() == NOTHING


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_an_entry_reruns_exactly_its_users(with_new_exam: Finished, line: str) -> None:
    change, users = LINES[line]
    with edited(with_new_exam, *change):
        planned = with_new_exam.planned()
    told = {user(job) for job in planned if any(reason.startswith("code: ") for reason in job.reasons)}
    if line == "an architecture":  # fused networks of it segment the new exam
        users = users | {"segment"}
    assert told == users
    assert bool(users) == any(job.runs for job in planned)


def user(job: Planned) -> str:
    part = next((job.wildcards[name] for name in ("network", "data", "stage") if name in job.wildcards), "")
    return f"{job.rule}.{part}" if part else job.rule


SETTINGS = sorted(
    (path.name, node.name)
    for path in (ROOT / SCRIPTS / "hepaflow/settings").glob("*.py")
    for node in ast.parse(path.read_text(encoding="utf-8")).body
    if isinstance(node, ast.ClassDef) and node.name != "SettingsModel"
)


def test_a_new_key_that_is_null_reruns_nothing(with_new_exam: Finished) -> None:
    """One in every group of settings at once: each would be seen by what reads it."""
    folder = with_new_exam.folder / SCRIPTS / "hepaflow/settings"
    kept = {path: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    field = '    new_key: "int | None" = None\n    """New."""\n'
    assert len(SETTINGS) > 25
    try:
        for path, text in kept.items():
            lines = text.splitlines(keepends=True)
            groups = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
            for node in reversed([one for one in groups if (path.name, one.name) in SETTINGS]):
                lines.insert(node.end_lineno or 0, field)
            path.write_text("".join(lines), encoding="utf-8")
        ended = Checkout(with_new_exam.folder).snakemake(
            "--dry-run", "--quiet", "rules", config="config/smoke.yaml"
        )
        assert ended.returncode == 0, ended.stdout
        assert "Nothing to be done" in ended.stdout
    finally:
        for path, text in kept.items():
            path.write_text(text, encoding="utf-8")


# New exams: the networks, and what is written of what they find.


@pytest.fixture(scope="module")
def with_new_exam(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Return a copy of the finished run that has segmented a new exam; tests leave it as it was."""
    made = Finished(tmp_path_factory.mktemp("new") / "run")
    shutil.copytree(finished.folder, made.folder, copy_function=shutil.copy2)
    shutil.copy(made.folder / "data/phantoms/three.image.nii.gz", made.folder / "data/phantoms/mine.nii.gz")
    sheet = made.folder / "config/exams/smoke.tsv"
    sheet.write_text(sheet.read_text() + "mine\tmine.nii.gz\t\tnew\n")
    ended = Checkout(made.folder).snakemake()
    assert ended.returncode == 0, ended.stdout
    assert made.would_run() == NOTHING
    return made


PRESENTED = names("present")
SEGMENTED = names("segment present")
OF_NEW_EXAMS = {
    "a colour": (("colours.py", '"#009e73"', '"#009e74"'), PRESENTED),
    "the page": (("segment/report/page.py", "_SLICES = 8", "_SLICES = 9"), PRESENTED),
    "a file of the page": (("segment/report/page.html", "<h2>Slices</h2>", "<h2>Some slices</h2>"), PRESENTED),
    "what all pages share": (("web/base.html", "</body>", "</body >"), PRESENTED),
    "DICOM": (("dicom/overlay.py", "_OBLIQUE = 0.1", "_OBLIQUE = 0.2"), PRESENTED),
    "outside of the liver": (("segment/outside_liver.py", "MARGIN_MM = 10.0", "MARGIN_MM = 11.0"), PRESENTED),
    "doubts": (("segment/doubts.py", "ROOM_OF_HU = 10", "ROOM_OF_HU = 11"), PRESENTED),
    # The notes of a result hold it against the surveys of the training exams.
    "what checks labels": (("exams/survey.py", "_VALUES_OF_A_MASK = 3", "_VALUES_OF_A_MASK = 4"), PRESENTED),
    "scores": (
        ("evaluation/metrics/overlap.py", "import numpy as np\n", "import numpy as np\n\n_CHANGED = 1\n"),
        PRESENTED,  # the page tells the model's Dice
    ),
    "reading": (("segment/source.py", "_LEAST_RANGE = 100", "_LEAST_RANGE = 101"), SEGMENTED),
    "the file between": (
        ("segment/segmented.py", '_HEADER = "header"', '_HEADER = "head"'),
        SEGMENTED,
    ),
    "the networks": (("model/segmenter.py", "import torch\n", "import torch\n\n_CHANGED = 1\n"), SEGMENTED),
}
"""A changed line, and which jobs of a new exam follow from it; whatever else does."""


@pytest.mark.parametrize("line", OF_NEW_EXAMS)
def test_a_line_reruns_what_follows_of_a_new_exam(with_new_exam: Finished, line: str) -> None:
    (module, old, new), expected = OF_NEW_EXAMS[line]
    with edited(with_new_exam, module, old, new):
        found = with_new_exam.would_run()
    assert found & SEGMENTED == expected
    assert found  # of the run's own exams at least, where of the new one nothing does


def test_a_new_exam_that_lies_elsewhere_is_the_same(with_new_exam: Finished) -> None:
    """The file is renamed; the exam keeps its name."""
    data, sheet = with_new_exam.folder / "data/phantoms", with_new_exam.folder / "config/exams/smoke.tsv"
    text = sheet.read_text()
    (data / "mine.nii.gz").rename(data / "renamed.nii.gz")
    sheet.write_text(text.replace("mine.nii.gz", "renamed.nii.gz"))
    try:
        assert with_new_exam.would_run() == NOTHING
    finally:
        (data / "renamed.nii.gz").rename(data / "mine.nii.gz")
        sheet.write_text(text)


def test_another_content_of_a_new_exam_segments_it_again(with_new_exam: Finished) -> None:
    path = with_new_exam.folder / "data/phantoms/mine.nii.gz"
    before = path.read_bytes()
    longer(path)
    try:
        assert with_new_exam.would_run() == SEGMENTED
    finally:
        path.write_bytes(before)


# What is no change.


def test_nothing_has_changed(finished: Finished) -> None:
    assert finished.would_run() == set()


def test_touching_every_file_reruns_nothing(finished: Finished) -> None:
    for folder in ("data", "results", "workflow", "config"):
        for path in sorted((finished.folder / folder).rglob("*"), reverse=True):
            path.touch()
    assert finished.would_run() == set()


def test_a_fresh_clone_over_existing_results_reruns_nothing(finished: Finished, tmp_path: Path) -> None:
    clone = checkout(tmp_path / "clone").folder
    for part in ("results", "data", ".snakemake"):
        shutil.copytree(finished.folder / part, clone / part)  # with new times
    shutil.copy(clone / "config/exams/smoke.tsv", clone / "config/exams/copy.tsv")
    assert Finished(clone).would_run() == set()


def test_comments_docstrings_and_formatting_rerun_nothing(finished: Finished) -> None:
    scripts = finished.folder / SCRIPTS
    kept = {path: path.read_text(encoding="utf-8") for path in scripts.rglob("*.py")}
    try:
        for path, text in kept.items():
            # Parsed and written anew: other quotes, brackets and line breaks, and no comment at all.
            path.write_text("# A comment.\n\n" + ast.unparse(ast.parse(text)) + '\n"""Said after."""\n')
        assert finished.would_run() == set()
    finally:
        for path, text in kept.items():
            path.write_text(text, encoding="utf-8")


def test_the_order_of_keys_reruns_nothing(finished: Finished) -> None:
    def reversed_keys(tree: Any) -> Any:
        if isinstance(tree, dict):
            return {key: reversed_keys(tree[key]) for key in reversed(tree)}
        return tree

    path = finished.folder / "config/changed.yaml"
    path.write_text(yaml.safe_dump(reversed_keys(SMOKE), sort_keys=False))
    assert not any(job.runs for job in plan(finished.folder, str(path)))


@pytest.mark.parametrize("cores", ["1", "7"])
def test_other_thread_and_job_counts_rerun_nothing(finished: Finished, cores: str) -> None:
    config = SMOKE | {"compute": {"accelerator": "auto", "workers": 3, "devices": 2, "channels_last": True}}
    (finished.folder / "config/smoke.yaml").write_text(yaml.safe_dump(config))
    try:
        assert Checkout(finished.folder).planned("--cores", cores) == {}
    finally:
        (finished.folder / "config/smoke.yaml").write_text(yaml.safe_dump(SMOKE))


def test_a_caption_reruns_the_report_alone(finished: Finished) -> None:
    path = finished.folder / "workflow/report/figure_dice.rst"
    before = path.read_text()
    path.write_text(before + "\nOne more sentence.\n")
    assert finished.would_run() == {"html_report"}
    path.write_text(before)
    assert finished.would_run() == set()


# Files of exams.


TRAINED_ON = names("survey.train data_card preprocess.liver.train preprocess.lesion.train") | ALL_NETWORKS
FILES = {
    "data/phantoms/one.image.nii.gz": TRAINED_ON,
    "data/phantoms/one.label.nii.gz": TRAINED_ON,
    "data/phantoms/three.image.nii.gz": names("survey.test data_card preprocess.liver.test predict.liver.test")
    | LIVER_CLEAN
    | APART,
    # Only what scores and shows it reads the reference of a test exam.
    "data/phantoms/three.label.nii.gz": names("survey.test data_card") | OVERLAP | SCORES - names("restore.test"),
    "LICENSE": names("bundle provenance") | OF_THE_RUN,
    "workflow/report/figure_dice.rst": names("html_report"),
    "workflow/report/report.css": names("html_report"),
    # Captions of tables stand on their pages, too.
    "workflow/report/table_dice.rst": names("pages_of_run html_report") | TABLES_OF_STRUCTURES,
}
"""Files that no job makes, and what reads them. Others' segmentations are tried in `test_other_systems.py`, files
of weights and new exams in the tests of faults."""
REAL = SMOKE | {"phantoms": None}
OF_REAL_EXAMS = names("table_literature bundle provenance") | TABLES_OF_STRUCTURES | CONFIGURATION
"""What says that exams are phantoms, or is beside phantoms alone; the model says what it was trained on."""
LONG_AGO = 10**9


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"more")


def older(path: Path) -> None:
    """Put another content in the place of a file as `cp -p`, `rsync -a` and `tar` do: with an old time."""
    other = path.with_name("other")
    other.write_bytes(path.read_bytes()[:-1] + b"?")
    os.utime(other, (LONG_AGO, LONG_AGO))
    shutil.copy2(other, path)
    other.unlink()


def linked(path: Path) -> None:
    """Put a link to another, older file in the place of a file; the link is as old, or its own time would tell."""
    other = path.with_name("other")
    other.write_bytes(path.read_bytes()[:-1] + b"?")
    os.utime(other, (LONG_AGO, LONG_AGO))
    path.unlink()
    path.symlink_to(other.resolve())
    os.utime(path, (LONG_AGO, LONG_AGO), follow_symlinks=False)


@pytest.fixture(scope="module")
def real(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Return a copy of the finished run whose phantoms are a user's exams; tests leave them as they were."""
    made = Finished(tmp_path_factory.mktemp("real") / "run")
    shutil.copytree(finished.folder, made.folder, copy_function=shutil.copy2)
    assert made.would_run(REAL) == OF_REAL_EXAMS
    return made


@pytest.mark.parametrize("change", [longer, older, linked])
@pytest.mark.parametrize("file", FILES)
def test_another_content_reruns_what_reads_it_whatever_its_time(
    real: Finished, file: str, change: Callable[[Path], None]
) -> None:
    path = real.folder / file
    shutil.copy2(path, path.with_name("before"))
    try:
        change(path)
        planned = real.planned(REAL)
    finally:
        path.unlink()
        path.with_name("before").rename(path)
        path.with_name("other").unlink(missing_ok=True)
    assert {label(job) for job in planned if job.runs} == FILES[file] | OF_REAL_EXAMS
    told = {job.rule for job in planned if any(file in reason for reason in job.reasons)}
    assert told == {job.rule for job in planned if job.runs and f"changed: {file}" in job.reasons}
    assert told


def test_another_reference_scores_its_exam_anew_by_every_method_and_no_other_exam(real: Finished) -> None:
    path = real.folder / "data/phantoms/three.label.nii.gz"
    shutil.copy2(path, path.with_name("before"))
    try:
        longer(path)
        planned = real.planned(REAL)
    finally:
        path.with_name("before").replace(path)
    rules = ("evaluate", "overlap", "uncertainty")
    scored = [(job.rule, *job.wildcards.values()) for job in planned if job.runs and job.rule in rules]
    expected = [("evaluate", method, "three") for method in (*NETWORKS, "fusion")]
    assert sorted(scored) == [*sorted(expected), ("overlap", "three"), ("uncertainty", "three")]


@pytest.mark.parametrize(
    "spelling",
    [
        {"data": "data/phantoms/"},
        {"data": "./data//phantoms"},
        {"data": "{folder}/data/phantoms"},
        {"data": "copy"},
    ],
    ids=str,
)
def test_the_same_content_at_another_path_reruns_nothing(real: Finished, spelling: dict[str, str]) -> None:
    """Also in a folder of its own, with new times."""
    if not (real.folder / "copy").exists():
        shutil.copytree(real.folder / "data/phantoms", real.folder / "copy", copy_function=shutil.copy)
    config = REAL | {key: value.format(folder=real.folder) for key, value in spelling.items()}
    assert real.would_run(config) == OF_REAL_EXAMS


def test_absolute_paths_in_the_sheet_name_the_same_files(real: Finished) -> None:
    """For every rule that reads an exam: none has a way of its own to the folder of the exams."""
    data = real.folder / "data/phantoms"
    rows = [
        f"{exam}\t{data}/{exam}.image.nii.gz\t{data}/{exam}.label.nii.gz\t{split}\n"
        for exam, split in EXAMS.items()
    ]
    sheet = real.folder / "config/exams/absolute.tsv"
    sheet.write_text("exam\timage\tlabel\tsplit\n" + "".join(rows))
    jobs = real.planned(REAL | {"exams": str(sheet.relative_to(real.folder))})
    assert {label(job) for job in jobs if job.runs} == OF_REAL_EXAMS
    of_test_exams = {
        os.path.realpath(data / f"{exam}.{kind}.nii.gz")
        for exam, split in EXAMS.items()
        if split == "test"
        for kind in ("image", "label")
    }
    samples = [job for job in jobs if job.rule == "figure_samples"]
    assert len(samples) == 2
    for job in samples:
        assert of_test_exams <= {os.path.realpath(real.folder / path) for path in job.inputs}


@pytest.mark.parametrize(
    "spelling",
    ["./results/smoke", "results/smoke/", "results//smoke", "{folder}/results/smoke", "results/../results/smoke"],
)
def test_results_have_one_spelling(finished: Finished, spelling: str) -> None:
    results = {"results": spelling.format(folder=finished.folder)}
    assert finished.would_run(SMOKE | results) == set()
    key = "postprocessing.lesion.min_area"
    value, expected = following(key)
    assert finished.would_run(with_value(key, value) | results) == expected


def test_results_that_a_link_names_are_known_by_the_name_that_made_them(
    finished: Finished, tmp_path: Path
) -> None:
    clone = Finished(tmp_path / "run")
    shutil.copytree(finished.folder, clone.folder, copy_function=shutil.copy2)
    (clone.folder / "linked").symlink_to("results")
    key = "postprocessing.lesion.min_area"
    value, expected = following(key)
    assert clone.would_run(SMOKE | {"results": "linked/smoke"}) == set()
    assert clone.would_run(with_value(key, value) | {"results": "linked/smoke"}) == expected


def test_every_input_that_no_job_makes_is_checked_at_start(real: Finished) -> None:
    """From one list: what stands in it is what jobs read, and no more."""
    sheet = real.folder / "config/exams/new.tsv"
    sheet.write_text((real.folder / "config/exams/smoke.tsv").read_text() + "five\tnew.nii.gz\t\tnew\n")
    shutil.copy(real.folder / "data/phantoms/one.image.nii.gz", real.folder / "data/phantoms/new.nii.gz")
    (real.folder / "w.pth").touch()
    config = with_value("backbones.NAME.weights", "w.pth") | {
        "phantoms": None,
        "exams": "config/exams/new.tsv",
        "predictions": {"reader": {"folder": "given"}},
    }
    jobs = real.planned(config)
    made = {path for job in jobs for path in job.products}
    read = {path for job in jobs for path in job.inputs if path not in made}
    settings = read_settings(config | {"data": str(real.folder / "data/phantoms")})
    parts = {"LICENSE", *(f"workflow/report/{path.name}" for path in (ROOT / "workflow/report").iterdir())}
    listed = {one.path for one in Inputs(settings, plan_of(settings), read_sheet(sheet))}
    assert {os.path.realpath(real.folder / path) for path in read - parts} == {
        os.path.realpath(real.folder / os.path.relpath(path, Path.cwd()) if not os.path.isabs(path) else path)
        for path in listed
    }
    assert parts <= read


def test_files_of_what_is_gone_are_told_and_removed_on_request(finished: Finished, tmp_path: Path) -> None:
    clone = Finished(tmp_path / "run")
    shutil.copytree(finished.folder, clone.folder, copy_function=shutil.copy2)
    less = SMOKE | {"backbones": {"dense": BACKBONES["dense"]}}
    assert prune(clone, SMOKE) == "Nothing is left over from earlier runs."
    listed = prune(clone, less)
    for name in (
        "models/liver/plain.safetensors",
        "segmentations/plain/three.nii.gz",
        "metrics/plain/three.csv",
        "logs/evaluate/plain.three.log",
        "logs/train/liver.plain.log",
    ):
        assert f"results/smoke/{name}" in listed
        assert (clone.folder / "results/smoke" / name).exists()
    assert "dense.safetensors" not in listed
    assert "metrics/dense" not in listed
    assert "Nothing was removed" in listed
    others = clone.folder / "results/smoke/models/liver/mine.txt"
    others.touch()
    assert "Removed" in prune(clone, less, "--remove")
    assert not [path for path in (clone.folder / "results").rglob("*plain*") if path.is_file()]
    assert others.exists()
    assert prune(clone, less) == "Nothing is left over from earlier runs."
    assert {label(job) for job in clone.planned(less) if job.runs} == set(HEADLINES["one backbone fewer"][1])


def prune(run: Finished, config: dict[str, Any], *arguments: str) -> str:
    (run.folder / "config/changed.yaml").write_text(yaml.safe_dump(config))
    chosen = ["--configfile", "config/changed.yaml", "--directory", str(run.folder), *arguments]
    done = subprocess.run(
        [sys.executable, ROOT / "workflow/prune.py", *chosen],
        cwd=run.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


# Phantoms in the place of a user's own exams.


@pytest.mark.parametrize("arguments", [(), ("--dry-run",), ("--forcerun", "phantom"), ("--forceall",)], ids=str)
def test_no_phantom_takes_the_place_of_a_users_exam(fresh: Checkout, arguments: tuple[str, ...]) -> None:
    own = fresh.folder / "data/phantoms/four.image.nii.gz"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"an exam of a patient")
    ended = fresh.snakemake(*arguments)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stdout
    for words in ("exam: four", f"file: data/phantoms/{own.name}", "no phantom job has made", "`phantoms: null`"):
        assert words in ended.stdout
    assert [path.name for path in own.parent.iterdir()] == [own.name]
    assert own.read_bytes() == b"an exam of a patient"


@pytest.mark.parametrize("lost", ["nothing", "records", "results", "notes of Snakemake"])
def test_an_exam_that_took_a_phantoms_place_is_kept(finished: Finished, tmp_path: Path, lost: str) -> None:
    run = Checkout(tmp_path / "run")
    shutil.copytree(finished.folder, run.folder, copy_function=shutil.copy2)
    gone = {"records": "results/smoke/records/phantom", "results": "results", "notes of Snakemake": ".snakemake"}
    if lost in gone:
        shutil.rmtree(run.folder / gone[lost])
    own = run.folder / "data/phantoms/four.image.nii.gz"
    own.write_bytes(b"an exam of a patient")
    ended = run.snakemake("--forcerun", "phantom")
    assert ended.returncode == 1
    assert "no phantom job has made" in ended.stdout
    assert own.read_bytes() == b"an exam of a patient"


def test_two_changes_at_once_are_both_noticed(finished: Finished, tmp_path: Path) -> None:
    """Also where one is of the survey, which comes before everything else and on which no network depends."""
    clone = tmp_path / "run"
    shutil.copytree(finished.folder, clone, copy_function=shutil.copy2)
    helper = clone / SCRIPTS / "hepaflow/exams/survey.py"
    helper.write_text(helper.read_text() + "\n_CHANGED = 1\n")
    expected = names("survey.train survey.test data_card") | LESION_NETWORKS | PLAN
    assert Finished(clone).would_run(with_value("training.lesion.epochs", 9)) == expected


# The headline cases, job by job.

BACKBONES = SMOKE["backbones"]
PAGES = {
    "summarise": 1,
    "tables.liver": 1,
    "tables.lesion": 1,
    "table_literature": 1,
    "figure_dice.liver": 1,
    "figure_dice.lesion": 1,
    "figure_samples.liver": 1,
    "figure_samples.lesion": 1,
    "viewer.test": 2,
    "figure_agreement.liver": 1,
    "figure_agreement.lesion": 1,
    "lesions.test": 2,
    "figure_detection": 1,
    "provenance": 1,
    "pages_of_run": 1,
    "pages_of_structure.liver": 1,
    "pages_of_structure.lesion": 1,
    "summary": 1,
    "html_report": 1,
}
TOLD = {"table_configuration": 1, "table_plan": 1}
SCORE_JOBS = {
    **PAGES,
    "bundle": 1,  # of the fusion
    "restore.test": 8,  # the fusion and what is fused, two test exams
    "evaluate.test": 8,
    "uncertainty.test": 2,
    "figure_extremes.liver": 1,
    "figure_extremes.lesion": 1,
    "figure_uncertainty.liver": 1,
    "figure_uncertainty.lesion": 1,
}
EVALUATION_JOBS = {**SCORE_JOBS, "overlap.test": 2, "figure_overlap.liver": 1, "figure_overlap.lesion": 1}
EVERY_METHOD = {"restore.test": 10, "evaluate.test": 10}
LESION_FUSED = {
    "fit_fusion.lesion": 1,
    "figure_weights": 1,
    "table_weights": 1,
    "fuse.lesion.test": 1,
}
LESION_MAPS = {"disagreement.lesion.test": 2}
MAPS = {"disagreement.liver.test": 2, **LESION_MAPS}
HEADLINES: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "one backbone's epochs for the lesion stage": (
        {"backbones": {**BACKBONES, "dense": {**BACKBONES["dense"], "training": {"lesion": {"epochs": 2}}}}},
        {
            "train.lesion": 1,
            "figure_training.lesion": 1,
            "table_networks": 1,
            "predict.lesion.train": 1,
            "predict.lesion.test": 1,
            "postprocess.lesion.test": 2,  # its own masks and the fused ones
            **LESION_FUSED,
            **LESION_MAPS,
            **EVALUATION_JOBS,
            **TOLD,
            "restore.test": 4,  # the other backbones' segmentations and scores stay
            "evaluate.test": 4,
        },
    ),
    "one backbone's architecture": (
        {"backbones": {**BACKBONES, "dense": {"arch": "densenet169", "weights": "none"}}},
        {
            "train.liver": 1,
            "figure_training.liver": 1,
            "predict.liver.train": 1,
            "predict.liver.test": 1,
            "fit_fusion.liver": 1,
            "fuse.liver.test": 1,
            "postprocess.liver.test": 2,
            "preprocess.lesion.test": 2,  # their volume of interest; the training exams' comes from the reference
            "train.lesion": 1,  # starts from the liver network
            "figure_training.lesion": 1,
            "table_networks": 1,
            "predict.lesion.train": 1,
            "predict.lesion.test": 3,
            "postprocess.lesion.test": 4,
            **LESION_FUSED,
            **MAPS,
            **EVALUATION_JOBS,
            **TOLD,
        },
    ),
    "the fusion's learning rate": (
        {"fusion": {"sgd": {"learning_rate": 5.0}}},
        {
            "fit_fusion.liver": 1,
            "fuse.liver.test": 1,
            "postprocess.liver.test": 1,
            "preprocess.lesion.test": 2,
            "predict.lesion.test": 3,
            "postprocess.lesion.test": 4,
            **LESION_FUSED,
            **LESION_MAPS,
            **EVALUATION_JOBS,
            **TOLD,
        },
    ),
    "a threshold of the liver's post-processing": (
        {"postprocessing": {"liver": {"min_area_ratio": 0.5}, "lesion": {"min_area": 8}}},
        {
            "postprocess.liver.test": 4,  # the method beside the backbones has steps of its own
            "fuse.liver.test": 1,
            "preprocess.lesion.test": 2,
            "predict.lesion.test": 3,
            "postprocess.lesion.test": 4,
            "fuse.lesion.test": 1,
            **MAPS,
            **EVALUATION_JOBS,
            **TOLD,
        },
    ),
    "a threshold of the lesions' post-processing": (
        {"postprocessing": {"lesion": {"min_area": 4}}},
        {"postprocess.lesion.test": 4, "fuse.lesion.test": 1, **LESION_MAPS, **SCORE_JOBS, **TOLD},
    ),
    "CLAHE's clip limit": (
        {"contrast": {"clip_limit": 0.03}},
        {
            "preprocess.lesion.train": 2,
            "preprocess.lesion.test": 2,
            "preprocess.lesion-apart.test": 2,
            "train.lesion": 4,
            "figure_training.lesion": 1,
            "table_networks": 1,
            "predict.lesion.train": 3,
            "predict.lesion.test": 4,
            "postprocess.lesion.test": 5,
            **LESION_FUSED,
            **LESION_MAPS,
            **EVALUATION_JOBS,
            **TOLD,
            **EVERY_METHOD,
        },
    ),
    "one more backbone": (
        {"backbones": {**BACKBONES, "third": {"arch": "resnet50", "weights": "none"}}},
        {
            "train.liver": 1,
            "figure_training.liver": 1,
            "predict.liver.train": 1,
            "predict.liver.test": 1,
            "fit_fusion.liver": 1,
            "fuse.liver.test": 1,
            "postprocess.liver.test": 2,
            "preprocess.lesion.test": 2,
            "train.lesion": 1,
            "figure_training.lesion": 1,
            "table_networks": 1,
            "predict.lesion.train": 1,
            "predict.lesion.test": 4,
            "postprocess.lesion.test": 5,
            **LESION_FUSED,
            **MAPS,
            **EVALUATION_JOBS,
            **TOLD,
            "restore.test": 10,
            "evaluate.test": 10,
        },
    ),
    "one backbone fewer": (
        {"backbones": {name: BACKBONES[name] for name in ("dense", "plain")}},
        {
            "figure_training.liver": 1,
            "figure_training.lesion": 1,
            "table_networks": 1,
            "fit_fusion.liver": 1,
            "fuse.liver.test": 1,
            "postprocess.liver.test": 1,
            "preprocess.lesion.test": 2,
            "predict.lesion.test": 2,
            "postprocess.lesion.test": 3,
            **LESION_FUSED,
            **MAPS,
            **EVALUATION_JOBS,
            **TOLD,
            "restore.test": 6,
            "evaluate.test": 6,
        },
    ),
    "one more method beside the backbones": (
        {"methods": {**SMOKE["methods"], "more": {"network": {"arch": "resnet50", "weights": "none"}}}},
        {
            "train.liver": 1,
            "figure_training.liver": 1,
            "predict.liver.test": 1,
            "postprocess.liver.test": 1,
            "preprocess.lesion-more.test": 2,
            "train.lesion": 1,  # on the training exams' data that are there
            "figure_training.lesion": 1,
            "table_networks": 1,
            "predict.lesion.test": 1,
            "postprocess.lesion.test": 1,
            "restore.test": 2,
            "evaluate.test": 2,  # and no other method's scores
            **PAGES,
            **TOLD,
        },
    ),
    "segmentations by another system": (
        {"predictions": {"reader": {"folder": "given"}}},
        {
            "adopt.test": 2,
            "evaluate_given.test": 2,  # and no other method's scores
            **PAGES,
            **TOLD,
        },
    ),
}


MORE_EXAMS: dict[str, dict[str, int]] = {
    "test": {
        "phantom": 1,
        "survey": 1,
        "preprocess.liver": 1,
        "predict.liver.test": 4,  # one file holds the maps of all test exams
        "postprocess.liver.test": 5,
        "fuse.liver.test": 1,
        "preprocess.lesion": 1 + 2,
        "preprocess.lesion-apart": 1 + 2,
        "predict.lesion.test": 4,
        "postprocess.lesion.test": 5,
        "fuse.lesion.test": 1,
        **MAPS,
        **EVALUATION_JOBS,
        **EVERY_METHOD,
        "data_card": 1,
        "restore": 5,
        "evaluate": 5,
        "overlap": 1,
        "uncertainty": 1,
        "lesions": 1,
        "disagreement.liver": 1,
        "disagreement.lesion": 1,
        "viewer": 1,
    },
    "train": {
        "phantom": 1,
        "survey": 1,
        "preprocess.liver": 1,
        "preprocess.lesion": 1,
        "train.liver": 4,
        "train.lesion": 4,
        "figure_training.liver": 1,
        "figure_training.lesion": 1,
        "table_networks": 1,
        "predict.liver.train": 3,
        "predict.liver.test": 4,
        "predict.lesion.train": 3,
        "predict.lesion.test": 4,
        "fit_fusion.liver": 1,
        "fuse.liver.test": 1,
        "postprocess.liver.test": 5,
        "preprocess.lesion.test": 2,
        "preprocess.lesion-apart.test": 2,
        "postprocess.lesion.test": 5,
        **LESION_FUSED,
        **MAPS,
        **EVALUATION_JOBS,
        **EVERY_METHOD,
        "data_card": 1,
    },
}
"""What one more exam runs, by its split."""


@pytest.mark.parametrize("case", HEADLINES)
def test_headline_case_runs_exactly_these_jobs(finished: Finished, case: str) -> None:
    change, expected = HEADLINES[case]
    assert finished.jobs(SMOKE | change) == Counter(expected)


@pytest.mark.parametrize("split", MORE_EXAMS)
def test_one_more_exam_runs_exactly_these_jobs(finished: Finished, split: str) -> None:
    sheet = finished.folder / "config/exams/more.tsv"
    row = f"five\tfive.image.nii.gz\tfive.label.nii.gz\t{split}\n"
    sheet.write_text((finished.folder / "config/exams/smoke.tsv").read_text() + row)
    jobs = finished.jobs(SMOKE | {"exams": "config/exams/more.tsv"})
    if split == "test":  # the new exam has no split in the labels, the others have
        for data in ("preprocess.lesion", "preprocess.lesion-apart"):
            jobs[data] += jobs.pop(f"{data}.test")
    assert jobs == Counter(MORE_EXAMS[split])


# What failed.


def test_a_job_that_failed_runs_again_though_all_that_follows_from_it_is_there(finished: Finished) -> None:
    """As a failed job leaves it: without outputs and record. One job of every rule."""
    records = {}
    for path in sorted((finished.folder / "results/smoke/records").rglob("*.json")):
        record = json.loads(path.read_text())
        records[record["rule"]] = (path, record["outputs"])
    assert len(records) > 20
    for rule, (path, outputs) in records.items():
        made = [path, *(finished.folder / name for name in outputs)]
        for output in made:
            output.rename(output.with_name(output.name + ".away"))
        try:
            jobs = finished.would_run()
        finally:
            for output in made:
                output.with_name(output.name + ".away").rename(output)
        assert rule in {job.split(".")[0] for job in jobs}
        assert rule == "html_report" or "html_report" in jobs


# docs/reruns.md has the same numbers.

COLUMNS = {
    "preprocessing": ("preprocess",),
    "training": ("train",),
    "prediction": ("predict",),
    "fusion weights": ("fit_fusion",),
    "post-processing, fusing": ("postprocess", "fuse"),
}
PAGE_CASES = {
    **{case: jobs for case, (_, jobs) in HEADLINES.items()},
    **{
        f"one more exam to {purpose}": MORE_EXAMS[split]
        for split, purpose in (("test", "test"), ("train", "train on"))
    },
    "a caption of the report": {"html_report": 1},
}


def page_row(case: str, jobs: dict[str, int]) -> str:
    counts: Counter[str] = Counter()
    for name, count in jobs.items():
        counts[name.partition(".")[0]] += count
    cells = [sum(counts.pop(rule, 0) for rule in rules) for rules in COLUMNS.values()]
    return f"| {' | '.join([case, *(str(cell or '') for cell in cells), str(counts.total() or '')])} |"


@pytest.mark.parametrize("case", PAGE_CASES)
def test_page_says_these_numbers_of_jobs(case: str) -> None:
    assert page_row(case, PAGE_CASES[case]) in (ROOT / "docs/reruns.md").read_text().splitlines()


# When Snakemake's notes are lost.


def test_changes_are_told_even_where_snakemake_has_lost_its_notes(completed: Checkout, tmp_path: Path) -> None:
    clone = tmp_path / "moved"
    shutil.copytree(completed.folder, clone, copy_function=shutil.copy2)
    shutil.rmtree(clone / ".snakemake")  # then times are all it has: those of a run that nobody touched since
    key = "postprocessing.lesion.min_area"
    told = [job for job in Finished(clone).planned(with_value(key, 3)) if job.forgotten]
    # Of the jobs that read the key themselves: a model's bundle holds it, too, and tables tell of it.
    assert {(label(job), job.forgotten) for job in told} == {
        ("postprocess.lesion.test", ("setting postprocessing.0.min_area: 8 → 3",)),
        ("table_configuration", ("setting run.postprocessing.lesion.min_area: 8 → 3",)),
        (
            "table_plan",
            tuple(
                f"setting plan.methods.{name}.lesion.postprocessing.0.min_area: 8 → 3"
                for name in sorted([*BACKBONES, "fusion"])
            ),
        ),
        (
            "bundle",
            tuple(
                f"setting methods.{name}.lesion.postprocessing.0.min_area: 8 → 3"
                for name in sorted([*BACKBONES, "fusion"])
            ),
        ),
    }


def test_a_record_that_is_not_whole_tells_nothing(finished: Finished) -> None:
    records = sorted((finished.folder / "results/smoke/records").glob("*/*.json"))[:4]
    before = [record.read_text() for record in records]
    for record, damaged in zip(records, ("{", "[]", '{"settings": 1}', '{"inputs": {}}'), strict=True):
        record.write_text(damaged)
    try:
        planned = finished.planned()
    finally:
        for record, text in zip(records, before, strict=True):
            record.write_text(text)
    assert not any(job.forgotten for job in planned)


def test_a_folder_that_cannot_be_written_is_told(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), "iocache")

    monkeypatch.setattr("snakemake.persistence.PersistenceBase.save_iocache", refuse)
    with pytest.raises(SystemExit, match="a read-only file system") as caught:
        finished.planned()
    assert "what to do" in str(caught.value)


def test_other_installed_libraries_are_told_but_do_not_count(finished: Finished) -> None:
    record = finished.folder / "results/smoke/records/fit_fusion/liver.fusion.json"
    before = record.read_text()
    record.write_text(before.replace('"scipy": "', '"scipy": "0.'))
    try:
        planned = finished.planned()
    finally:
        record.write_text(before)
    (job,) = [job for job in planned if job.note]
    assert label(job) == "fit_fusion.liver"
    assert job.note[0].startswith("scipy 0.")
    assert not job.runs
