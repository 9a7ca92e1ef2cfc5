"""Several devices, here processes on the CPU: together they compute what one computes, and none waits for ever."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import several
import torch
from safetensors.torch import load_file
from torch import distributed, nn
from unit.networks.test_registry import A_FAMILY, EVERY, settings_of
from unit.training.test_trainer import Training, recipe, write_exams

from hepaflow.errors import UserError
from hepaflow.networks.from_monai import FromMonai
from hepaflow.networks.network import build_network
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.monai import MonaiNetwork
from hepaflow.settings.network import SIDES, NetworkSettings
from hepaflow.settings.sampling import Patches
from hepaflow.settings.training import TrainSettings
from hepaflow.training import devices as devices_module
from hepaflow.training import trainer as training
from hepaflow.training.devices import DROPOUTS, INSTANCE_NORMS, shared
from hepaflow.training.losses import LOSSES
from hepaflow.training.state import TrainingState
from hepaflow.training.trainer import train_network

torch.set_num_threads(1)

ROUNDING = {"rtol": 1e-5, "atol": 2e-5}
"""Most weights are below 3, some near 8, and float32 has 24 bits: sums in another order differ by some 1e-7 at
each of up to nine steps, which the network's curvature makes larger. Where devices computed something else (each
share counted alike, statistics and dropout of each device's own slices), the same weights differed by 1e-3 and
more."""


DIMENSIONS: dict[type[nn.Module], int] = {
    **{nn.Dropout1d: 1, nn.Dropout3d: 3, nn.InstanceNorm1d: 1, nn.InstanceNorm3d: 3},
}
"""Of layers that are not for pictures of two."""


class Tiny(nn.Sequential):
    """A network with all that depends on the other slices of a batch: batch normalisation and dropout."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(1, 6, 3, padding=1, stride=4),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Conv2d(6, 6, 3, padding=1),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.Upsample(scale_factor=4, mode="bilinear", align_corners=False),
            nn.Conv2d(6, 1, 1),
        )


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(training, "build_network", lambda *_: Tiny())
    yield
    torch.use_deterministic_algorithms(False)


def small(**changes: Any) -> TrainSettings:
    return recipe("unet", **{"batch_size": 8, "learning_rate": 0.1, **changes})


def job(done: Training, slices: list[Path], settings: TrainSettings, devices: int) -> Callable[[int], None]:
    """Return what each process of a training does."""

    def work(_: int) -> None:
        torch.set_num_threads(1)
        train_network(
            slices,
            settings,
            code="code",
            output=done.weights,
            history=done.history,
            compute=ComputeSettings(accelerator="cpu", workers=0, devices=devices),
            threads=1,
        )

    return work


def trained(folder: Path, slices: list[Path], settings: TrainSettings, devices: int) -> Training:
    done = Training(folder, slices, settings)
    several.together(devices, job(done, slices, settings, devices))
    return done


def assert_same_network(one: Training, other: Training) -> None:
    expected, found = load_file(one.weights), load_file(other.weights)
    assert found.keys() == expected.keys()
    for name in expected:
        torch.testing.assert_close(
            found[name], expected[name], **ROUNDING, msg=lambda text, at=name: f"{at}: {text}"
        )
    for name in ("loss", "validation_loss"):
        losses = [[float(row[name] or 0) for row in done.rows()] for done in (one, other)]
        assert losses[1] == pytest.approx(losses[0], rel=1e-4)


# As one device.


EVERY_LOSS = ({"kind": "bce", "positive_weight": 3.0}, {"kind": "tversky"}, {"kind": "focal", "factor": 2.0})


@pytest.mark.parametrize(
    "loss", ["bce", "dice", "bce+dice", EVERY_LOSS], ids=["bce", "dice", "bce+dice", "others"]
)
@pytest.mark.parametrize("devices", [2, 3])
def test_devices_compute_what_one_computes(tmp_path: Path, devices: int, loss: Any) -> None:
    """Of eight slices, three devices have 3, 3 and 2; of the two that are left over, one, one and none."""
    slices = write_exams(tmp_path / "slices", 6, 4)
    one, more = (trained(tmp_path / str(count), slices, small(loss=loss), count) for count in (1, devices))
    assert_same_network(one, more)
    losses = [float(row["loss"]) for row in one.rows()]
    assert losses[-1] < 0.99 * losses[0]  # they have learnt something


