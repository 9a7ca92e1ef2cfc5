"""The state of an interrupted training: what is loaded is what was saved last, undamaged, for the same recipe."""

import builtins
import errno
import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel

from hepaflow.errors import UserError
from hepaflow.networks.weights import named_tensors
from hepaflow.training.history import Part
from hepaflow.training.state import TrainingState

Pair = tuple[nn.Module, torch.optim.Optimizer]


def pair(seed: int, momentum: float = 0.9, *, channels_last: bool = False, adamw: bool = False) -> Pair:
    torch.manual_seed(seed)
    network: nn.Module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1))
    if channels_last:
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if adamw:
        return network, torch.optim.AdamW(network.parameters(), lr=0.1)
    return network, torch.optim.SGD(network.parameters(), lr=0.1, momentum=momentum)


def step(network: nn.Module, optimizer: torch.optim.Optimizer, times: int = 1) -> None:
    for _ in range(times):
        optimizer.zero_grad()
        network(torch.ones(2, 3, 6, 6).mul_(torch.arange(6.0))).square().mean().backward()
        optimizer.step()


def values(network: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    found = dict(network.state_dict())
    for name, parameter in network.named_parameters():
        for kept, value in optimizer.state[parameter].items():
            found[f"{kept} of {name}"] = value
    return {name: value.clone() for name, value in found.items() if value is not None}


def assert_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


def rows(count: int) -> list[dict[str, Any]]:
    return [{"epoch": number, "loss": 0.1 * number, "validation_loss": None} for number in range(1, count + 1)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "net.training"


@pytest.fixture
def saved(folder: Path) -> list[dict[str, torch.Tensor]]:
    """Save states after one, two and three steps; return what they hold."""
    network, optimizer = pair(1)
    found = []
    for epoch in (1, 2, 3):
        step(network, optimizer)
        TrainingState(folder, "key").save(network, optimizer, rows(epoch))
        found.append(values(network, optimizer))
    return found


def test_nothing_saved_is_nothing_loaded(folder: Path) -> None:
    network, optimizer = pair(1)
    before = values(network, optimizer)
    assert TrainingState(folder, "key").load(network, optimizer) == ([], Part())
    assert_equal(values(network, optimizer), before)


def test_the_last_state_comes_back(folder: Path, saved: list[dict[str, torch.Tensor]]) -> None:
    network, optimizer = pair(2)
    assert TrainingState(folder, "key").load(network, optimizer) == (rows(3), Part())
    assert_equal(values(network, optimizer), saved[2])


@pytest.mark.parametrize("momentum", [0.9, 0.0])
@pytest.mark.parametrize("channels_last", [False, True])
def test_going_on_is_never_having_stopped(folder: Path, momentum: float, channels_last: bool) -> None:
    network, optimizer = pair(1, momentum, channels_last=channels_last)
    step(network, optimizer, 2)
    TrainingState(folder, "key").save(network, optimizer, rows(2))
    other = pair(2, momentum, channels_last=channels_last)
    TrainingState(folder, "key").load(*other)
    step(network, optimizer, 2)
    step(*other, 2)
    assert_equal(values(*other), values(network, optimizer))


@pytest.mark.parametrize("channels_last", [False, True])
def test_going_on_with_adamw_is_never_having_stopped(folder: Path, channels_last: bool) -> None:
    network, optimizer = pair(1, adamw=True, channels_last=channels_last)
    step(network, optimizer, 2)
    TrainingState(folder, "key").save(network, optimizer, rows(2))
    other = pair(2, adamw=True, channels_last=channels_last)
    TrainingState(folder, "key").load(*other)
    kept = {kept for parameter in other[0].parameters() for kept in other[1].state[parameter]}
    assert kept == {"step", "exp_avg", "exp_avg_sq"}
    assert_equal(values(*other), values(network, optimizer))
    step(network, optimizer, 2)
    step(*other, 2)
    assert_equal(values(*other), values(network, optimizer))


def test_a_network_that_reaches_its_layers_by_two_names_goes_on(folder: Path) -> None:
    from hepaflow.networks.from_monai import FromMonai
    from hepaflow.settings.monai import MonaiNetwork

    arguments = {
        "filters": [2, 4, 4],
        "kernel_size": [3] * 3,
        "strides": [1, 2, 1],
        "upsample_kernel_size": [2, 1],
    }
    chosen = MonaiNetwork(name="DynUNet", arguments=arguments)

    def begun(seed: int) -> tuple[Pair, nn.Module]:
        torch.manual_seed(seed)
        network = FromMonai(chosen, 3, 2).model
        assert len(network.state_dict()) > len(named_tensors(network))
        return (network, torch.optim.AdamW(network.parameters(), lr=0.1)), AveragedModel(network)

    made, average = begun(1)
    step(*made, 2)
    average.update_parameters(made[0])
    TrainingState(folder, "key").save(*made, rows(2), average=average)
    other, own = begun(2)
    TrainingState(folder, "key").load(*other, average=own)
    assert_equal(values(*other), values(*made))
    assert_equal(dict(own.state_dict()), dict(average.state_dict()))
    step(*made)
    step(*other)
    assert_equal(values(*other), values(*made))


@pytest.mark.parametrize("adamw", [False, True])
def test_what_is_kept_comes_back_in_the_layout_of_its_parameter(folder: Path, adamw: bool) -> None:
    network, optimizer = pair(1, channels_last=True, adamw=adamw)
    step(network, optimizer)
    TrainingState(folder, "key").save(network, optimizer, rows(1))
    network, optimizer = pair(2, channels_last=True, adamw=adamw)
    TrainingState(folder, "key").load(network, optimizer)
    for parameter in network.parameters():
        for name in ("exp_avg", "exp_avg_sq") if adamw else ("momentum_buffer",):
            assert optimizer.state[parameter][name].stride() == parameter.stride()


@pytest.mark.parametrize("number", [None, 1, 3])
def test_a_state_of_another_format_is_left_aside_with_a_warning(
    folder: Path, caplog: pytest.LogCaptureFixture, number: int | None
) -> None:
    """It says so, and is not taken for a damaged one."""
    network, optimizer = pair(1)
    step(network, optimizer)
    TrainingState(folder, "key").save(network, optimizer, rows(1))
    path = folder / "state.safetensors"
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["hepaflow"])
    header.pop("format")
    if number is not None:
        header["format"] = number
    save_file(load_file(path), path, {"hepaflow": json.dumps(header)})
    before = values(network, optimizer)
    with caplog.at_level(logging.WARNING):
        assert TrainingState(folder, "key").load(network, optimizer) == ([], Part())
    assert "another version" in caplog.text
    assert path.exists()
    assert_equal(values(network, optimizer), before)


def test_another_recipes_state_is_left_alone(folder: Path, saved: list[dict[str, torch.Tensor]]) -> None:
    network, optimizer = pair(2)
    before = values(network, optimizer)
    files = {path: path.read_bytes() for path in folder.iterdir()}
    assert TrainingState(folder, "other").load(network, optimizer) == ([], Part())
    assert_equal(values(network, optimizer), before)
    assert {path: path.read_bytes() for path in folder.iterdir()} == files


@pytest.mark.parametrize("kept", [0, 5, 200, -1])
def test_a_truncated_state_gives_way_to_the_one_before(
    folder: Path, saved: list[dict[str, torch.Tensor]], kept: int
) -> None:
    current = folder / "state.safetensors"
    current.write_bytes(current.read_bytes()[:kept])
    network, optimizer = pair(2)
    assert TrainingState(folder, "key").load(network, optimizer) == (rows(2), Part())
    assert_equal(values(network, optimizer), saved[1])


def test_killed_between_two_renames_gives_the_one_before(
    folder: Path, saved: list[dict[str, torch.Tensor]]
) -> None:
    os.replace(folder / "state.safetensors", folder / "previous.safetensors")
    (folder / "partial.1").write_bytes(b"half")
    network, optimizer = pair(2)
    assert TrainingState(folder, "key").load(network, optimizer) == (rows(3), Part())
    assert_equal(values(network, optimizer), saved[2])


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"\x02\0\0\0\0\0\0\0{}", b"not a state at all"])
def test_two_damaged_states_start_anew(folder: Path, saved: list[dict[str, torch.Tensor]], content: bytes) -> None:
    for name in ("state", "previous"):
        (folder / f"{name}.safetensors").write_bytes(content)
    network, optimizer = pair(2)
    before = values(network, optimizer)
    assert TrainingState(folder, "key").load(network, optimizer) == ([], Part())
    assert_equal(values(network, optimizer), before)


