"""What a training sees: which slices it learns from, and how much memory their mini-batches take."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from small_exams import saved, stack

from hepaflow.errors import UserError
from hepaflow.exams.folds import split_exams
from hepaflow.sampling.slices import SliceDataset
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.network import NetworkSettings
from hepaflow.settings.training import TrainingSettings, TrainSettings
from hepaflow.training import data as of_training
from hepaflow.training.data import training_data

CPU = ComputeSettings(accelerator="cpu", workers=0)


def devices(count: int) -> Any:
    return SimpleNamespace(world_size=count, global_rank=0, device=torch.device("cpu"))


def settings_of(**changes: object) -> TrainSettings:
    common = {"epochs": 3, "batch_size": 4, "learning_rate": 0.05, "decay_factor": 0.5, "decay_every": 1}
    return TrainSettings(
        network=NetworkSettings(arch="unet", weights="none"),
        training=TrainingSettings.model_validate({**common, **changes}),
        precision="fp32",
        seed=1,
    )


@pytest.fixture
def slices(tmp_path: Path) -> list[Path]:
    """Write exams of 4, 3 and 2 slices."""
    for name, count in (("a", 4), ("b", 3), ("c", 2)):
        saved(tmp_path, stack(count), name)
    return [tmp_path / name for name in "abc"]


def test_only_slices_that_are_trained_on_are_oversampled(slices: list[Path]) -> None:
    """Not those held out, nor those without the structure."""
    dataset = SliceDataset(slices)
    shown = np.array([number in (0, 1, 5, 8) for number in range(9)])
    dataset.holds_structure = lambda: shown  # type: ignore[method-assign]
    held_out = set(split_exams(3, 0.3, seed=1)[1])
    expected = {number for number in (0, 1, 5, 8) if dataset.exams_of([number])[0] not in held_out}
    settings = settings_of(oversample=1.0, batches_per_epoch=5, validation_share=0.3)
    data = training_data(dataset, settings, CPU, devices(1))
    assert {number for batch in data.order for number in batch} == expected
    assert len(data.order) == 5


def test_exams_are_counted_where_patches_are_drawn_in_them(
    slices: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three exams, one is held out; they have nine pieces."""
    dataset = SliceDataset(slices)
    dataset.holds_structure = lambda: np.zeros(9, bool)  # type: ignore[method-assign]
    settings = settings_of(oversample=0.3, batches_per_epoch=5, validation_share=0.3)
    monkeypatch.setattr(SliceDataset, "at_random", True)
    with pytest.raises(UserError, match="no pixel of the structure in 2 training exams"):
        training_data(dataset, settings, CPU, devices(1))


def test_batches_too_small_for_the_devices_are_refused(slices: list[Path]) -> None:
    with pytest.raises(UserError, match="batch_size of at least 4"):
        training_data(SliceDataset(slices), settings_of(batch_size=2), CPU, devices(2))


@pytest.mark.parametrize(("slab", "bytes_of_a_pixel"), [(1, 8), (3, 16), (5, 24)])
def test_memory_is_asked_for_every_channel(
    slices: list[Path], monkeypatch: pytest.MonkeyPatch, slab: int, bytes_of_a_pixel: int
) -> None:
    """Of float32, for the mini-batch and a slice that may be left over."""
    asked = []
    monkeypatch.setattr(of_training, "fitting_workers", lambda wanted, size: asked.append(size) or (0, 2))
    dataset = SliceDataset(slices, slab)
    training_data(dataset, settings_of(batch_size=4), CPU, devices(1))
    assert asked == [5 * bytes_of_a_pixel * 8 * 8]
    images, masks = dataset[[0]]
    assert images.element_size() * images.numel() + masks.element_size() * masks.numel() == asked[0] / 5
