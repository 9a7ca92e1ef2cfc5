"""The losses, against their formulas."""

import math

import pytest
import torch

from hepaflow.training.losses import LOSSES

SURE = 50.0
"""A logit whose probability is 1 within float32."""


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 1, 8, 8, generator=draw)
    masks = (torch.rand(3, 1, 8, 8, generator=draw) > 0.7).float()
    return logits, masks


def test_cross_entropy_is_the_mean_of_its_formula(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, masks = (part.double() for part in batch)
    chance = 1 / (1 + torch.exp(-logits))
    expected = -(masks * chance.log() + (1 - masks) * (1 - chance).log()).sum() / masks.numel()
    assert LOSSES["bce"](logits, masks).item() == pytest.approx(expected.item(), rel=1e-12)


def test_undecided_costs_log_two() -> None:
    masks = torch.eye(8)[None, None]
    assert LOSSES["bce"](torch.zeros_like(masks), masks).item() == pytest.approx(math.log(2))


def test_dice_is_its_formula(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, masks = batch
    chance = torch.sigmoid(logits)
    expected = 1 - (2 * (chance * masks).sum() + 1) / (chance.sum() + masks.sum() + 1)
    assert LOSSES["dice"](logits, masks).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("name", list(LOSSES))
def test_a_perfect_prediction_costs_nothing(name: str, batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    masks = batch[1]
    assert LOSSES[name](SURE * (2 * masks - 1), masks).item() == pytest.approx(0, abs=1e-6)


def test_dice_of_nothing_predicted_as_nothing_is_perfect() -> None:
    masks = torch.zeros(2, 1, 8, 8)
    assert LOSSES["dice"](masks - SURE, masks).item() == pytest.approx(0, abs=1e-6)


def test_dice_of_foreground_predicted_as_nothing_is_worst() -> None:
    masks = torch.ones(2, 1, 8, 8)
    assert LOSSES["dice"](masks - 2 * SURE, masks).item() == pytest.approx(1 - 1 / (masks.numel() + 1))


def test_dice_sums_over_the_batch() -> None:
    """A slice without foreground among others does not ask for a term of its own."""
    masks = torch.zeros(2, 1, 8, 8)
    masks[0, :, :4] = 1
    logits = SURE * (2 * masks - 1)
    logits[1, 0, 0, 0] = SURE  # one false pixel in the empty slice
    assert LOSSES["dice"](logits, masks).item() == pytest.approx(1 - (2 * 32 + 1) / (33 + 32 + 1), abs=1e-6)


def test_the_sum_is_the_sum(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    assert LOSSES["bce+dice"](*batch).item() == pytest.approx(
        (LOSSES["bce"](*batch) + LOSSES["dice"](*batch)).item()
    )


@pytest.mark.parametrize("name", list(LOSSES))
def test_devices_that_share_a_batch_have_the_loss_of_all_of_it(
    name: str, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    """Also where their shares are not as large, or one has none."""
    shares = [[part[chosen] for part in batch] for chosen in (slice(1), slice(1, 3), slice(0))]
    told: list[list[torch.Tensor]] = []
    for share in shares:
        told.append([])
        LOSSES[name](*share, lambda sums: told[-1].append(sums) or sums)
    expected = LOSSES[name](*batch).item()
    for share in shares:
        totals = iter([torch.stack(parts).sum(dim=0) for parts in zip(*told, strict=True)])
        assert LOSSES[name](*share, lambda _, totals=totals: next(totals)).item() == pytest.approx(expected)


@pytest.mark.parametrize("name", list(LOSSES))
@pytest.mark.parametrize("scale", [0.0, 1.0, 1e4])
def test_gradients_are_finite_and_point_towards_the_mask(
    name: str, scale: float, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    logits, masks = batch
    logits = (scale * logits).requires_grad_()
    loss = LOSSES[name](logits, masks)
    loss.backward()
    assert torch.isfinite(loss)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad[masks == 1] <= 0).all()
    assert (logits.grad[masks == 0] >= 0).all()
    if scale < 2:
        assert logits.grad.abs().sum() > 0
