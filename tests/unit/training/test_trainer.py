"""Training: the thesis' schedule, the same bytes for the same recipe, and resuming as if nothing had happened."""

import csv
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

import hepaflow
from hepaflow.errors import UserError
from hepaflow.exams.folds import split_exams
from hepaflow.jobs.states import remove_states
from hepaflow.networks.network import build_network
from hepaflow.networks.weights import save_weights
from hepaflow.preprocessing.slices import FULL, SliceStack
from hepaflow.sampling.slices import SliceDataset
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.head import HeadSettings
from hepaflow.settings.network import NetworkSettings
from hepaflow.settings.training import TrainingSettings, TrainSettings
from hepaflow.training import trainer as training
from hepaflow.training.history import Part
from hepaflow.training.interruption import Interruption
from hepaflow.training.losses import LOSSES
from hepaflow.training.schedules import learning_rate
from hepaflow.training.state import TrainingState
from hepaflow.training.trainer import Trainer, train_network
from hepaflow.volumes.box import Box

torch.set_num_threads(1)
SIZE = 32
LIVER = TrainingSettings(epochs=200, learning_rate=0.05, decay_factor=0.95, decay_every=10)
LESION = TrainingSettings(epochs=20, learning_rate=0.1, decay_factor=0.5, decay_every=1, start="liver")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(1)


def write_exam(path: Path, slices: int, seed: int) -> Path:
    """Write an exam with a bright rectangle on noise, and its mask."""
    draw = np.random.default_rng(seed)
    mask = np.zeros((slices, SIZE, SIZE), bool)
    mask[:, 8:20, 8:24] = True
    image = np.rint((0.5 * mask + draw.uniform(0, 0.5, mask.shape)) * FULL).astype(np.uint16)
    box = Box.whole((slices, SIZE, SIZE)) if slices else None
    SliceStack(image, mask, box, (slices, SIZE, SIZE)).save(path)
    return path


def write_exams(folder: Path, *slices: int) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    return [write_exam(folder / f"exam{number}.safetensors", count, number) for number, count in enumerate(slices)]


def recipe(
    arch: str = "densenet121", *, seed: int = 1, precision: str = "fp32", **changes: object
) -> TrainSettings:
    """Return settings of a tiny training, of three epochs; densenet121 has dropout, the faster unet has not."""
    common = {"epochs": 3, "batch_size": 4, "learning_rate": 0.05, "decay_factor": 0.5, "decay_every": 1}
    return TrainSettings(
        network=NetworkSettings(arch=arch, weights="none", head=HeadSettings(channels=8, dropout=0.5)),
        training=TrainingSettings.model_validate({**common, **changes}),
        precision=precision,  # type: ignore[arg-type]
        seed=seed,
    )


