"""A whole exam in one process. That it equals the workflow's result is tested with a run (`tests/workflow`)."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_model import ALL_LIVER_NO_LESION, NAMES, inference_settings, small_model

from hepaflow.masks.fusion import Fusion
from hepaflow.masks.postprocess import clean
from hepaflow.masks.restore import restore
from hepaflow.model.bundle import read_bundle
from hepaflow.model.members import SETTINGS
from hepaflow.model.segmenter import Segmenter
from hepaflow.names import STAGES
from hepaflow.preprocessing.voi import volume_of_interest
from hepaflow.settings.compute import ComputeSettings
from hepaflow.volumes.box import Box

CPU = ComputeSettings(accelerator="cpu", workers=0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def hu() -> np.ndarray:
    return np.random.default_rng(0).normal(60, 80, (5, 40, 48)).astype(np.float32)


def test_masks_lie_on_the_exams_grid(model: Path, hu: np.ndarray) -> None:
    found = Segmenter(read_bundle(model), CPU, threads=1).segment(hu)
    assert found.liver.any()  # networks drawn at random find something, here and there
    for mask in (found.liver, found.lesion):
        assert mask.shape == hu.shape
        assert mask.dtype == bool
    assert set(found.disagreement) == {"liver", "lesion"}
    for percent in found.disagreement.values():
        assert percent.shape == hu.shape
        assert set(np.unique(percent)) <= {0, 100}  # of two networks
    np.testing.assert_array_equal(found.labels == 2, found.lesion)
    np.testing.assert_array_equal(found.labels == 1, found.liver & ~found.lesion)


def test_masks_are_post_processed_before_they_are_fused_and_after(
    tmp_path: Path, hu: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Networks drawn at random draw rags, of which either step has something to remove."""
    steps = inference_settings(postprocessing={"lesion": {"min_area": 3}})
    bundle = read_bundle(small_model(tmp_path, **{SETTINGS: steps.canonical()}))
    for stage in STAGES:
        bundle.fusion[stage] = Fusion(NAMES, (1.0, 1.0), ())  # both have to agree: rags of other forms
    given: list[np.ndarray] = []

    def noted(masks: np.ndarray, settings: Any) -> np.ndarray:
        given.append(masks.copy())
        return clean(masks, settings)

    monkeypatch.setattr("hepaflow.model.segmenter.clean", noted)
    found = Segmenter(bundle, CPU, threads=1).segment(hu)
    boxes = {"liver": Box.whole(hu.shape), "lesion": volume_of_interest(found.liver)}
    for stage, (*raw, fused) in zip(STAGES, (given[:3], given[3:]), strict=True):
        settings = getattr(bundle.settings, stage)
        votes = [clean(masks, settings) for masks in raw]
        assert sum(votes).sum() < sum(raw).sum()
        np.testing.assert_array_equal(fused, bundle.fusion[stage].fuse(votes))
        assert 0 < clean(fused, settings).sum() < fused.sum()
        np.testing.assert_array_equal(
            getattr(found, stage), restore(clean(fused, settings), boxes[stage], hu.shape)
        )
        differing = restore(votes[0], boxes[stage], hu.shape) != restore(votes[1], boxes[stage], hu.shape)
        np.testing.assert_array_equal(found.disagreement[stage] > 0, differing)


def test_one_load_segments_many_exams_and_remembers_none(model: Path, hu: np.ndarray) -> None:
    segmenter = Segmenter(read_bundle(model), CPU, threads=1)
    first = segmenter.segment(hu)
    segmenter.segment(hu[::-1].copy())
    np.testing.assert_array_equal(segmenter.segment(hu).labels, first.labels)


def test_an_exam_in_which_no_liver_is_found_has_empty_masks(model: Path, hu: np.ndarray) -> None:
    bundle = read_bundle(model)
    bundle.fusion["liver"] = Fusion(("first", "second"), (0.0, 0.0), ())  # a tie is background
    found = Segmenter(bundle, CPU, threads=1).segment(hu)
    assert not found.liver.any()
    assert not found.lesion.any()
    assert not found.disagreement["lesion"].any()


def test_what_the_lesion_slices_leave_out_of_the_liver_stays_liver(tmp_path: Path) -> None:
    """Where the volume of interest has the networks' size, the slices share its memory with the liver's mask."""
    settings = inference_settings(contrast={"background": "zero"})
    bundle = read_bundle(small_model(tmp_path, ALL_LIVER_NO_LESION, **{SETTINGS: settings.canonical()}))
    hu = np.full((2, 32, 32), 60, np.float32)
    hu[:, 10:14] = -1000
    assert settings.liver_slices.size == 32
    assert Segmenter(bundle, CPU, threads=1).segment(hu).liver.all()


def test_networks_run_in_the_precision_that_is_asked_for(
    model: Path, hu: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    convolve = torch.nn.Conv2d._conv_forward

    def noting(self: torch.nn.Conv2d, *arguments: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = convolve(self, *arguments)
        seen.append(result.dtype)
        return result

    monkeypatch.setattr(torch.nn.Conv2d, "_conv_forward", noting)
    found = {}
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        chosen = read_bundle(model).predicting_in(precision)  # type: ignore[arg-type]
        found[precision] = Segmenter(chosen, CPU, threads=1).segment(hu)
        assert set(seen) == {dtype}
        seen.clear()
    agreeing = found["fp32"].liver == found["bf16"].liver
    assert 0.9 < agreeing.mean() < 1  # rounding changes what is undecided


def test_progress_counts_every_slice_of_every_network(
    model: Path, hu: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    Segmenter(read_bundle(model), CPU, threads=1, show=True).segment(hu)
    told = capsys.readouterr().err
    assert "liver networks: 100%" in told
    assert f"{2 * len(hu)}/{2 * len(hu)}" in told
    Segmenter(read_bundle(model), CPU, threads=1).segment(hu)
    assert capsys.readouterr().err == ""
