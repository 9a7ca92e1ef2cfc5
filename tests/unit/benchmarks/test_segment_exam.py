"""An exam through a model, step by step: on a few slices, with small networks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.segment_exam import STEPS, measured, networks_in_words, timed_steps, untrained_model

from hepaflow.model.bundle import read_bundle
from hepaflow.model.segmenter import Segmenter
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.workflow import Settings, read_settings

UNET = {"arch": "plain_unet", "weights": "none", "unet": {"channels": [2, 4]}}
UNET3D = {
    "arch": "monai",
    "weights": "none",
    "monai": {"name": "UNet", "arguments": {"channels": [2, 4], "strides": [2]}},
}
AROUND = {"kind": "resampled_voi", "margin": 10}
RESAMPLED = {
    "network": UNET3D,
    "sampling": {"kind": "patches", "size": [4, 32, 32], "overlap": 0},
    "training": {"start": "backbone"},
    "stages": {
        "coarse": {"data": {"kind": "resampled", "spacing": [2, 8, 8]}},
        "liver": {"data": AROUND | {"spacing": [2, 6, 6]}},
        "lesion": {"data": AROUND | {"spacing": [2, 4, 4]}},
    },
}
WITH_REGION = {
    "network": UNET,
    "stages": {"lesion": {"data": {"kind": "voi_slices", "with_region": True}, "training": {"start": "backbone"}}},
}


def settings_with(method: dict[str, Any]) -> Settings:
    return read_settings({"backbones": {}, "model": "one", "size": 32, "methods": {"one": method}})


@pytest.mark.parametrize(
    ("method", "made", "seen"),
    [
        ({"network": UNET}, {"liver_slices", "lesion_slices"}, "plain_unet, plain_unet at 32×32 pixels"),
        (WITH_REGION, {"liver_slices", "voi_slices"}, "plain_unet, plain_unet at 32×32 pixels"),
        (
            RESAMPLED,
            {"resampled", "resampled_voi"},
            "monai, monai, monai at 4×32×32 voxels of 2×8×8 mm, 4×32×32 voxels of 2×6×6 mm, "
            "4×32×32 voxels of 2×4×4 mm",
        ),
    ],
    ids=["the thesis' slices", "the liver seen beside", "resampled"],
)
def test_every_step_is_timed(tmp_path: Path, method: dict[str, Any], made: set[str], seen: str) -> None:
    model = untrained_model(tmp_path, settings_with(method), "one")
    found = measured(tmp_path, model, slices=4, trained=False, precision=None)
    steps = {STEPS[name] for name in {"liver", "lesion", "clean", "restore"} | made}
    others = {"read", "load the networks", "write label map, measurements and page"}
    assert found.rows.keys() == steps | others
    assert all((seconds >= 0).all() for seconds in found.rows.values())
    assert 0 < found.segmented <= sum(wall for wall, _ in found.rows.values())
    assert networks_in_words(found.model.plan) == seen


@pytest.mark.parametrize("method", [{"network": UNET}, RESAMPLED], ids=["slices", "resampled"])
def test_lesions_are_sought_around_the_liver_that_is_given(tmp_path: Path, method: dict[str, Any]) -> None:
    model = read_bundle(untrained_model(tmp_path, settings_with(method), "one"))
    liver = np.zeros((6, 64, 64), bool)
    liver[2:5, 20:40, 10:50] = True
    segmenter = Segmenter(model, ComputeSettings(accelerator="cpu", workers=0))
    with timed_steps(segmenter, model.plan, liver):
        found = segmenter.segment(np.zeros(liver.shape, np.int16), (2.0, 4.0, 4.0))
    assert (found.liver == liver).all()
    box = found.boxes["lesion"]
    assert (box.crop(liver).sum(), box.shape != liver.shape) == (liver.sum(), True)
