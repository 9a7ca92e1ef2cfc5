"""Optimisers: the thesis' SGD by default, and steps by the rules of their papers."""

from typing import Any

import pytest
import torch
from torch import nn

from hepaflow.settings.training import TrainingSettings
from hepaflow.training.optimisers import make_optimiser


def training(**changes: Any) -> TrainingSettings:
    common = {"epochs": 1, "learning_rate": 0.1, "momentum": 0.5, "decay_factor": 1, "decay_every": 1}
    return TrainingSettings.model_validate({**common, **changes})


def after_steps(settings: TrainingSettings, gradients: list[float], start: float = 2.0) -> float:
    """Return a weight after steps with these gradients."""
    weight = nn.Parameter(torch.tensor([start], dtype=torch.float64))
    optimiser = make_optimiser([weight], settings)
    for gradient in gradients:
        weight.grad = torch.tensor([gradient], dtype=torch.float64)
        optimiser.step()
    return weight.item()


def test_without_a_choice_it_is_the_thesis_sgd() -> None:
    """v ← μv + g, w ← w - rate·v, and nothing else."""
    assert after_steps(training(), [1.0, 3.0]) == pytest.approx(2 - 0.1 * 1 - 0.1 * (0.5 + 3), rel=1e-12)
    optimiser = make_optimiser([nn.Parameter(torch.zeros(1))], training())
    assert type(optimiser) is torch.optim.SGD
    assert {name: optimiser.defaults[name] for name in ("weight_decay", "dampening", "nesterov")} == {
        "weight_decay": 0,
        "dampening": 0,
        "nesterov": False,
    }


def test_sgd_of_no_choices_is_the_default() -> None:
    chosen = training(optimiser={"kind": "sgd"})
    assert after_steps(chosen, [1.0, 3.0, -2.0]) == after_steps(training(), [1.0, 3.0, -2.0])


def test_sgd_with_weight_decay() -> None:
    chosen = training(momentum=0.0, optimiser={"kind": "sgd", "weight_decay": 0.25})
    assert after_steps(chosen, [1.0]) == pytest.approx(2 - 0.1 * (1 + 0.25 * 2), rel=1e-12)


def test_sgd_with_nesterov_momentum() -> None:
    """w ← w - rate·(g + μv) (Sutskever et al. 2013, as torch has it)."""
    chosen = training(optimiser={"kind": "sgd", "nesterov": True})
    assert after_steps(chosen, [1.0]) == pytest.approx(2 - 0.1 * (1 + 0.5 * 1), rel=1e-12)


def test_adamw() -> None:
    """Algorithm 2 of Loshchilov and Hutter (2019), with the weight decay times the learning rate."""
    first, second, decay = 0.8, 0.95, 0.25
    chosen = training(optimiser={"kind": "adamw", "weight_decay": decay, "betas": (first, second)})
    weight, mean, square = 2.0, 0.0, 0.0
    gradients = [1.0, 3.0, -2.0]
    for step, gradient in enumerate(gradients, 1):
        mean = first * mean + (1 - first) * gradient
        square = second * square + (1 - second) * gradient**2
        scaled = (mean / (1 - first**step)) / ((square / (1 - second**step)) ** 0.5 + 1e-8)
        weight -= 0.1 * (scaled + decay * weight)
    assert after_steps(chosen, gradients) == pytest.approx(weight, rel=1e-9)