def test_devices_compute_of_patches_what_one_computes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With batch normalisation, and patches of which half show the structure."""
    slices = write_exams(tmp_path / "slices", 6, 4)

    def network(*_: object) -> nn.Module:
        return nn.Sequential(nn.Conv3d(1, 2, 3, padding=1), nn.BatchNorm3d(2), nn.ReLU(), nn.Conv3d(2, 1, 1))

    monkeypatch.setattr(training, "build_network", network)
    settings = small(batch_size=6, oversample=0.5, batches_per_epoch=2, loss="bce+dice", validation_share=0.3)
    settings = settings.model_copy(update={"sampling": Patches(kind="patches", size=(4, 16, 16))})
    one, more = (trained(tmp_path / str(count), slices, settings, count) for count in (1, 2))
    assert_same_network(one, more)


@pytest.mark.parametrize(
    ("exams", "batch_size"),
    [((2, 1), 8), ((4, 3, 1), 6), ((3, 5, 4), 6)],
    ids=["three slices", "one held out", "more"],
)
def test_fewer_slices_than_devices_are_enough(tmp_path: Path, exams: tuple[int, ...], batch_size: int) -> None:
    slices = write_exams(tmp_path / "slices", *exams)
    share = 0.3 if len(exams) > 2 else 0
    settings = small(batch_size=batch_size, epochs=2, loss="dice", validation_share=share)
    one, three = (trained(tmp_path / str(devices), slices, settings, devices) for devices in (1, 3))
    assert_same_network(one, three)
    assert all(bool(row["validation_loss"]) == bool(share) for row in three.rows())


AUGMENTED: dict[str, Any] = {
    "augmentation": (
        {"kind": "flip", "direction": "horizontal", "probability": 0.5},
        {"kind": "rotate", "degrees": (-20, 20), "probability": 0.5},
        {"kind": "noise", "standard_deviation": (0, 0.1), "probability": 0.5},
    )
}
ADAMW: dict[str, Any] = {
    **AUGMENTED,
    "optimiser": {"kind": "adamw"},
    "schedule": {"kind": "one_cycle"},
    "learning_rate": 0.01,
}


def without_biases() -> nn.Module:
    """Return a network without biases before its statistics, which take them away again.

    Their gradient is 0 but for rounding, and AdamW takes steps of one length for gradients of any.
    """
    network = Tiny()
    for layer in (network[0], network[4]):
        layer.bias = None
    return network


@pytest.mark.parametrize("devices", [2, 3])
@pytest.mark.parametrize("changes", [AUGMENTED, ADAMW], ids=["sgd", "adamw"])
def test_devices_that_augment_compute_what_one_computes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, devices: int, changes: dict[str, Any]
) -> None:
    monkeypatch.setattr(training, "build_network", lambda *_: without_biases())
    slices = write_exams(tmp_path / "slices", 6, 4)
    one, more = (trained(tmp_path / str(count), slices, small(**changes), count) for count in (1, devices))
    assert_same_network(one, more)


class Deep(nn.Module):
    """Draws logits at two sizes in training, and at the full one else."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = without_biases()
        self.coarse = nn.Conv2d(1, 1, 2, stride=2)

    def forward(self, x: torch.Tensor) -> Any:
        return (self.fine(x), self.coarse(x)) if self.training else self.fine(x)


CHOSEN: dict[str, Any] = {
    **AUGMENTED,
    "average": {"kind": "ema", "decay": 0.75},
    "clip_gradients": 0.5,
    "oversample": 0.33,
    "batches_per_epoch": 2,
    "schedule": {"kind": "cosine", "warm_up": 0.2},
}


