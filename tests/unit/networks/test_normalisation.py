"""Instance normalisation with channels innermost: the same function, in the same layout."""

import pytest
import torch
from torch import nn

from hepaflow.networks.normalisation import InnermostInstanceNorm, channels_innermost

torch.set_num_threads(1)
SHAPES = {2: (2, 3, 5, 7), 3: (2, 3, 4, 5, 7)}
LAYOUTS = {2: torch.channels_last, 3: torch.channels_last_3d}
KINDS = {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}


def features(dimensions: int, *, mean: float = 0.0, spread: float = 1.0) -> torch.Tensor:
    x = torch.randn(SHAPES[dimensions], generator=torch.Generator().manual_seed(1)) * spread + mean
    return x.contiguous(memory_format=LAYOUTS[dimensions])


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("affine", [False, True])
def test_it_is_instance_normalisation_and_keeps_the_layout(dimensions: int, affine: bool) -> None:
    norm = KINDS[dimensions](3, eps=1e-3, affine=affine)
    if affine:
        nn.init.uniform_(norm.weight)
        nn.init.uniform_(norm.bias)
    x = features(dimensions, mean=3, spread=0.3)
    found = InnermostInstanceNorm(norm)(x)
    torch.testing.assert_close(found, norm(x), rtol=0, atol=1e-5)
    assert found.is_contiguous(memory_format=LAYOUTS[dimensions])


def test_a_variance_far_below_the_mean_is_not_lost() -> None:
    x = features(2, mean=1000, spread=0.5)
    found = InnermostInstanceNorm(nn.InstanceNorm2d(3))(x)
    expected = nn.functional.instance_norm(x.double()).float()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)


def test_bf16_is_normalised_in_full_precision() -> None:
    x = features(2, mean=3, spread=0.3).bfloat16()
    found = InnermostInstanceNorm(nn.InstanceNorm2d(3, affine=True))(x)
    assert found.dtype == torch.bfloat16
    expected = nn.functional.instance_norm(x.double()).bfloat16()
    torch.testing.assert_close(found, expected, rtol=2**-7, atol=1e-6)


def test_all_of_a_network_are_replaced_but_those_with_running_statistics() -> None:
    tracking = nn.InstanceNorm2d(3, track_running_stats=True)
    network = nn.Sequential(nn.InstanceNorm2d(3, affine=True), nn.Sequential(nn.InstanceNorm3d(3)), tracking)
    weights = dict(network.state_dict())
    assert channels_innermost(network) is network
    kinds = [type(part) for part in network.modules() if not isinstance(part, nn.Sequential)]
    assert kinds == [InnermostInstanceNorm, InnermostInstanceNorm, nn.InstanceNorm2d]
    found = network.state_dict()
    assert found.keys() == weights.keys()
    assert all(found[name] is weights[name] or torch.equal(found[name], weights[name]) for name in weights)
