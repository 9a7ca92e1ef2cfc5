"""A training that is asked to end after any mini-batch goes on to the same bytes, whatever it is made of."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool3d
from unit.training.test_devices import Tiny
from unit.training.test_trainer import Training, asking, recipe, write_exams

from hepaflow.settings.sampling import Patches
from hepaflow.settings.training import TrainSettings
from hepaflow.training import trainer as training

torch.set_num_threads(1)

AUGMENTATION = (
    {"kind": "flip", "direction": "horizontal", "probability": 0.5},
    {"kind": "rotate", "degrees": (-20, 20), "probability": 0.5},
    {"kind": "scale", "factors": (0.8, 1.25), "probability": 0.5},
    {"kind": "brightness", "factors": (0.75, 1.25), "probability": 0.5},
    {"kind": "noise", "standard_deviation": (0, 0.1), "probability": 0.5},
)
AXIAL = {"kind": "flip", "direction": "axial", "probability": 0.5}
KINDS: dict[str, dict[str, Any]] = {
    "default": {},
    "sgd": {"optimiser": {"kind": "sgd", "weight_decay": 1e-3, "nesterov": True}},
    "adamw": {"optimiser": {"kind": "adamw"}, "learning_rate": 0.01},
    "averaged": {
        "average": {"kind": "ema", "decay": 0.75},
        "clip_gradients": 0.1,
        "loss": ({"kind": "bce"}, {"kind": "tversky"}),
    },
    "oversampled": {"oversample": 0.4, "batches_per_epoch": 3},
}
SCHEDULES: dict[str, dict[str, Any] | None] = {
    "stepped": None,
    "exponential": {"kind": "exponential", "factor": 0.7},
    "poly": {"kind": "poly"},
    "one_cycle": {"kind": "one_cycle"},
    "cosine": {"kind": "cosine", "warm_up": 0.4},
}
BATCHES = 3
EPOCHS = 2


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(training, "build_network", lambda *_: Tiny())
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture(scope="module")
def slices(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_exams(tmp_path_factory.mktemp("slices"), 5, 3, 2)


def small(**changes: Any) -> TrainSettings:
    """Return settings of three mini-batches an epoch, the last of two slices."""
    return recipe("unet", **{"epochs": EPOCHS, "batch_size": 4, **changes})


def run_by_parts(done: Training, **arguments: Any) -> int:
    """Train a mini-batch at a time, as if a queue asked each process to end; return how many there were."""
    for count in range(1, 100):
        with pytest.MonkeyPatch.context() as patch:
            asking(patch, batch=1)
            try:
                done.run(**arguments)
            except KeyboardInterrupt:
                continue
        return count
    raise AssertionError("no end")


@pytest.mark.parametrize("augmentation", [None, AUGMENTATION], ids=["plain", "augmented"])
@pytest.mark.parametrize("kind", KINDS)
def test_ended_after_every_mini_batch_is_never_having_stopped(
    tmp_path: Path, slices: list[Path], kind: str, augmentation: Any
) -> None:
    settings = small(augmentation=augmentation, **KINDS[kind])
    whole, parts = Training(tmp_path / "whole", slices, settings), Training(tmp_path / "parts", slices, settings)
    expected = whole.run()
    assert run_by_parts(parts) == BATCHES * EPOCHS + 1
    assert parts.weights.read_bytes() == expected
    assert same(parts) == same(whole)


@pytest.mark.parametrize("augmentation", [None, (*AUGMENTATION, AXIAL)], ids=["plain", "augmented"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_of_patches_it_is_never_having_stopped_either(
    tmp_path: Path, slices: list[Path], augmentation: Any, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where they lie is drawn anew in every epoch."""
    monkeypatch.setattr(training, "build_network", lambda *_: DeeplySupervised())
    patches = Patches(kind="patches", size=(4, 16, 16))
    settings = small(
        augmentation=augmentation, **KINDS["oversampled"], **KINDS["averaged"], precision=precision
    ).model_copy(update={"sampling": patches})
    whole, parts = Training(tmp_path / "whole", slices, settings), Training(tmp_path / "parts", slices, settings)
    expected = whole.run()
    assert run_by_parts(parts) == BATCHES * EPOCHS + 1
    assert parts.weights.read_bytes() == expected
    assert same(parts) == same(whole)
    losses = [float(row["loss"]) for row in whole.rows()]
    assert len(set(losses)) == EPOCHS