def test_devices_that_average_clip_and_oversample_compute_what_one_computes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Supervised at two sizes, and validated with the average."""
    monkeypatch.setattr(training, "build_network", lambda *_: Deep())
    slices, settings = write_exams(tmp_path / "slices", 6, 4, 3), small(validation_share=0.3, **CHOSEN)
    one, three = (trained(tmp_path / str(count), slices, settings, count) for count in (1, 3))
    assert_same_network(one, three)


@pytest.mark.parametrize("kind", DROPOUTS, ids=lambda kind: kind.__name__)
def test_every_dropout_is_drawn_for_the_slices_of_all_devices(tmp_path: Path, kind: type[nn.Module]) -> None:
    """Of three slices, two devices have two and one."""
    slices = torch.rand(3, 4, *[3] * DIMENSIONS.get(kind, 2))
    torch.manual_seed(5)
    expected = kind(0.5)(slices)

    def work(rank: int) -> None:
        distributed.init_process_group("gloo")
        torch.manual_seed(5)
        dropped = shared(nn.Sequential(kind(0.5)), torch.device("cpu"))(slices[rank::2])
        torch.save(dropped, tmp_path / str(rank))

    several.together(2, work)
    for rank in range(2):
        assert torch.equal(torch.load(tmp_path / str(rank)), expected[rank::2])


@pytest.mark.parametrize(
    ("dropout", "norm"),
    [(0.5, ["group", {"num_groups": 2}]), (0.0, ["instance", {"affine": True}])],
    ids=["dropped channels", "instance norm"],
)
def test_a_network_of_monai_is_that_of_one_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dropout: float, norm: Any
) -> None:
    """Of the two slices that are left over, the third device has none.

    Not both at once: a dropped channel has no variance, and instance norm makes its rounding 300 times larger.
    """
    arguments = {"init_filters": 4, "blocks_down": [1, 1], "blocks_up": [1], "dropout_prob": dropout, "norm": norm}
    chosen = MonaiNetwork(name="SegResNet", arguments=arguments)
    monkeypatch.setattr(training, "build_network", lambda *_: FromMonai(chosen))
    slices, settings = write_exams(tmp_path / "slices", 6, 4), small(epochs=2, learning_rate=0.01)
    one, three = (trained(tmp_path / str(count), slices, settings, count) for count in (1, 3))
    assert_same_network(one, three)


def test_batch_normalisation_without_weights_is_that_of_one_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def network(*_: Any) -> nn.Module:
        plain = without_biases()
        plain[1], plain[5] = nn.BatchNorm2d(6, affine=False), nn.BatchNorm2d(6, momentum=None)
        return plain

    monkeypatch.setattr(training, "build_network", network)
    slices = write_exams(tmp_path / "slices", 4, 2)
    one, two = (trained(tmp_path / str(count), slices, small(epochs=2), count) for count in (1, 2))
    assert_same_network(one, two)


OF_REGISTRY = [settings_of(name) for name in EVERY if name in A_FAMILY]
OF_MONAI = [
    NetworkSettings(arch="monai", weights="none", monai={"name": name, "arguments": arguments})
    for name, arguments in (
        ("BasicUNet", {"features": [4] * 6}),
        ("UNet", {"channels": [4, 8], "strides": [2], "norm": ["instance", {"affine": False}]}),
        ("DynUNet", {"kernel_size": [3] * 3, "strides": [1, 2, 2], "upsample_kernel_size": [2, 2]}),
    )
]


@pytest.mark.parametrize(
    "settings", [*OF_REGISTRY, *OF_MONAI], ids=lambda one: one.monai.name if one.monai else one.arch
)
def test_every_network_passes_a_device_without_slices(
    monkeypatch: pytest.MonkeyPatch, settings: NetworkSettings
) -> None:
    """The third of three, where the others have two slices: its weights have a gradient, too."""
    monkeypatch.setattr(devices_module, "_summed", lambda own: own + 2)
    monkeypatch.setattr(distributed, "get_rank", lambda: 2)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 3)
    network = shared(build_network(settings), torch.device("cpu"))
    side = 2 * SIDES.get(settings.arch, 16)
    found = network(torch.rand(0, 1, side, side))
    sizes = [found] if isinstance(found, torch.Tensor) else found
    assert [logits.shape for logits in sizes] == [
        (0, 1, side >> level, side >> level) for level in range(len(sizes))
    ]
    torch.stack([logits.sum() for logits in sizes]).sum().backward()
    assert all(weight.grad is not None for weight in network.parameters())


@pytest.mark.parametrize("kind", INSTANCE_NORMS, ids=lambda kind: kind.__name__)
def test_layers_that_are_replaced_compute_the_same(kind: type[nn.Module]) -> None:
    """Weights stay, and a layer in two places stays one."""
    layer = kind(4, affine=True)
    nn.init.uniform_(layer.weight)
    x = torch.rand(2, 4, *[3] * DIMENSIONS.get(kind, 2))
    expected = layer(x)
    network = shared(nn.ModuleList([layer, layer]), torch.device("cpu"))
    assert network[0] is network[1]
    assert torch.equal(network[0](x), expected)
    network[0](x[:0]).sum().backward()
    assert layer.weight.grad.count_nonzero() == layer.bias.grad.count_nonzero() == 0


# Resumed.


@pytest.mark.parametrize(
    ("devices", "changes"),
    [(1, {}), (2, {}), (3, {}), (2, {**CHOSEN, **ADAMW})],
    ids=["one", "two", "three", "two, with AdamW, augmentation, an average and more"],
)
def test_killed_and_resumed_is_never_having_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, devices: int, changes: dict[str, Any]
) -> None:
    slices, settings = write_exams(tmp_path / "slices", 6, 5), small(**changes)
    whole = trained(tmp_path / "whole", slices, settings, devices)
    done = Training(tmp_path / "killed", slices, settings)
    save = TrainingState.save

    def killed(self: TrainingState, network: Any, optimizer: Any, history: list[Any], *part: Any) -> None:
        save(self, network, optimizer, history, *part)
        os.kill(os.getpid(), signal.SIGKILL)

    for _ in range(2):  # after every epoch but the last
        with monkeypatch.context() as patch:
            patch.setattr(TrainingState, "save", killed)
            processes = several.start(devices, job(done, slices, settings, devices))
            first, *others = several.wait(processes)
        assert first == -signal.SIGKILL
        assert all(others)
        assert not done.weights.exists()
    several.together(devices, job(done, slices, settings, devices))
    assert done.weights.read_bytes() == whole.weights.read_bytes()
    assert done.left() == ["lock", "state.safetensors"]


@pytest.mark.parametrize("told", [0, 2], ids=["the first is told", "the last is told"])
def test_one_device_that_is_asked_to_end_ends_all(tmp_path: Path, told: int) -> None:
    slices = write_exams(tmp_path / "slices", 6, 5)
    whole = trained(tmp_path / "whole", slices, small(), 3)
    done = Training(tmp_path / "asked", slices, small())
    step = torch.optim.SGD.step
    seen = iter(range(1, 1000))

    def asked(self: torch.optim.SGD, *arguments: Any) -> Any:
        if next(seen) == 3 and os.environ["LOCAL_RANK"] == str(told):
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.SGD, "step", asked)
        ended = several.wait(several.start(3, job(done, slices, small(), 3)))
    assert ended == [-signal.SIGTERM] * 3
    assert (done.side / "state.safetensors").exists()
    several.together(3, job(done, slices, small(), 3))
    assert done.weights.read_bytes() == whole.weights.read_bytes()


def test_devices_that_a_failing_disk_shows_different_states_go_on_from_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second device cannot see the newest state: what the first found counts."""
    slices = write_exams(tmp_path / "slices", 6, 5)
    whole = trained(tmp_path / "whole", slices, small(), 2)
    done = Training(tmp_path / "stopped", slices, small())
    save, newest = TrainingState.save, TrainingState.newest

    def stopped(self: TrainingState, network: Any, optimizer: Any, history: list[Any], *part: Any) -> None:
        save(self, network, optimizer, history, *part)
        if len(history) == 2:
            os._exit(3)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingState, "save", stopped)
        several.wait(several.start(2, job(done, slices, small(), 2)))
    monkeypatch.setattr(
        TrainingState, "newest", lambda self: None if os.environ["LOCAL_RANK"] == "1" else newest(self)
    )
    several.together(2, job(done, slices, small(), 2))
    assert done.weights.read_bytes() == whole.weights.read_bytes()


