"""The registry's contract, for every architecture in it."""

import copy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.flop_counter import FlopCounterMode

import hepaflow
from hepaflow.networks.network import build_network
from hepaflow.networks.operations import GMACS
from hepaflow.networks.registry import ARCHITECTURES
from hepaflow.settings.head import HeadSettings
from hepaflow.settings.network import HAS_BACKBONE, SIDES, NetworkSettings

# Where other work keeps the cores busy, a second thread waits more than it helps: minutes instead of seconds.
torch.set_num_threads(1)

HEAD = HeadSettings(channels=16)
THESIS = ("resnet152", "resnext101_32x8d", "densenet201", "inception_v3")
EVERY = list(ARCHITECTURES)
OWN: dict[str, dict[str, Any]] = {
    "plain_unet": {"unet": {"channels": [8, 16, 16, 16]}},
    "residual_unet": {"unet": {"channels": [8, 16, 16, 16]}},
    "monai": {"monai": {"name": "UNet", "arguments": {"channels": [8, 16], "strides": [2]}}},
}
"""Settings of their own, of architectures that need some or are small with some."""
A_FAMILY = ["resnet50", "densenet121", "inception_v3", *(name for name, has in HAS_BACKBONE.items() if not has)]


def settings_of(name: str) -> NetworkSettings:
    return NetworkSettings(arch=name, weights="none", head=HEAD, **OWN.get(name, {}))


@pytest.fixture
def deterministic() -> Iterator[None]:
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(before)


def test_every_member_of_the_families_is_there() -> None:
    assert set(EVERY) >= {
        *("resnet50", "resnet101", "resnet152"),
        *("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d"),
        *("densenet121", "densenet161", "densenet169", "densenet201"),
        *("inception_v3", "unet"),
    }


@pytest.mark.parametrize("name", GMACS)
def test_operations_are_what_torch_counts(name: str) -> None:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        network = ARCHITECTURES[name](NetworkSettings(arch=name, weights="none"), 1).eval()
        network(torch.empty(1, 1, 256, 256))
    assert GMACS[name] == pytest.approx(counter.get_total_flops() / 2e9, abs=0.05)


@pytest.mark.usefixtures("deterministic")
@pytest.mark.parametrize("name", EVERY)
def test_every_network_learns_from_every_weight(name: str) -> None:
    """Forward and backward at a small size: logits at the input's size, a gradient in every parameter."""
    torch.manual_seed(0)
    network = build_network(settings_of(name))
    assert network.training
    height = SIDES.get(name, 8)
    found = network(torch.rand(2, 1, 2 * height, 3 * height) * 2 - 1)
    several = [found] if isinstance(found, torch.Tensor) else found
    for level, logits in enumerate(several):
        assert logits.shape == (2, 1, 2 * height >> level, 3 * height >> level)
        assert logits.dtype == torch.float32
        assert logits.isfinite().all()
    sum(binary_cross_entropy_with_logits(logits, torch.ones_like(logits)) for logits in several).backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key


@pytest.mark.parametrize("name", EVERY)
def test_logits_have_the_size_of_the_slices_and_other_sizes_are_refused(name: str) -> None:
    multiple = SIDES.get(name, 8)
    with torch.device("meta"):
        network = build_network(settings_of(name)).eval()
        for side in (8 * multiple, 25 * multiple):
            assert network(torch.empty(2, 1, side, side - multiple)).shape == (2, 1, side, side - multiple)
        with pytest.raises(ValueError, match=f"multiples of {multiple}"):
            network(torch.empty(2, 1, 64, 60))


@pytest.mark.parametrize("channels", [3, 5])
@pytest.mark.parametrize("name", A_FAMILY)
def test_slices_may_have_other_channels_than_one(name: str, channels: int) -> None:
    with torch.device("meta"):
        network = build_network(settings_of(name), channels).eval()
        assert network(torch.empty(1, channels, 64, 32)).shape == (1, 1, 64, 32)
        with pytest.raises(ValueError, match=rf"expected \(batch, {channels}, height, width\)"):
            network(torch.empty(1, 1, 64, 32))


@pytest.mark.parametrize("name", ["resnet50", "densenet121", "inception_v3", "unet", "residual_unet", "monai"])
def test_equal_seeds_give_equal_networks(name: str) -> None:
    settings = settings_of(name)
    first, second, other = (
        torch.random.manual_seed(seed) and build_network(settings).state_dict() for seed in (0, 0, 1)
    )
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not all(torch.equal(first[key], other[key]) for key in first)


def test_memory_layout_and_precision_change_the_logits_by_rounding_alone() -> None:
    torch.manual_seed(0)
    network = build_network(NetworkSettings(arch="densenet121", weights="none", head=HEAD))
    x = torch.rand(4, 1, 64, 64) * 2 - 1
    last = copy.deepcopy(network).to(memory_format=torch.channels_last)
    for net in (network, last):
        net.head[0].project[-1].p = 0.0
    with torch.no_grad():
        expected = network(x)
        torch.testing.assert_close(last(x.to(memory_format=torch.channels_last)), expected, rtol=1e-3, atol=1e-3)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = network(x)
    assert rough.dtype == torch.float32
    assert torch.corrcoef(torch.stack([rough.flatten(), expected.flatten()]))[0, 1] > 0.95


def test_weights_of_all_eight_networks_take_what_the_thesis_measured() -> None:
    """Almost 1800 MB for four networks and two stages (thesis 5), to 15 %."""
    with torch.device("meta"):
        networks = [build_network(NetworkSettings(arch=name, weights="none")) for name in THESIS]
    bytes_a_stage = sum(
        tensor.numel() * tensor.element_size() for net in networks for tensor in net.state_dict().values()
    )
    assert 2 * bytes_a_stage / 1e6 == pytest.approx(1800, rel=0.15)


def test_an_unknown_architecture_is_told_which_there_are() -> None:
    with pytest.raises(ValidationError, match="resnet152"):
        NetworkSettings(arch="resnet18", weights="none")
    schema = NetworkSettings.model_json_schema()["properties"]["arch"]
    assert schema["enum"] == EVERY


@pytest.mark.parametrize("weights", ["imagenet", "some.safetensors"])
def test_unet_has_no_pretrained_weights(weights: str) -> None:
    with pytest.raises(ValidationError, match="use weights: none"):
        NetworkSettings(arch="unet", weights=weights)


def test_settings_default_to_the_thesis() -> None:
    settings = NetworkSettings(arch="resnet152")
    assert settings.weights == "imagenet"
    assert settings.head == HeadSettings(rates=(4, 8, 12), channels=256, dropout=0.5)


def test_settings_are_read_without_torch() -> None:
    """Settings are validated while a workflow is planned, and torch takes seconds to import."""
    code = "import sys, hepaflow.settings.network; sys.exit('torch' in sys.modules)"
    package = Path(hepaflow.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(package)}, check=False)
    assert done.returncode == 0
