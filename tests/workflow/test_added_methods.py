"""Methods that are added to a finished run: what is computed for them, and that it is what one process finds."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from smoke_run import EXAMS, SMOKE, Checkout

from hepaflow.methods.plan import model_of, networks_of
from hepaflow.methods.thesis import plan_of
from hepaflow.model.bundle import read_bundle
from hepaflow.model.segmenter import Segmenter
from hepaflow.model.trained import model_of_run
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.workflow import read_settings
from hepaflow.volumes.labels import read_labels
from hepaflow.volumes.volume import read_image

WIDE = {
    "network": {"arch": "unet", "weights": "none"},
    "training": {"epochs": 2},
    "stages": {"lesion": {"data": {"kind": "voi_slices", "size": 40, "margin": 0.1}}},
}
"""A method whose lesions lie on a finer grid."""
DEEP = {
    "network": {"arch": "monai", "monai": {"name": "UNet", "arguments": {"channels": [8, 16], "strides": [2]}}},
    "sampling": {"kind": "patches", "size": [8, 32, 32]},
    "training": {
        # Patches of a second, enough for a liver and lesions in it.
        **{"batch_size": 2, "batches_per_epoch": 4, "oversample": 0.5, "epochs": 10, "decay_factor": 1.0},
        **{"optimiser": {"kind": "adamw"}, "learning_rate": 0.01},
    },
    "stages": {
        "liver": {
            "data": {"kind": "resampled", "spacing": [14, 10, 10]},
            "postprocessing": [{"kind": "largest_component"}],
        },
        "lesion": {
            "data": {"kind": "resampled_voi", "spacing": [12, 6, 6], "margin": 20},
            "postprocessing": [{"kind": "inside"}],
        },
    },
}
"""A method of resampled exams, whose networks see patches in three dimensions."""
ADDED = {"wide": WIDE, "both": {"kind": "average", "of": ["plain", "wide"]}}
CHANGED = {"methods": {**SMOKE["methods"], **ADDED}, "model": "both"}
OWN = {
    "preprocess": 4 + 2,  # of all exams, and around the average's liver of those to test
    "train": 2,
    "predict": 2,
    "average": 2,
    "postprocess": 4,
    "restore": 4,
    "evaluate": 4,
}
"""Jobs of both, by rule."""
OPEN = DEEP | {
    "training": DEEP["training"] | {"epochs": 4, "drawn": {"kind": "trunk"}},
    "stages": {
        "coarse": DEEP["stages"]["liver"],
        "liver": {"data": {"kind": "resampled_voi", "spacing": [14, 10, 10], "margin": 20}},
        "lesion": DEEP["stages"]["lesion"],
    },
}
"""The same with a coarse liver first, and phantoms that are drawn in the place of training exams."""
EXPECTED = {
    "exams": (
        DEEP,
        # Surveys see whether there is a spacing.
        {
            "survey": 4,
            "preprocess": 2 * 4,
            "train": 2,
            "predict": 2,
            "postprocess": 2,
            "restore": 2,
            "evaluate": 2,
        },
    ),
    "drawn": (
        OPEN,
        {
            "survey": 4,
            "preprocess": 3 * 2,
            "train": 3,
            "predict": 3,
            "postprocess": 3,
            "restore": 2,
            "evaluate": 2,
        },
    ),
}
"""Methods of resampled exams, and the jobs that come with them, by rule."""


def test_a_method_and_an_average_plan_their_own_jobs(copied: Checkout) -> None:
    copied.configure(**CHANGED)
    planned = copied.planned()
    assert {rule: count for rule, count in planned.items() if rule in OWN} == OWN
    assert planned.keys().isdisjoint({"phantom", "survey", "fit_fusion", "fuse", "disagreement", "overlap"})


@pytest.mark.slow
def test_a_method_and_an_average_are_added_to_a_finished_run(copied: Checkout) -> None:
    copied.configure(**CHANGED)
    results = copied.folder / "results/smoke"
    maps = [f"segmentations/{name}/{exam}.nii.gz" for name in ADDED for exam in ("three", "four")]
    maps += [f"metrics/{name}/{exam}.csv" for name in ADDED for exam in ("three", "four")]
    wanted = [f"results/smoke/{path}" for path in ("hepaflow-model.zip", *maps)]
    ended = copied.snakemake(*wanted)
    assert ended.returncode == 0, ended.stdout
    assert copied.planned().keys().isdisjoint(OWN)  # but tables, figures and pages, which were not asked for

    bundle = read_bundle(results / "hepaflow-model.zip")
    assert bundle.plan == model_of(plan_of(read_settings(SMOKE | CHANGED)), "both")
    for exam in ("three", "four"):
        hu, grid = read_image(copied.folder / f"data/phantoms/{exam}.image.nii.gz")
        found = Segmenter(bundle, ComputeSettings(accelerator="cpu", workers=0), threads=1).segment(hu)
        labels = _labels(results, "both", exam, grid)
        assert (labels == 1).any()
        np.testing.assert_array_equal(found.labels, labels)
        assert all((labels != _labels(results, name, exam, grid)).any() for name in ("plain", "wide"))

    copied.configure(
        **CHANGED | {"methods": CHANGED["methods"] | {"both": {"kind": "average", "of": ["dense", "wide"]}}}
    )
    assert copied.planned()["average"] == 2
    assert copied.planned().keys().isdisjoint({"train", "predict", "fuse"})


@pytest.mark.parametrize(("method", "own"), EXPECTED.values(), ids=EXPECTED)
def test_a_method_of_resampled_exams_plans_its_own_jobs(
    copied: Checkout, method: dict[str, Any], own: dict[str, int]
) -> None:
    copied.configure(methods={**SMOKE["methods"], "deep": method})
    planned = copied.planned()
    assert {rule: count for rule, count in planned.items() if rule in own} == own
    assert planned.keys().isdisjoint({"phantom", "fit_fusion", "fuse", "disagreement", "overlap"})


@pytest.mark.slow
@pytest.mark.parametrize("method", [DEEP, OPEN], ids=EXPECTED)
def test_a_method_of_resampled_exams_is_the_same_in_files_and_in_memory(
    copied: Checkout, method: dict[str, Any]
) -> None:
    config = {"methods": {**SMOKE["methods"], "deep": method}}
    copied.configure(**config)
    results = copied.folder / "results/smoke"
    wanted = [f"results/smoke/segmentations/deep/{exam}.nii.gz" for exam in ("three", "four")]
    ended = copied.snakemake(*wanted, *(f"results/smoke/exams/{exam}.json" for exam in EXAMS))
    assert ended.returncode == 0, ended.stdout
    found = _in_memory(config, results)
    for exam in ("three", "four"):
        hu, grid = read_image(copied.folder / f"data/phantoms/{exam}.image.nii.gz")
        labels = _labels(results, "deep", exam, grid)
        assert set(np.unique(labels)) >= {0, 1}
        np.testing.assert_array_equal(found.segment(hu, grid.trusted_spacing).labels, labels)


def _in_memory(config: dict[str, Any], results: Path) -> Segmenter:
    plan = model_of(plan_of(read_settings(SMOKE | config)), "deep")
    networks = [results / f"models/{stage}/{name}.safetensors" for name, stage in networks_of(plan)]
    return Segmenter(model_of_run(plan, networks, []), ComputeSettings(accelerator="cpu", workers=0), threads=1)


def _labels(results: Path, method: str, exam: str, grid: object) -> np.ndarray:
    labels, _ = read_labels(results / f"segmentations/{method}/{exam}.nii.gz", image=grid)
    return labels
