"""Averages of a network's weights: their closed forms, and statistics that go with the weights."""

import pytest
import torch
from torch import Tensor, nn

from hepaflow.settings.average import EMA
from hepaflow.training.averages import make_average

DECAY = 0.75


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5))


def values(of: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in of.state_dict().items()}


def changed(of: nn.Module) -> dict[str, Tensor]:
    """Change a network as a step does; return what it is then."""
    with torch.no_grad():
        for parameter in of.parameters():
            parameter.add_(torch.randn_like(parameter))
    of(torch.randn(2, 1, 6, 6))
    return values(of)


def test_ema_is_its_formula() -> None:
    """Of weights w₁ … w₄ it is d³w₁ + (1-d)(d²w₂ + dw₃ + w₄); counts of mini-batches are the last."""
    trained = network()
    average = make_average(trained, EMA(kind="ema", decay=DECAY))
    steps = []
    for _ in range(4):
        steps.append(changed(trained))
        average.update_parameters(trained)
    for name, found in average.module.state_dict().items():
        first, second, third, last = (step[name] for step in steps)
        expected = DECAY**3 * first + (1 - DECAY) * (DECAY**2 * second + DECAY * third + last)
        torch.testing.assert_close(found, expected if found.is_floating_point() else last)
    assert average.module[1].num_batches_tracked == 4


def test_an_average_begins_as_the_network_after_the_first_step() -> None:
    trained = network()
    average = make_average(trained, EMA(kind="ema", decay=DECAY))
    expected = changed(trained)
    average.update_parameters(trained)
    changed(trained)
    assert all(torch.equal(tensor, expected[name]) for name, tensor in average.module.state_dict().items())


@pytest.mark.parametrize("channels_last", [False, True])
def test_an_average_is_no_part_of_the_training(channels_last: bool) -> None:
    trained = network()
    if channels_last:
        trained = trained.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    before = values(trained)
    average = make_average(trained, EMA(kind="ema", decay=DECAY))
    average.update_parameters(trained)
    assert not any(module.training for module in average.modules())
    assert not any(parameter.requires_grad for parameter in average.parameters())
    assert trained.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in trained.state_dict().items())
    for own, other in zip(average.module.parameters(), trained.parameters(), strict=True):
        assert own.stride() == other.stride()
        assert own.data_ptr() != other.data_ptr()