class DeeplySupervised(nn.Module):
    """A small network of patches whose logits come at two sizes in training."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.logits = nn.Conv3d(1, 2, 3, padding=1), nn.Conv3d(2, 1, 1)
        self.norm = nn.BatchNorm3d(2)

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        features = torch.relu(self.norm(self.first(x)))
        full = self.logits(features).float()
        return [full, self.logits(avg_pool3d(features, 2)).float()] if self.training else full


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("after", range(1, BATCHES * EPOCHS))
def test_ended_once_after_any_mini_batch_is_never_having_stopped(
    tmp_path: Path, slices: list[Path], after: int, schedule: str
) -> None:
    settings = small(augmentation=AUGMENTATION, schedule=SCHEDULES[schedule], **KINDS["adamw"])
    whole, done = Training(tmp_path / "whole", slices, settings), Training(tmp_path / "once", slices, settings)
    expected = whole.run()
    with pytest.MonkeyPatch.context() as patch:
        asking(patch, batch=after)
        with pytest.raises(KeyboardInterrupt):
            done.run()
    assert done.run() == expected
    assert same(done) == same(whole)


@pytest.mark.parametrize("after", [1, 2])
def test_killed_after_an_epoch_is_never_having_stopped(tmp_path: Path, slices: list[Path], after: int) -> None:
    settings = small(epochs=3, augmentation=AUGMENTATION, schedule={"kind": "one_cycle"}, **KINDS["adamw"])
    whole, done = Training(tmp_path / "whole", slices, settings), Training(tmp_path / "killed", slices, settings)
    expected = whole.run()
    done.interrupt(after)
    assert done.run() == expected
    assert same(done) == same(whole)


@pytest.mark.parametrize("workers", [1, 2])
def test_loading_processes_change_no_byte(tmp_path: Path, slices: list[Path], workers: int) -> None:
    settings = small(augmentation=AUGMENTATION, **KINDS["adamw"])
    whole, done = Training(tmp_path / "whole", slices, settings), Training(tmp_path / "loaded", slices, settings)
    assert done.run(compute={"workers": workers}) == whole.run()


@pytest.mark.parametrize(
    "changes",
    [
        KINDS["sgd"],
        KINDS["adamw"] | {"learning_rate": 0.05},
        {"schedule": SCHEDULES["exponential"]},
        {"schedule": SCHEDULES["poly"]},
        {"schedule": SCHEDULES["one_cycle"]},
        {"schedule": SCHEDULES["cosine"]},
        {"schedule": {"kind": "poly", "warm_up": 0.4}},
        {"loss": {"kind": "tversky"}},
        {"loss": {"kind": "focal"}},
        {"loss": {"kind": "bce", "positive_weight": 2.0}},
        {"average": {"kind": "ema", "decay": 0.75}},
        {"clip_gradients": 0.1},
        {"oversample": 0.4},
        {"batches_per_epoch": 2},
        *({"augmentation": (one,)} for one in AUGMENTATION),
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_every_choice_trains_another_network(tmp_path: Path, slices: list[Path], changes: dict[str, Any]) -> None:
    plain, other = (
        Training(tmp_path / "plain", slices, small()),
        Training(tmp_path / "other", slices, small(**changes)),
    )
    assert other.run() != plain.run()


def test_rates_by_mini_batches_are_trained_by_and_the_first_of_an_epoch_is_written_down(
    tmp_path: Path, slices: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    used = []
    step = torch.optim.SGD.step

    def watched(self: torch.optim.SGD, *arguments: Any) -> Any:
        used.append(self.param_groups[0]["lr"])
        return step(self, *arguments)

    monkeypatch.setattr(torch.optim.SGD, "step", watched)
    settings = small(learning_rate=0.1, schedule={"kind": "one_cycle", "warm_up": 0.5, "from_factor": 0.1})
    done = Training(tmp_path / "cycle", slices, settings)
    done.run()
    assert used[0] == pytest.approx(0.01)
    assert used[2] == pytest.approx(0.1)  # the warm-up is three of six mini-batches
    assert used[-1] == pytest.approx(0.1 * 4e-6)
    assert [float(row["learning_rate"]) for row in done.rows()] == [used[0], used[3]]


def same(done: Training) -> list[list[str]]:
    """Return what of the history does not tell the time."""
    return [[value for name, value in row.items() if name != "seconds"] for row in done.rows()]
