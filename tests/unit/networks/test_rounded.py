"""Weights rounded to float16."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from hepaflow.networks.rounded import rounded, rounded_file
from hepaflow.networks.weights import load_weights

VALUES = torch.tensor([1.0, 1 + 2**-11, 1 + 3 * 2**-11, -0.1, 2.0**-24, 2.0**-26, 65504.0])
"""Exact; half-way, twice, to the even one; one to round; the smallest number; too small a one; the largest."""


def test_float32_is_rounded_to_nearest_ties_to_even() -> None:
    found = load(rounded(save({"a": VALUES})))["a"]
    assert found.dtype == torch.float16
    assert torch.equal(found, VALUES.half())  # as torch does
    assert found[1:3].tolist() == [1, 1 + 2**-9]
    assert found[5] == 0


def test_what_float16_cannot_hold_stays() -> None:
    tensors = {
        "large": torch.tensor([1.5, 65520.0]),
        "count": torch.tensor(3),
        "double": torch.tensor([0.1], dtype=torch.float64),
        "half": torch.tensor([0.1], dtype=torch.float16),
    }
    found = load(rounded(save(tensors)))
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


def test_infinities_are_rounded_as_they_are() -> None:
    found = load(rounded(save({"a": torch.tensor([float("inf"), 1.0])})))["a"]
    assert found.tolist() == [float("inf"), 1]
    assert found.dtype == torch.float16


def test_the_text_of_the_header_is_kept_and_rounding_again_changes_nothing() -> None:
    content = save({"a": VALUES, "b": torch.ones(2, 3)}, {"hepaflow": "a recipe"})
    once = rounded(content)
    length = int.from_bytes(once[:8], "little")
    assert json.loads(once[8 : 8 + length])["__metadata__"] == {"hepaflow": "a recipe"}
    assert rounded(once) == once
    assert len(once) - 8 - length == (len(VALUES) + 6) * 2


def test_a_network_loads_them_as_float32(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, other = torch.nn.Linear(5, 3), torch.nn.Linear(5, 3)
    file = tmp_path / "a.safetensors"
    file.write_bytes(rounded(save(network.state_dict())))
    load_weights(other, file)
    assert other.weight.dtype == torch.float32
    assert torch.equal(other.weight, network.weight.half().float())
    np.testing.assert_allclose(other.weight.detach(), network.weight.detach(), rtol=2**-11)


def test_damaged_content_is_left_to_its_reader(tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    file.write_bytes(b"no weights")
    with pytest.raises(SafetensorError):
        rounded(file.read_bytes())
    assert rounded_file(file) == b"no weights"