def test_a_damaged_state_never_takes_the_place_of_a_good_one(
    folder: Path, saved: list[dict[str, torch.Tensor]]
) -> None:
    """Killed twice: once so that the newest state is damaged, once while the next is being made the newest."""
    (folder / "state.safetensors").write_bytes(b"damaged")
    network, optimizer = pair(2)
    state = TrainingState(folder, "key")
    state.load(network, optimizer)
    state.save(network, optimizer, rows(3))
    (folder / "state.safetensors").unlink()
    assert TrainingState(folder, "key").load(*pair(3)) == (rows(2), Part())


def test_a_failed_write_leaves_the_states_as_they_were(
    folder: Path, saved: list[dict[str, torch.Tensor]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("hepaflow.training.state.save_file", full)
    with pytest.raises(OSError, match="no space"):
        TrainingState(folder, "key").save(*pair(4), rows(4))
    network, optimizer = pair(2)
    assert TrainingState(folder, "key").load(network, optimizer) == (rows(3), Part())
    assert_equal(values(network, optimizer), saved[2])


def test_a_state_is_on_the_disk_before_it_takes_the_place_of_another(
    folder: Path, saved: list[dict[str, torch.Tensor]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a machine that dies can leave a file of the right length and no content."""
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def flushed(file: int) -> None:
        done.append(f"flushed {os.stat(file).st_size}")
        fsync(file)

    def renamed(source: Any, target: Any) -> None:
        done.append("renamed to " + Path(target).name)
        replace(source, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", renamed)
    TrainingState(folder, "key").save(*pair(4), rows(4))
    size = (folder / "state.safetensors").stat().st_size
    assert done == [f"flushed {size}", "renamed to previous.safetensors", "renamed to state.safetensors"]


def test_deleting_leaves_nothing(folder: Path, saved: list[dict[str, torch.Tensor]]) -> None:
    state = TrainingState(folder, "key")
    state.delete()
    assert not folder.exists()
    state.delete()  # a training of one epoch never made the folder


# A disk that fails.


def failing(monkeypatch: pytest.MonkeyPatch, number: int, *names: str, times: int = 1000) -> None:
    """Let opening these states fail so often, as a network's disk does that does not answer for a while."""
    opened, left = builtins.open, [times]

    def fail(file: Any, *arguments: Any, **more: Any) -> Any:
        if str(file).endswith(tuple(f"{name}.safetensors" for name in names)) and left[0]:
            left[0] -= 1
            raise OSError(number, os.strerror(number))
        return opened(file, *arguments, **more)

    monkeypatch.setattr(builtins, "open", fail)
    monkeypatch.setattr("hepaflow.training.state.time.sleep", lambda _: None)


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ESTALE, errno.ENOMEM])
def test_states_that_cannot_be_read_stop_the_training_and_are_kept(
    folder: Path, saved: list[dict[str, torch.Tensor]], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    files = {path: path.read_bytes() for path in folder.iterdir()}
    network, optimizer = pair(2)
    before = values(network, optimizer)
    state = TrainingState(folder, "key")
    with monkeypatch.context() as patch:
        failing(patch, number, "state", "previous")
        with pytest.raises(UserError, match="the training goes on") as caught, state.owned():
            state.load(network, optimizer)
    assert os.strerror(number) in str(caught.value)
    assert str(folder) in str(caught.value)
    assert_equal(values(network, optimizer), before)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.name != "lock"} == files
    assert TrainingState(folder, "key").load(*pair(2)) == (rows(3), Part())


def test_a_disk_that_fails_in_passing_is_asked_again(
    folder: Path, saved: list[dict[str, torch.Tensor]], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, errno.EIO, "state", times=2)
    assert TrainingState(folder, "key").load(*pair(2)) == (rows(3), Part())


def test_one_state_that_cannot_be_read_gives_way_to_the_one_before(
    folder: Path, saved: list[dict[str, torch.Tensor]], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, errno.EIO, "state")
    assert TrainingState(folder, "key").load(*pair(2)) == (rows(2), Part())
    assert (folder / "state.safetensors").exists()


def test_a_damaged_and_an_unreadable_state_stop_the_training(
    folder: Path, saved: list[dict[str, torch.Tensor]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "state.safetensors").write_bytes(b"damaged")
    failing(monkeypatch, errno.EIO, "previous")
    with pytest.raises(UserError, match="cannot be read"):
        TrainingState(folder, "key").load(*pair(2))


def test_a_folder_of_which_the_disk_tells_nothing_is_not_deleted(
    folder: Path, saved: list[dict[str, torch.Tensor]], monkeypatch: pytest.MonkeyPatch
) -> None:
    state, stat = TrainingState(folder, "key"), os.stat

    def fail(path: Any, *arguments: Any, **more: Any) -> Any:
        if str(path).endswith(".safetensors"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return stat(path, *arguments, **more)

    with state.owned():
        monkeypatch.setattr(os, "stat", fail)
    monkeypatch.undo()
    assert TrainingState(folder, "key").load(*pair(2)) == (rows(3), Part())


# Other arithmetic.


def test_going_on_with_other_devices_or_threads_is_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    network, optimizer = pair(1)
    step(network, optimizer)
    first = TrainingState(folder, "key", {"devices": 2, "threads": 4})
    first.save(network, optimizer, rows(1))
    same = TrainingState(folder, "key", {"devices": 2, "threads": 4})
    same.load(network, optimizer)
    assert not caplog.records
    assert same.computed == first.computed == [{"after_epoch": 0, "after_batch": 0, "devices": 2, "threads": 4}]
    other = TrainingState(folder, "key", {"devices": 1, "threads": 4})
    with caplog.at_level(logging.WARNING):
        assert other.load(network, optimizer) == (rows(1), Part())
    assert "devices: 2 → 1" in caplog.text
    assert "threads" not in caplog.text
    assert str(folder) in caplog.text
    begun = {"after_epoch": 1, "after_batch": 0, "devices": 1, "threads": 4}
    assert other.computed == [*first.computed, begun]
    other.save(network, optimizer, rows(2), Part(batches=3, slices=6, loss=1.0, seconds=1.0))
    back = TrainingState(folder, "key", {"devices": 2, "threads": 4})
    back.load(network, optimizer)
    again = {"after_epoch": 2, "after_batch": 3, "devices": 2, "threads": 4}
    assert back.computed == [*first.computed, begun, again]
