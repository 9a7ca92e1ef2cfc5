"""Supervision at several sizes: weights that halve, and masks of the nearest pixels."""

import pytest
import torch
from torch import Tensor

from hepaflow.training.losses import LOSSES
from hepaflow.training.supervision import supervised

SIZES = (16, 8, 4, 2)


@pytest.fixture
def masks() -> Tensor:
    return (torch.rand(3, 1, 16, 16, generator=torch.Generator().manual_seed(0)) > 0.7).float()


def test_one_size_has_its_own_loss(masks: Tensor) -> None:
    logits = torch.randn(masks.shape, generator=torch.Generator().manual_seed(1))
    expected = LOSSES["bce"](logits, masks)
    for found in (logits, [logits], (logits,)):
        assert torch.equal(supervised(LOSSES["bce"], found, masks), expected)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_weights_halve_with_every_size_and_add_up_to_one(count: int, masks: Tensor) -> None:
    losses = iter([torch.tensor(float(10**place)) for place in range(count)])
    found = supervised(lambda *_: next(losses), [masks[..., :size, :size] for size in SIZES[:count]], masks)
    weights = [2.0**-place for place in range(count)]
    expected = sum(weight * 10**place for place, weight in enumerate(weights)) / sum(weights)
    assert found.item() == pytest.approx(expected)
    assert supervised(lambda *_: torch.ones(()), [masks] * count, masks).item() == pytest.approx(1)


@pytest.mark.parametrize("kind", [tuple, list])
def test_each_size_is_compared_with_masks_of_that_size(kind: type, masks: Tensor) -> None:
    """Of the four pixels nearest to the centre of s×s, it is the last, as torch and nnU-Net have it."""
    seen: list[Tensor] = []

    def watched(logits: Tensor, at_size: Tensor) -> Tensor:
        assert logits.shape == at_size.shape
        seen.append(at_size)
        return logits.sum()

    supervised(watched, kind(torch.zeros(3, 1, size, size) for size in SIZES), masks)
    assert seen[0] is masks
    for size, at_size in zip(SIZES[1:], seen[1:], strict=True):
        step = 16 // size
        assert torch.equal(at_size, masks[..., step // 2 :: step, step // 2 :: step])


def test_a_device_without_slices_has_none_at_any_size() -> None:
    none = [torch.zeros(0, 1, size, size, requires_grad=True) for size in SIZES]
    loss = supervised(LOSSES["dice"], none, torch.zeros(0, 1, 16, 16))
    loss.backward()
    assert loss.item() == 0


def test_gradients_reach_every_size(masks: Tensor) -> None:
    found = [torch.zeros(3, 1, size, size, requires_grad=True) for size in SIZES]
    supervised(LOSSES["bce+dice"], found, masks).backward()
    assert all(logits.grad is not None and logits.grad.abs().sum() > 0 for logits in found)