# None waits for ever.


@pytest.mark.parametrize("failing", [0, 1])
@pytest.mark.parametrize("how", ["raises", "is killed"])
def test_one_that_fails_ends_the_others(tmp_path: Path, failing: int, how: str) -> None:
    slices = write_exams(tmp_path / "slices", 6, 5)
    done = Training(tmp_path / "failed", slices, small())
    criterion = LOSSES["bce"]

    def fail(*arguments: Any, **more: Any) -> torch.Tensor:
        if os.environ["LOCAL_RANK"] == str(failing):
            if how == "is killed":
                os.kill(os.getpid(), signal.SIGKILL)
            raise UserError("no memory left")
        return criterion(*arguments, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(LOSSES, "bce", fail)
        ended = several.wait(several.start(3, job(done, slices, small(), 3)))
    assert all(ended)
    assert not done.weights.exists()


def test_a_process_ends_when_the_one_that_started_it_has_died() -> None:
    """Even one that waits for a card, and so sees no closed connection."""
    from hepaflow.training.devices import end_with_parent

    reading, writing = os.pipe()
    parent = os.fork()
    if parent == 0:
        if os.fork() == 0:
            os.close(reading)
            end_with_parent()
            time.sleep(600)
            os._exit(0)
        time.sleep(0.5)
        os._exit(0)
    os.close(writing)
    os.waitpid(parent, 0)
    began = time.monotonic()
    assert os.read(reading, 1) == b""  # closed by the end of the grandchild
    os.close(reading)
    assert time.monotonic() - began < 30