class Training:
    """A training's files in a folder, and ways to run it."""

    def __init__(self, folder: Path, slices: Sequence[Path], settings: TrainSettings, **arguments: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.weights, self.history = folder / "net.safetensors", folder / "net.history.csv"
        self.side = folder / "net.training"
        self._arguments: dict[str, Any] = {"slices": slices, "settings": settings, "code": "code", **arguments}

    def run(self, **arguments: Any) -> bytes:
        """Train to the end; return the bytes of the weights."""
        given = {**self._arguments, **arguments}
        given["compute"] = ComputeSettings(accelerator="cpu", **{"workers": 0, **given.pop("compute", {})})
        train_network(
            given.pop("slices"),
            given.pop("settings"),
            output=self.weights,
            history=self.history,
            threads=1,
            **given,
        )
        return self.weights.read_bytes()

    def interrupt(self, after: int, **arguments: Any) -> None:
        """Train until the state after an epoch has been saved, and fail there."""
        save = TrainingState.save

        def failing(self: TrainingState, network: Any, optimizer: Any, history: list[Any], *part: Any) -> None:
            save(self, network, optimizer, history, *part)
            if len(history) == after:
                raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(TrainingState, "save", failing)
            with pytest.raises(KeyboardInterrupt):
                self.run(**arguments)
        assert self.side.is_dir()
        assert not self.weights.exists()

    def left(self) -> list[str]:
        """Return the names of what is left to go on from."""
        return sorted(path.name for path in self.side.iterdir())

    def rows(self) -> list[dict[str, str]]:
        with open(self.history, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


RUN = """
import json, os, signal, sys
from pathlib import Path

import torch

from hepaflow.training import trainer as training
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.training import TrainSettings
from hepaflow.training.trainer import train_network
from hepaflow.training.state import TrainingState

given = json.loads(sys.argv[1])
if given["without_statistics"]:
    training.build_network = lambda *_: torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(8, 1, 1)
    )
save = TrainingState.save


def killed(self, network, optimizer, history, *part):
    save(self, network, optimizer, history, *part)
    if len(history) == given["kill_after"]:
        os.kill(os.getpid(), signal.SIGKILL)


steps = 0
step = torch.optim.SGD.step


def ending(self, *arguments):
    global steps
    steps += 1
    if steps == given["end_at"] and os.environ.get("LOCAL_RANK", "0") == "0":
        os.killpg(0, signal.SIGTERM)
    return step(self, *arguments)


TrainingState.save = killed
torch.optim.SGD.step = ending
train_network(
    [Path(path) for path in given["slices"]],
    TrainSettings.model_validate_json(given["settings"]),
    code="code",
    output=Path(given["weights"]),
    history=Path(given["history"]),
    compute=ComputeSettings(accelerator="cpu", workers=given["workers"], devices=given["devices"]),
    threads=1,
)
Path(given["weights"]).with_name("done." + os.environ.get("LOCAL_RANK", "0")).touch()
"""


def run_elsewhere(
    done: Training,
    slices: Sequence[Path],
    settings: TrainSettings,
    *,
    kill_after: int = -1,
    end_at: int = -1,
    devices: int = 1,
    workers: int = 0,
    without_statistics: bool = False,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Run a training as a job does: in a process of its own, from a script."""
    script = done.weights.with_name("script.py")
    script.write_text(RUN, encoding="utf-8")
    given = {
        "slices": [str(path) for path in slices],
        "settings": settings.canonical(),
        "weights": str(done.weights),
        "history": str(done.history),
        "devices": devices,
        "workers": workers,
        "without_statistics": without_statistics,
        "kill_after": kill_after,
        "end_at": end_at,
    }
    return subprocess.run(
        [sys.executable, str(script), json.dumps(given)],
        capture_output=True,
        text=True,
        timeout=300,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path(hepaflow.__file__).parents[1]), **environment},
        check=False,
    )


@pytest.fixture(scope="module")
def slices(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Write three exams; of their nine slices one is left over after two batches of four."""
    return write_exams(tmp_path_factory.mktemp("slices"), 4, 3, 2)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, slices: list[Path]) -> bytes:
    return Training(tmp_path_factory.mktemp("uninterrupted"), slices, recipe()).run()


Make = Callable[..., Training]


@pytest.fixture
def make(tmp_path: Path, slices: list[Path]) -> Make:
    """Return a maker of trainings, each in a folder of its own."""
    count = iter(range(100))

    def made(settings: TrainSettings, **arguments: Any) -> Training:
        return Training(tmp_path / str(next(count)), arguments.pop("slices", slices), settings, **arguments)

    return made


# The schedule.


def test_the_liver_schedule_is_the_thesis() -> None:
    rates = [learning_rate(epoch, LIVER) for epoch in range(200)]
    assert rates[:10] == [0.05] * 10
    for epoch, rate in enumerate(rates):
        assert rate == pytest.approx(0.05 * 0.95 ** (epoch // 10), rel=1e-12)
    assert len(set(rates)) == 20
    assert rates[199] == pytest.approx(0.0188676, rel=1e-5)


def test_the_lesion_schedule_is_the_thesis() -> None:
    rates = [learning_rate(epoch, LESION) for epoch in range(20)]
    assert rates == [pytest.approx(0.1 / 2**epoch, rel=1e-12) for epoch in range(20)]
    assert rates[-1] == pytest.approx(1.9e-7, rel=0.01)


@pytest.mark.parametrize(
    ("schedule", "epochs"), [(LIVER, 22), (LESION, 20)], ids=["liver, to its third step", "lesion, whole"]
)
def test_the_schedule_is_trained_by_and_written_down(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schedule: TrainingSettings, epochs: int
) -> None:
    used = []

    class Watched(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            used.append(self.param_groups[0]["lr"])
            return super().step(closure)

    monkeypatch.setattr(torch.optim, "SGD", Watched)
    changes = {**schedule.model_dump(), "epochs": epochs, "batch_size": 2, "start": "backbone"}
    done = make(recipe("unet", **changes), slices=write_exams(tmp_path / "few", 2))
    done.run()
    expected = [learning_rate(epoch, schedule) for epoch in range(epochs)]
    assert used == expected  # two slices are one batch an epoch
    assert [float(row["learning_rate"]) for row in done.rows()] == expected
    assert [int(row["epoch"]) for row in done.rows()] == list(range(1, epochs + 1))


@pytest.mark.parametrize("momentum", [0.0, 0.3, 0.9])
def test_a_step_is_that_of_sgd_with_the_settings_momentum(make: Make, tmp_path: Path, momentum: float) -> None:
    """Weights from scratch, by the rule of Sutskever et al. as torch has it: v ← μv + g, w ← w - rate·v."""
    slices = write_exams(tmp_path / "few", 4)
    changes = {"epochs": 3, "batch_size": 4, "momentum": momentum, "learning_rate": 0.1}
    settings = recipe("unet", **changes)
    done = make(settings, slices=slices)
    done.run()
    torch.manual_seed(settings.seed)
    network = build_network(settings.network)
    images, masks = SliceDataset(slices)[range(4)]
    velocity = [torch.zeros_like(weight) for weight in network.parameters()]
    for epoch in range(3):
        order = torch.from_numpy(np.random.default_rng([settings.seed, epoch]).permutation(4))
        network.zero_grad()
        LOSSES["bce"](network(images[order]), masks[order]).backward()
        with torch.no_grad():
            for weight, speed in zip(network.parameters(), velocity, strict=True):
                assert weight.grad is not None
                speed.mul_(momentum).add_(weight.grad)  # no weight decay, no dampening
                weight -= 0.1 * 0.5**epoch * speed
    found, expected = load_file(done.weights), network.state_dict()
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-4, atol=1e-6)


# The same recipe, the same bytes.


def test_the_same_recipe_gives_the_same_bytes(make: Make, uninterrupted: bytes) -> None:
    torch.manual_seed(99)  # what ran before in a process does not count
    assert make(recipe()).run() == uninterrupted


def test_loading_processes_change_no_byte(make: Make, uninterrupted: bytes) -> None:
    assert make(recipe()).run(compute={"workers": 2}) == uninterrupted


def test_another_seed_gives_other_bytes(make: Make, uninterrupted: bytes) -> None:
    assert make(recipe(seed=2)).run() != uninterrupted


def test_dropout_is_drawn_anew_for_every_batch(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = []
    manual_seed = torch.manual_seed
    monkeypatch.setattr(torch, "manual_seed", lambda seed: (seeds.append(seed), manual_seed(seed))[1])
    make(recipe("unet")).run()
    start, *batches = seeds
    assert start == 1
    assert len(set(batches)) == len(batches) == 3 * 2


def test_the_header_holds_the_recipe(make: Make) -> None:
    done = make(recipe("unet", epochs=1))
    done.run()
    with safe_open(done.weights, framework="pt") as file:
        assert TrainSettings.model_validate_json(file.metadata()["hepaflow"]) == recipe("unet", epochs=1)


@pytest.mark.parametrize("loss", ["bce", "dice", "bce+dice"])
def test_training_learns(make: Make, loss: str) -> None:
    done = make(recipe("unet", epochs=8, loss=loss, decay_factor=1))
    done.run()
    losses = [float(row["loss"]) for row in done.rows()]
    assert losses[-1] < 0.8 * losses[0]


def test_bf16_trains(make: Make, uninterrupted: bytes) -> None:
    done = make(recipe(precision="bf16", epochs=2))
    weights = done.run()
    assert all(math.isfinite(float(row["loss"])) for row in done.rows())
    assert weights != uninterrupted
    assert {value.dtype for value in load_file(done.weights).values()} == {torch.float32, torch.int64}


# Resuming.


@pytest.mark.parametrize(("after", "workers"), [(1, 0), (2, 0), (1, 2)])
def test_resuming_is_never_having_stopped(make: Make, uninterrupted: bytes, after: int, workers: int) -> None:
    done = make(recipe(), compute={"workers": workers})
    done.interrupt(after)
    assert done.run() == uninterrupted
    assert done.left() == ["lock", "state.safetensors"]
    assert [row["epoch"] for row in done.rows()] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("changes", "compute"),
    [
        ({"momentum": 0.0}, {}),
        ({}, {"channels_last": False}),
        ({"validation_share": 0.3}, {}),
        ({"validation_share": 0.3, "average": {"kind": "ema", "decay": 0.75}}, {"channels_last": True}),
    ],
    ids=["no momentum", "channels first", "with validation", "averaged"],
)
def test_resuming_works_with_other_settings(make: Make, changes: dict[str, Any], compute: dict[str, bool]) -> None:
    whole, done = (make(recipe("unet", **changes), compute=compute) for _ in range(2))
    expected = whole.run()
    done.interrupt(1)
    assert done.run() == expected
    columns = ("epoch", "learning_rate", "loss", "validation_loss")
    assert [[row[name] for name in columns] for row in done.rows()] == [
        [row[name] for name in columns] for row in whole.rows()
    ]


def test_resuming_trains_only_what_is_missing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    done = make(recipe("unet"))
    done.interrupt(2)
    trained = epochs_trained(monkeypatch)
    done.run()
    assert trained == [2]


def test_a_killed_job_goes_on_in_another_process(make: Make, slices: list[Path], uninterrupted: bytes) -> None:
    """So two processes, each training its share of the epochs, write the bytes that a single one writes."""
    done = make(recipe())
    told = run_elsewhere(done, slices, recipe(), kill_after=2)
    assert told.returncode == -signal.SIGKILL, told.stderr
    assert not done.weights.exists()
    assert done.run() == uninterrupted
    assert len(done.rows()) == 3
    assert done.left() == ["lock", "state.safetensors"]


def asking(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    """Ask this process to end in its n-th mini-batch, as the queue does; its end is a KeyboardInterrupt."""
    criterion = LOSSES["bce"]
    seen = iter(range(1, 1000))

    def asked(*given: Any) -> Tensor:
        if next(seen) == batch:
            os.kill(os.getpid(), signal.SIGTERM)
        return criterion(*given)

    def end() -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setitem(LOSSES, "bce", asked)
    monkeypatch.setattr(Interruption, "end", staticmethod(end))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("batch", [1, 2, 3, 4, 6], ids=lambda batch: f"batch {batch}")
def test_asked_to_end_is_never_having_stopped(make: Make, uninterrupted: bytes, batch: int, workers: int) -> None:
    """Two batches an epoch, three epochs: within the first, after it, in the second, and at the very end."""
    done = make(recipe(), compute={"workers": workers})
    with pytest.MonkeyPatch.context() as patch:
        asking(patch, batch)
        with pytest.raises(KeyboardInterrupt):
            done.run()
    assert not done.weights.exists()
    trained = 0
    train_step = torch.optim.SGD.step

    def counted(self: torch.optim.SGD, *arguments: Any) -> Any:
        nonlocal trained
        trained += 1
        return train_step(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.SGD, "step", counted)
        assert done.run() == uninterrupted
    assert trained == 6 - batch
    assert done.left() == ["lock", "state.safetensors"]
    assert [row["epoch"] for row in done.rows()] == ["1", "2", "3"]


def test_asked_to_end_before_the_first_mini_batch(make: Make, uninterrupted: bytes) -> None:
    """While the loading processes start, or wait for a slow file system."""

    def late(loader: Any, waiting: Callable[[float], None]) -> Iterator[Any]:
        os.kill(os.getpid(), signal.SIGTERM)
        waiting(5.0)
        yield from loader

    def end() -> NoReturn:
        raise KeyboardInterrupt

    done = make(recipe())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "arriving", late)
        patch.setattr(Interruption, "end", staticmethod(end))
        with pytest.raises(KeyboardInterrupt):
            done.run()
    assert done.left() == ["lock", "state.safetensors"]
    assert done.run() == uninterrupted


def test_losses_do_not_tell_of_an_end_within_an_epoch(make: Make) -> None:
    whole, done = (make(recipe("unet", validation_share=0.3)) for _ in range(2))
    whole.run()
    for batch in (1, 3):  # the second time, while it validates: three batches are one epoch and its validation
        with pytest.MonkeyPatch.context() as patch:
            asking(patch, batch)
            with pytest.raises(KeyboardInterrupt):
                done.run()
    done.run()
    for name in ("epoch", "learning_rate", "loss", "validation_loss"):
        assert [row[name] for row in done.rows()] == [row[name] for row in whole.rows()]


@pytest.mark.parametrize("devices", [1, 2])
def test_sigterm_ends_the_process_with_a_saved_state(
    make: Make, slices: list[Path], uninterrupted: bytes, devices: int
) -> None:
    """As the queue sends it: to every process of the job, also to those that load slices."""
    done = make(recipe())
    told = run_elsewhere(done, slices, recipe(), end_at=4, devices=devices, workers=1)
    assert told.returncode == -signal.SIGTERM, told.stderr
    assert not done.weights.exists()
    with safe_open(done.side / "state.safetensors", framework="pt") as file:
        header = json.loads(file.metadata()["hepaflow"])
    done_so_far = 2 * len(header["history"]) + header["part"]["batches"]
    assert done_so_far in (4, 5)  # the signal and the batch race
    if devices == 1:
        assert done.run() == uninterrupted


def test_a_second_job_waits_or_is_refused(make: Make, slices: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    done = make(recipe("unet"))
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom hepaflow.training.state import TrainingState\n"
        "with TrainingState(Path(sys.argv[1]), 'key').owned():\n    print(flush=True)\n    sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(done.side)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(hepaflow.__file__).parents[1]), "SLURM_JOB_ID": "77"},
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        monkeypatch.setattr("hepaflow.training.state.PATIENCE", 0.0)
        with pytest.raises(UserError, match=f"process {other.pid} on .*, SLURM job 77"):
            done.run()
        assert not done.weights.exists()
        monkeypatch.setattr("hepaflow.training.state.PATIENCE", 60.0)
        other.kill()  # as the queue does; its lock ends with it
        done.run()
    assert done.left() == ["lock", "state.safetensors"]


def test_a_finished_training_is_not_trained_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its job can still be ended, and Snakemake then deletes what it wrote: so the last state stays."""
    done = make(recipe("unet", epochs=2))
    weights, history = done.run(), done.rows()
    assert done.left() == ["lock", "state.safetensors"]
    done.weights.unlink()
    done.history.unlink()
    trained = epochs_trained(monkeypatch)
    assert done.run() == weights
    assert done.rows() == history
    assert trained == []
    remove_states([done.weights])
    assert sorted(path.name for path in done.weights.parent.iterdir()) == ["net.history.csv", "net.safetensors"]


class StopTraining(Exception):  # noqa: N818
    """Enough has been seen."""


def epochs_trained(monkeypatch: pytest.MonkeyPatch, limit: int = 1000) -> list[int]:
    """Return a list that will tell, by their numbers from 0, which epochs are trained from now on."""
    trained: list[int] = []
    train_epoch = Trainer._train_epoch

    def counting(self: Trainer, epoch: int) -> Part:
        trained.append(epoch)
        if len(trained) == limit:
            raise StopTraining
        return train_epoch(self, epoch)

    monkeypatch.setattr(Trainer, "_train_epoch", counting)
    return trained


@pytest.mark.parametrize(
    "other", ["settings", "seed", "code", "pixels", "masks", "exams", "order", "start", "no start", "none"]
)
def test_another_recipes_state_is_never_used(
    make: Make, slices: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    starts = [tmp_path / "start1.safetensors", tmp_path / "start2.safetensors"]
    for seed, path in enumerate(starts):
        torch.manual_seed(seed)
        save_weights(build_network(recipe("unet").network), path, "{}")
    first: dict[str, Any] = {"slices": slices, "settings": recipe("unet"), "code": "code", "start": starts[0]}
    changed: dict[str, Any] = {
        "settings": {"settings": recipe("unet", momentum=0.8)},
        "seed": {"settings": recipe("unet", seed=2)},
        "code": {"code": "other"},
        "pixels": {"slices": [write_exam(tmp_path / slices[0].name, 4, seed=77), *slices[1:]]},
        "masks": {"slices": [other_mask(tmp_path / slices[0].name), *slices[1:]]},
        "exams": {"slices": slices[:2]},
        "order": {"slices": slices[::-1]},
        "start": {"start": starts[1]},
        "no start": {"start": None},
        "none": {},
    }[other]
    done = make(recipe("unet"))
    done.interrupt(1, **first)
    trained = epochs_trained(monkeypatch, limit=1)
    with pytest.raises(StopTraining):
        done.run(**{**first, **changed})
    assert trained == ([1] if other == "none" else [0])


def other_mask(path: Path) -> Path:
    """Write the first exam with the same pixels and another mask."""
    write_exam(path, 4, seed=0)
    arrays = {name: value.numpy() for name, value in load_file(path).items()}
    shape = arrays["mask"].shape
    SliceStack(arrays["image"], ~arrays["mask"], Box.whole(shape), shape).save(path)
    return path


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (("state",), [1, 2]),  # the state after two epochs is lost, that after one is used
        (("state", "previous"), [0, 1, 2]),
    ],
    ids=["newest", "both"],
)
def test_damaged_states_are_noticed_and_the_result_is_the_same(
    make: Make, uninterrupted: bytes, monkeypatch: pytest.MonkeyPatch, damage: tuple[str, ...], expected: list[int]
) -> None:
    done = make(recipe())
    done.interrupt(2)
    for name in damage:
        file = done.side / f"{name}.safetensors"
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    (done.side / "partial.1").write_bytes(b"half a state")
    trained = epochs_trained(monkeypatch)
    assert done.run() == uninterrupted
    assert trained == expected
    assert len(done.rows()) == 3
    assert done.left() == ["lock", "state.safetensors"]


# The lesion network.


def test_a_lesion_network_starts_from_the_livers_weights(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    liver = make(recipe(epochs=1))
    liver.run()
    seen = []

    def stop(self: Trainer, _: int) -> NoReturn:
        seen.append({name: value.clone() for name, value in self.network.state_dict().items()})
        raise StopTraining

    monkeypatch.setattr(Trainer, "_train_epoch", stop)
    with pytest.raises(StopTraining):
        make(recipe(start="liver"), start=liver.weights).run()
    expected = load_file(liver.weights)
    assert seen[0].keys() == expected.keys()
    assert all(torch.equal(seen[0][name], expected[name]) for name in expected)


@pytest.mark.parametrize("average", [None, {"kind": "ema", "decay": 0.9}])
def test_without_an_epoch_the_start_is_the_result(make: Make, average: dict[str, Any] | None) -> None:
    liver = make(recipe(epochs=1))
    liver.run()
    taken = make(recipe(epochs=0, start="liver", average=average), start=liver.weights)
    taken.run()
    expected, found = load_file(liver.weights), load_file(taken.weights)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert not taken.rows()


def test_a_start_that_does_not_fit_is_refused(make: Make, tmp_path: Path) -> None:
    other = make(recipe("unet", epochs=1))
    other.run()
    garbage = tmp_path / "garbage.safetensors"
    garbage.write_bytes(b"garbage")
    for start in (other.weights, garbage):
        done = make(recipe(start="liver"), start=start)
        with pytest.raises(UserError, match=start.name):
            done.run()
        assert not done.weights.exists()


# What a step does, and what becomes of the weights.


def descended(
    settings: TrainSettings, slices: Sequence[Path], clip: float | None = None
) -> list[dict[str, Tensor]]:
    """Return a network after each step of plain gradient descent on all slices at once."""
    torch.manual_seed(settings.seed)
    network = build_network(settings.network)
    images, masks = SliceDataset(slices)[range(4)]
    found = []
    for epoch in range(settings.training.epochs):
        order = torch.from_numpy(np.random.default_rng([settings.seed, epoch]).permutation(4))
        network.zero_grad()
        LOSSES["bce"](network(images[order]), masks[order]).backward()
        gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
        norm = math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients))
        scale = 1.0 if clip is None or norm < clip else clip / norm
        with torch.no_grad():
            for weight, gradient in zip(network.parameters(), gradients, strict=True):
                weight -= settings.training.learning_rate * scale * gradient
        found.append({name: value.clone() for name, value in network.state_dict().items()})
    return found


PLAIN: dict[str, Any] = {"epochs": 3, "batch_size": 4, "momentum": 0.0, "learning_rate": 0.1, "decay_factor": 1}


@pytest.mark.parametrize("clip", [0.05, 1e3])
def test_a_gradient_is_scaled_down_to_its_largest_norm(make: Make, tmp_path: Path, clip: float) -> None:
    slices = write_exams(tmp_path / "few", 4)
    done = make(recipe("unet", clip_gradients=clip, **PLAIN), slices=slices)
    done.run()
    *_, before, expected = descended(recipe("unet", **PLAIN), slices, clip)
    found = load_file(done.weights)

    def distance(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
        return math.sqrt(sum(float((one[name] - other[name]).double().square().sum()) for name in expected))

    # Of the whole: how exact a single weight is depends on the processor.
    assert distance(found, expected) < 0.01 * distance(before, expected)


def test_averaged_weights_are_what_is_validated_and_written(make: Make, tmp_path: Path) -> None:
    """Those of the first step, and then a quarter of each: their statistics with them."""
    slices = write_exams(tmp_path / "few", 4)
    done = make(recipe("unet", average={"kind": "ema", "decay": 0.75}, **PLAIN), slices=slices)
    done.run()
    first, second, third = descended(recipe("unet", **PLAIN), slices)
    for name, found in load_file(done.weights).items():
        if found.is_floating_point():
            expected = 0.75 * (0.75 * first[name] + 0.25 * second[name]) + 0.25 * third[name]
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_an_average_leaves_the_training_as_it_is(make: Make) -> None:
    plain, averaged = (make(recipe("unet", **more)) for more in ({}, {"average": {"kind": "ema", "decay": 0.5}}))
    assert averaged.run() != plain.run()
    assert [row["loss"] for row in averaged.rows()] == [row["loss"] for row in plain.rows()]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_everything_at_once_trains(make: Make, precision: str) -> None:
    chosen: dict[str, Any] = {
        "optimiser": {"kind": "sgd", "nesterov": True, "weight_decay": 3e-5},
        "schedule": {"kind": "cosine", "warm_up": 0.1},
        "loss": ({"kind": "bce", "positive_weight": 2.0}, {"kind": "tversky", "factor": 0.5}),
        "average": {"kind": "ema", "decay": 0.5},
        "clip_gradients": 1.0,
        "oversample": 0.33,
        "batches_per_epoch": 2,
        "validation_share": 0.3,
    }
    done = make(recipe("unet", precision=precision, **chosen))
    done.run()
    assert all(math.isfinite(float(row["loss"]) + float(row["validation_loss"])) for row in done.rows())
    assert {value.dtype for value in load_file(done.weights).values()} == {torch.float32, torch.int64}


class Deep(nn.Module):
    """Draws logits at two sizes in training, and at the full one else."""

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse = nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 2, stride=2)

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        return [self.fine(x), self.coarse(x)] if self.training else self.fine(x)


def test_a_network_may_be_supervised_at_several_sizes(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two thirds of the loss are of the full size, one third of the half."""
    slices = write_exams(tmp_path / "few", 4, 4)
    monkeypatch.setattr(training, "build_network", lambda *_: Deep())
    settings = recipe(**{**PLAIN, "epochs": 1, "validation_share": 0.5})
    done = make(settings, slices=slices)
    done.run()
    torch.manual_seed(settings.seed)
    network = Deep()
    images, masks = SliceDataset([slices[split_exams(2, 0.5, settings.seed)[0][0]]])[range(4)]
    order = torch.from_numpy(np.random.default_rng([settings.seed, 0]).permutation(4))
    fine, coarse = network(images[order])
    halved = masks[order][..., 1::2, 1::2]
    loss = 2 / 3 * LOSSES["bce"](fine, masks[order]) + 1 / 3 * LOSSES["bce"](coarse, halved)
    loss.backward()
    assert float(done.rows()[0]["loss"]) == pytest.approx(loss.item(), rel=1e-5)
    assert float(done.rows()[0]["validation_loss"]) > 0
    for name, weight in network.named_parameters():
        assert weight.grad is not None
        torch.testing.assert_close(load_file(done.weights)[name], weight.detach() - 0.1 * weight.grad)


# Validation.


@pytest.mark.parametrize(
    ("exams", "share", "held_out"),
    [(10, 0.0, 0), (10, 0.2, 2), (10, 0.01, 1), (10, 0.99, 9), (2, 0.5, 1), (1, 0.5, 0), (121, 0.1, 12)],
)
def test_a_share_of_the_exams_is_held_out(exams: int, share: float, held_out: int) -> None:
    train, validation = split_exams(exams, share, seed=1)
    assert len(validation) == held_out
    assert sorted(train + validation) == list(range(exams))
    assert train == sorted(train)
    assert (train, validation) == split_exams(exams, share, seed=1)


def test_the_held_out_exams_are_drawn() -> None:
    assert len({tuple(split_exams(20, 0.2, seed)[1]) for seed in range(10)}) > 5


def test_held_out_exams_are_never_trained_on(make: Make, slices: list[Path], tmp_path: Path) -> None:
    """Another exam in their place changes the validation loss, and not one byte of the weights."""
    settings = recipe("unet", validation_share=0.3)
    train, (held_out,) = split_exams(3, 0.3, seed=1)
    done = make(settings)
    weights = done.run()
    for number, same in ((held_out, True), (train[0], False)):
        exchanged = list(slices)
        exchanged[number] = write_exam(tmp_path / slices[number].name, 5, seed=55)
        other = make(settings, slices=exchanged)
        assert (other.run() == weights) is same
        assert other.rows()[-1]["validation_loss"] != done.rows()[-1]["validation_loss"]
    assert all(0 < float(row["validation_loss"]) < 5 for row in done.rows())


@pytest.mark.parametrize("average", [None, {"kind": "ema", "decay": 0.5}], ids=["last", "averaged"])
def test_the_validation_loss_is_that_of_the_final_weights(make: Make, slices: list[Path], average: Any) -> None:
    done = make(recipe("unet", validation_share=0.3, average=average))
    done.run()
    network = build_network(recipe("unet").network)
    network.load_state_dict(load_file(done.weights))
    held_out = load_file(slices[split_exams(3, 0.3, seed=1)[1][0]])
    with torch.no_grad():
        logits = network.eval()((held_out["image"].to(torch.int32) / FULL * 2 - 1)[:, None])
    loss = LOSSES["bce"](logits, held_out["mask"].float()[:, None]).item()
    assert float(done.rows()[-1]["validation_loss"]) == pytest.approx(loss, rel=1e-4)


def test_without_validation_no_loss_is_reported(make: Make) -> None:
    done = make(recipe("unet", epochs=2))
    done.run()
    assert [row["validation_loss"] for row in done.rows()] == ["", ""]


def test_exams_without_slices_are_neither_trained_on_nor_held_out(make: Make, tmp_path: Path) -> None:
    """Their validation loss would be no number."""
    paths = write_exams(tmp_path / "some empty", 0, 4, 0, 4, 0, 0)
    for seed in range(4):
        done = make(recipe("unet", seed=seed, epochs=1, validation_share=0.2), slices=paths)
        done.run()
        assert math.isfinite(float(done.rows()[0]["validation_loss"]))


# Mistakes.


def test_a_loss_that_is_not_finite_ends_the_training(make: Make) -> None:
    done = make(recipe("unet", learning_rate=1e30, decay_factor=1))
    with pytest.raises(UserError, match="lower the learning rate"):
        done.run()
    assert not done.weights.exists()
    assert not done.history.exists()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_noticed_within_the_epoch_and_never_saved(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: float
) -> None:
    """An epoch takes hours: it is not trained to its end, and the state before it stays."""
    criterion, seen = LOSSES["bce"], iter(range(1000))
    done = make(recipe("unet", batch_size=2), slices=write_exams(tmp_path / "slices", 12, 12))
    monkeypatch.setattr(training, "_LOOK_EVERY", 4)
    stepped = 0

    def turned(logits: Tensor, masks: Tensor) -> Tensor:
        nonlocal stepped
        stepped = next(seen)
        return criterion(logits, masks) * (value if stepped == 13 else 1.0)

    monkeypatch.setitem(LOSSES, "bce", turned)
    with pytest.raises(UserError, match=r"training loss of (nan|inf), in epoch 2"):
        done.run()
    assert stepped == 15  # twelve batches an epoch; the fourth of the second is the next that is looked at
    assert not done.weights.exists()
    with safe_open(done.side / "state.safetensors", framework="pt") as file:
        assert len(json.loads(file.metadata()["hepaflow"])["history"]) == 1
        assert all(file.get_tensor(name).isfinite().all() for name in file.keys())  # noqa: SIM118


def test_asked_to_end_with_a_loss_that_is_not_finite_saves_nothing(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    criterion = LOSSES["bce"]

    def turned(logits: Tensor, masks: Tensor) -> Tensor:
        os.kill(os.getpid(), signal.SIGTERM)
        return criterion(logits, masks) * math.nan

    done = make(recipe("unet"))
    monkeypatch.setitem(LOSSES, "bce", turned)
    monkeypatch.setattr(Interruption, "__exit__", lambda *_: None)  # else the signal would end this process
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(UserError, match="training loss of nan"):
            done.run()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not done.side.exists()


def test_weights_that_are_not_finite_are_never_saved(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last step of the last epoch shows in no loss."""
    step, seen = torch.optim.SGD.step, iter(range(1, 1000))

    def broken(self: torch.optim.SGD, *arguments: Any) -> Any:
        done = step(self, *arguments)
        if next(seen) == 6:
            next(iter(self.param_groups[0]["params"])).data.view(-1)[0] = math.nan
        return done

    monkeypatch.setattr(torch.optim.SGD, "step", broken)
    done = make(recipe("unet"))
    with pytest.raises(UserError, match="weights that are no finite numbers, in epoch 3"):
        done.run()
    assert not done.weights.exists()
    assert (done.side / "state.safetensors").exists()


def test_a_loss_of_zero_is_no_mistake(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LOSSES, "bce", lambda logits, _: 0 * logits.sum())
    done = make(recipe("unet", epochs=1))
    done.run()
    assert [float(row["loss"]) for row in done.rows()] == [0]


def test_oversampling_what_no_slice_shows_is_refused(make: Make, tmp_path: Path) -> None:
    shape = (4, SIZE, SIZE)
    path = tmp_path / "empty.safetensors"
    SliceStack(np.zeros(shape, np.uint16), np.zeros(shape, bool), Box.whole(shape), shape).save(path)
    with pytest.raises(UserError, match="no pixel of the structure in 4 training slices"):
        make(recipe("unet", oversample=0.33), slices=[path]).run()


@pytest.mark.parametrize("counts", [(), (0,), (1,), (1, 0)])
def test_too_few_slices_are_refused(make: Make, tmp_path: Path, counts: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"\d training slices?"):
        make(recipe("unet"), slices=write_exams(tmp_path / "few", *counts)).run()


# Several devices.


def test_two_devices_train_one_network(make: Make, slices: list[Path]) -> None:
    """Two processes on the CPU, started by the job as under SLURM, whose variables tell of a single task."""
    settings = recipe(epochs=2, validation_share=0.3)
    done = make(settings)
    slurm = {"SLURM_NTASKS": "1", "SLURM_JOB_NAME": "job", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}
    told = run_elsewhere(done, slices, settings, devices=2, **slurm)
    assert told.returncode == 0, told.stderr
    assert sorted(path.name for path in done.weights.parent.glob("done.*")) == ["done.0", "done.1"]
    assert done.left() == ["lock", "state.safetensors"]
    assert len(done.rows()) == 2
    assert all(math.isfinite(float(row["validation_loss"])) for row in done.rows())
    network = build_network(settings.network)
    network.load_state_dict(load_file(done.weights))


def test_two_devices_compute_what_one_computes(make: Make, tmp_path: Path) -> None:
    """Started as a job starts them; `test_devices.py` has shares of unequal size, statistics and dropout."""
    slices = write_exams(tmp_path / "eight", 5, 3)  # two batches of four: the devices' shares are equally large
    one, two = (make(recipe(epochs=3, batch_size=4)) for _ in range(2))
    for done, devices in ((one, 1), (two, 2)):
        told = run_elsewhere(
            done, slices, recipe(epochs=3, batch_size=4), devices=devices, without_statistics=True
        )
        assert told.returncode == 0, told.stderr
    expected, found = load_file(one.weights), load_file(two.weights)
    assert found.keys() == expected.keys()
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-5, atol=1e-6)
    losses = [[float(row["loss"]) for row in done.rows()] for done in (one, two)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert losses[0][0] != pytest.approx(losses[0][2], rel=1e-3)  # they have learnt something
