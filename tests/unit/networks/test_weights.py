"""Files of weights: what is written comes back, and what does not fit is refused."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import nn

from hepaflow.errors import UserError
from hepaflow.networks.weights import load_weights, named_tensors, save_weights


def network(seed: int, width: int = 4) -> nn.Module:
    torch.manual_seed(seed)
    made = nn.Sequential(nn.Conv2d(1, width, 3), nn.BatchNorm2d(width), nn.Conv2d(width, 1, 1))
    made(torch.rand(2, 1, 8, 8))  # moves the running statistics
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "w.safetensors"
    save_weights(network(1), path, '{"seed":1}')
    return path


def test_weights_come_back(file: Path) -> None:
    other = network(2)
    load_weights(other, file)
    for name, value in network(1).state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name


class Twice(nn.Module):
    """A network that reaches one of its layers by two names, as MONAI's DynUNet does."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.first, self.last = nn.Linear(2, 3), nn.BatchNorm1d(3)
        self.both = nn.ModuleList([self.last, self.first])


def test_a_layer_of_two_names_is_held_once_and_comes_back(tmp_path: Path) -> None:
    path, other = tmp_path / "w.safetensors", Twice(2)
    save_weights(Twice(1), path, "{}")
    with safe_open(path, framework="pt") as opened:
        assert set(opened.keys()) == {
            *("first.weight", "first.bias", "last.weight", "last.bias"),
            *("last.running_mean", "last.running_var", "last.num_batches_tracked"),
        }
    load_weights(other, path)
    assert other.both[1] is other.first
    for name, value in Twice(1).state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name


def test_a_file_that_lacks_a_tensor_of_two_names_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    tensors = named_tensors(Twice(1))
    del tensors["first.bias"]
    path.write_bytes(save(tensors))
    with pytest.raises(UserError, match=r"first\.bias"):
        load_weights(Twice(2), path)


def test_the_header_holds_the_recipe(file: Path) -> None:
    with safe_open(file, framework="pt") as opened:
        assert json.loads(opened.metadata()["hepaflow"]) == {"seed": 1}


def test_equal_weights_give_equal_bytes(file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.safetensors"
    save_weights(network(1).to(memory_format=torch.channels_last), again, '{"seed":1}')  # type: ignore[call-overload]
    assert again.read_bytes() == file.read_bytes()


def test_other_weights_or_recipes_give_other_bytes(file: Path, tmp_path: Path) -> None:
    for seed, recipe in ((2, '{"seed":1}'), (1, '{"seed":2}')):
        other = tmp_path / f"{seed}.safetensors"
        save_weights(network(seed), other, recipe)
        assert other.read_bytes() != file.read_bytes()


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_a_truncated_file_is_refused_by_name(file: Path, kept: int) -> None:
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(UserError, match=r"w\.safetensors"):
        load_weights(network(2), file)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    torch.save(network(1).state_dict(), path)
    with pytest.raises(UserError, match=r"w\.safetensors"):
        load_weights(network(2), path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.safetensors"):
        load_weights(network(2), tmp_path / "none.safetensors")


def test_another_networks_weights_are_refused(file: Path) -> None:
    with pytest.raises(UserError, match="size mismatch"):
        load_weights(network(2, width=5), file)
    with pytest.raises(UserError, match="Missing key"):
        load_weights(nn.Sequential(*network(2), nn.Conv2d(1, 1, 1)), file)
