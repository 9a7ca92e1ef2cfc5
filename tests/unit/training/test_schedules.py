"""Schedules: closed forms at their ends, and torch's own where torch has them (the thesis': `test_trainer`)."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, ExponentialLR, OneCycleLR, PolynomialLR

from hepaflow.settings.training import TrainingSettings
from hepaflow.training.schedules import learning_rate


def training(epochs: int, **schedule: Any) -> TrainingSettings:
    common = {"learning_rate": 0.5, "decay_factor": 0.1, "decay_every": 1}  # these steps no longer count
    return TrainingSettings.model_validate({"epochs": epochs, "schedule": schedule, **common})


def rates(settings: TrainingSettings, batches: int = 1) -> list[float]:
    return [
        learning_rate(epoch, settings, batch, batches)
        for epoch in range(settings.epochs)
        for batch in range(batches)
    ]


def by_torch(make: Any, steps: int) -> list[float]:
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.5)
    schedule = make(optimiser)
    found = []
    for _ in range(steps):
        found.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return found


def test_exponential() -> None:
    settings = training(6, kind="exponential", factor=0.9)
    assert rates(settings) == pytest.approx([0.5 * 0.9**epoch for epoch in range(6)], rel=1e-12)
    assert rates(settings) == pytest.approx(by_torch(lambda sgd: ExponentialLR(sgd, 0.9), 6), rel=1e-12)


def test_poly() -> None:
    settings = training(10, kind="poly", power=0.9)
    expected = by_torch(lambda sgd: PolynomialLR(sgd, 10, 0.9), 10)
    assert rates(settings) == pytest.approx(expected, rel=1e-9)
    assert rates(settings)[0] == 0.5
    assert rates(settings)[-1] == pytest.approx(0.5 * 0.1**0.9, rel=1e-12)


@pytest.mark.parametrize(("epochs", "batches"), [(1, 10), (5, 7)])
@pytest.mark.parametrize("to_factor", [0.0, 0.2])
def test_cosine_is_that_of_torch(epochs: int, batches: int, to_factor: float) -> None:
    steps = epochs * batches
    found = rates(training(epochs, kind="cosine", to_factor=to_factor), batches)
    expected = by_torch(lambda sgd: CosineAnnealingLR(sgd, steps, eta_min=0.5 * to_factor), steps)
    assert found == pytest.approx(expected, rel=1e-9)
    assert found[0] == 0.5
    assert found[-1] > 0.5 * to_factor  # the wave ends after the last mini-batch


@pytest.mark.parametrize("kind", [{"kind": "poly"}, {"kind": "cosine"}])
@pytest.mark.parametrize("share", [0.05, 0.25, 0.9])
def test_a_warm_up_brings_the_rate_in_linearly_and_then_changes_nothing(
    kind: dict[str, Any], share: float
) -> None:
    plain, warmed = (rates(training(4, **kind, **some), 10) for some in ({}, {"warm_up": share}))
    steps = round(share * 40)
    shares = [one / other for one, other in zip(warmed, plain, strict=True)]
    assert shares[:steps] == pytest.approx([(step + 1) / steps for step in range(steps)], rel=1e-12)
    assert warmed[steps - 1 :] == plain[steps - 1 :]


def test_a_warm_up_shorter_than_a_mini_batch_is_none() -> None:
    assert rates(training(2, kind="cosine", warm_up=0.1), 3) == rates(training(2, kind="cosine"), 3)


@pytest.mark.parametrize("kind", [{"kind": "exponential", "factor": 0.5}, {"kind": "poly"}])
def test_schedules_by_epochs_are_the_same_in_all_of_its_mini_batches(kind: dict[str, Any]) -> None:
    found = rates(training(3, **kind), batches=4)
    assert [len(set(found[start : start + 4])) for start in (0, 4, 8)] == [1, 1, 1]
    assert len(set(found)) == 3


@pytest.mark.parametrize(("epochs", "batches"), [(1, 10), (5, 7), (3, 100)])
@pytest.mark.parametrize("warm_up", [0.2, 0.3, 0.75])
def test_one_cycle_is_that_of_torch(epochs: int, batches: int, warm_up: float) -> None:
    settings = training(epochs, kind="one_cycle", warm_up=warm_up, from_factor=0.1, to_factor=0.001)
    steps = epochs * batches

    def make(sgd: torch.optim.SGD) -> OneCycleLR:
        return OneCycleLR(
            sgd, max_lr=0.5, total_steps=steps, pct_start=warm_up, div_factor=10, final_div_factor=100
        )

    assert rates(settings, batches)[:-1] == pytest.approx(by_torch(make, steps - 1), rel=1e-9)
    assert rates(settings, batches)[-1] == pytest.approx(0.5 * 0.001, rel=1e-12)


def test_the_defaults_of_one_cycle_are_those_of_torch() -> None:
    settings = training(4, kind="one_cycle")
    expected = by_torch(lambda sgd: OneCycleLR(sgd, max_lr=0.5, total_steps=20), 19)
    assert rates(settings, 5)[:-1] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("warm_up", [0.0, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_one_cycle_of_few_steps_stays_between_its_ends(steps: int, warm_up: float) -> None:
    found = rates(training(steps, kind="one_cycle", warm_up=warm_up, from_factor=0.2, to_factor=0.1))
    assert all(0.05 * (1 - 1e-12) <= rate <= 0.5 for rate in found)
    if warm_up == 0:
        assert found[0] == 0.5
