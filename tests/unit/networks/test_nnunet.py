"""nnU-Net's U-Nets."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from hepaflow.networks.network import build_network
from hepaflow.networks.nnunet import NnUNet, ResidualBlock, plain_unet, residual_unet
from hepaflow.networks.planning import Levels
from hepaflow.settings.network import NetworkSettings

torch.set_num_threads(1)

PARAMETERS = {"plain_unet": 33_470_310 - 513, "residual_unet": 105_915_302 - 513}
"""Of the plan for 256×256, one channel in and one out, as nnU-Net's dynamic_network_architectures 0.4.4 builds it,
less the coarsest logits (512 weights and a bias), to which its loss gives no weight."""

LEVELS = Levels((4, 8, 8, 8), (1, 2, 1, 2), True)


def small(build: object = plain_unet, deep_supervision: bool = True) -> NnUNet:
    torch.manual_seed(0)
    network = build(2, LEVELS._replace(deep_supervision=deep_supervision))  # type: ignore[operator]
    assert isinstance(network, NnUNet)
    return network


@pytest.mark.parametrize("arch", PARAMETERS)
def test_default_plans_have_nnunets_parameters(arch: str) -> None:
    with torch.device("meta"):
        network = build_network(NetworkSettings(arch=arch))
    assert sum(parameter.numel() for parameter in network.parameters()) == PARAMETERS[arch]


def test_parameters_of_the_plain_plan_by_arithmetic() -> None:
    """Convolutions have a bias, normalisations two values a map."""
    channels = (32, 64, 128, 256, 512, 512, 512)

    def convolved(inputs: int, outputs: int) -> int:
        return 9 * inputs * outputs + outputs + 2 * outputs

    count = convolved(1, 32) + convolved(32, 32) + sum(own + 1 for own in channels[:5])
    for above, below in pairwise(channels):
        count += convolved(above, below) + convolved(below, below)  # encoder
        count += 4 * below * above + above + convolved(2 * above, above) + convolved(above, above)  # decoder
    assert count == PARAMETERS["plain_unet"]


@pytest.mark.parametrize("build", [plain_unet, residual_unet])
def test_coarser_logits_come_in_training_alone(build: object) -> None:
    network = small(build)
    x = torch.rand(2, 2, 32, 48)
    logits = network(x)
    assert [tuple(one.shape) for one in logits] == [(2, 1, 32, 48), (2, 1, 16, 24)]
    assert all(one.dtype == torch.float32 for one in logits)
    assert torch.equal(network.eval()(x), logits[0])  # instance normalisation is the same in both


@pytest.mark.parametrize("build", [plain_unet, residual_unet])
def test_without_deep_supervision_there_is_one(build: object) -> None:
    network = small(build, deep_supervision=False)
    assert network(torch.rand(1, 2, 16, 16)).shape == (1, 1, 16, 16)
    assert len(network.logits) == 1


def test_two_levels_have_the_finest_logits_alone() -> None:
    network = plain_unet(1, Levels((4, 8), (1, 1), True))
    assert network(torch.rand(1, 1, 8, 8)).shape == (1, 1, 8, 8)


def test_sides_must_be_halved_exactly() -> None:
    with pytest.raises(ValueError, match="multiples of 8"):
        small()(torch.rand(1, 2, 32, 36))


def test_weights_are_kaimings_for_the_leaky_relu_and_biases_are_zero() -> None:
    torch.manual_seed(0)
    network = plain_unet(1, Levels((64, 64), (2, 2), True))
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            assert module.bias is not None
            assert not module.bias.any()
            if module.weight.numel() > 20_000:
                fan_in = module.weight[0].numel()
                assert module.weight.std().item() == pytest.approx((2 / (1 + 0.01**2) / fan_in) ** 0.5, rel=0.03)


def test_a_residual_block_begins_as_its_shortcut() -> None:
    blocks = [module for module in small(residual_unet).modules() if isinstance(module, ResidualBlock)]
    assert len(blocks) == sum(LEVELS.blocks)
    x = torch.randn(1, 8, 6, 6)
    same = next(block for block in blocks if len(block.shortcut) == 0 and block.second.in_channels == 8)
    torch.testing.assert_close(same(x), nn.functional.leaky_relu(x, 0.01))


def test_a_shortcut_averages_where_sides_are_halved() -> None:
    block = ResidualBlock(3, 3, stride=2)
    nn.init.zeros_(block.last.weight)
    x = torch.rand(1, 3, 4, 4)
    torch.testing.assert_close(block(x), nn.functional.avg_pool2d(x, 2))
