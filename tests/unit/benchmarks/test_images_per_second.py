"""What a run asks for of its machine, as a benchmark computes it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from benchmarks.exam_set import DEMO, ExamSet, settings_of
from benchmarks.images_per_second import compute_here, main

from hepaflow.errors import UserError
from hepaflow.jobs import driver
from hepaflow.jobs.driver import Seen
from hepaflow.jobs.gpus import VISIBLE
from hepaflow.methods.thesis import plan_of
from hepaflow.networks.compute import on_gpu
from hepaflow.settings.compute import ComputeSettings, RunComputeSettings


@pytest.fixture(autouse=True)
def _no_kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(driver, "KERNEL", tmp_path / "gpus")


def sees(*names: str) -> Callable[[], Seen]:
    return lambda: Seen("2.14.1", "13.0", names)


@pytest.mark.parametrize("accelerator", ["auto", "gpu"])
def test_what_may_or_must_use_a_gpu_computes_on_it(accelerator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    chosen = RunComputeSettings(accelerator=accelerator, workers=3, predict_batch_size=5, channels_last=True)
    found = compute_here(chosen, sees("NVIDIA A100"))
    assert on_gpu(found)
    assert found == ComputeSettings(workers=3, predict_batch_size=5, channels_last=True)
    with pytest.raises(UserError, match="of which torch"):
        compute_here(chosen, sees())


def test_what_must_use_a_gpu_is_not_computed_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "")
    with pytest.raises(UserError, match="no GPU"):
        compute_here(RunComputeSettings(accelerator="gpu"), sees())
    assert compute_here(RunComputeSettings(), sees()) == ComputeSettings()


def test_images_are_not_counted_on_another_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VISIBLE, "")
    config = tmp_path / "config.yaml"
    config.write_text("compute: {accelerator: gpu}\n", encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["--configfile", str(config)])
    told = capsys.readouterr()
    assert "no GPU" in told.err
    assert not told.out


def test_what_keeps_to_the_cpu_computes_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "0")
    settings = settings_of(DEMO)
    exams = ExamSet(settings, plan_of(settings), {}, {})
    assert settings.compute.accelerator == "cpu"
    assert exams.compute == ComputeSettings(accelerator="cpu", workers=0)
