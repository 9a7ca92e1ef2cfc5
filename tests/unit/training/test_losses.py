"""The losses, against their formulas."""

import math
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torchvision.ops import sigmoid_focal_loss

from hepaflow.settings import loss as kinds
from hepaflow.training.losses import LOSSES, criterion_of

SURE = 50.0
"""A logit whose probability is 1 within float32."""

CHOICES: dict[str, Any] = {
    "bce": "bce",
    "dice": "dice",
    "bce+dice": "bce+dice",
    "weighted bce": {"kind": "bce", "positive_weight": 3.0},
    "dice of samples": {"kind": "dice", "per": "sample"},
    "dice of components": {"kind": "component_dice"},
    "tversky": {"kind": "tversky"},
    "tversky of samples": {"kind": "tversky", "per": "sample"},
    "focal": {"kind": "focal"},
    "balanced focal": {"kind": "focal", "gamma": 0.5, "alpha": 0.25},
    "a sum": [{"kind": "bce", "factor": 0.5}, {"kind": "tversky", "alpha": 0.2}, {"kind": "focal"}],
}


def loss(chosen: Any) -> Any:
    """Return the loss that a configuration chooses."""
    return criterion_of(TypeAdapter(kinds.Loss).validate_python(chosen))


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


@pytest.mark.parametrize("name", CHOICES)
def test_a_perfect_prediction_costs_nothing(name: str, batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    masks = batch[1]
    assert loss(CHOICES[name])(SURE * (2 * masks - 1), masks).item() == pytest.approx(0, abs=1e-6)


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


@pytest.mark.parametrize("kind", ["dice", "tversky"])
def test_the_loss_of_slices_is_the_mean_of_their_losses(
    kind: str, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    alone = [loss({"kind": kind})(*(part[one : one + 1] for part in batch)).item() for one in range(3)]
    assert loss({"kind": kind, "per": "sample"})(*batch).item() == pytest.approx(sum(alone) / 3)


def test_a_small_lesion_beside_a_large_one_counts_more_by_samples() -> None:
    masks = torch.zeros(2, 1, 8, 8)
    masks[0], masks[1, 0, 0, 0] = 1, 1
    found = SURE * (2 * masks - 1)
    missed = found.clone()
    missed[1] = -SURE
    costs = [
        (
            loss({"kind": "dice", "per": per})(missed, masks) - loss({"kind": "dice", "per": per})(found, masks)
        ).item()
        for per in (None, "sample")
    ]
    assert costs == pytest.approx([1 / 130, 1 / 4], abs=1e-6)  # of 65 pixels one; of one pixel one


def test_a_component_has_what_is_nearer_to_it_than_to_others() -> None:
    """A large one with a rim of false pixels, a small one that is missed, and a sample without any."""
    masks = torch.zeros(2, 1, 9, 20)
    masks[0, 0, 2:7, 2:7], masks[0, 0, 4, 15:17] = 1, 1
    found = torch.zeros_like(masks)
    found[0, 0, 1:8, 1:8] = 1  # 49 pixels, of which 25 are there
    found[0, 0, 0, 19] = 1  # nearer to the small one
    found[1, 0, 0, :3] = 1
    losses = [1 - 51 / (49 + 25 + 1), 1 - 1 / (1 + 2 + 1), 1 - 1 / (3 + 1)]
    of_components = loss({"kind": "component_dice"})
    assert of_components(SURE * (2 * found - 1), masks).item() == pytest.approx(sum(losses) / 3, abs=1e-6)


def test_components_that_share_a_corner_are_one(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    masks = torch.eye(8).expand(3, 1, 8, 8)
    samples, components = loss({"kind": "dice", "per": "sample"}), loss({"kind": "component_dice"})
    assert components(batch[0], masks).item() == pytest.approx(samples(batch[0], masks).item())


def test_patches_have_components_too() -> None:
    masks = torch.zeros(1, 1, 4, 9, 9)
    masks[..., 1, 1, 1], masks[..., 3, 7, 7] = 1, 1
    logits = SURE * (2 * masks - 1)
    logits[..., 1, 1, 1] = -SURE
    assert loss({"kind": "component_dice"})(logits, masks).item() == pytest.approx(1 / 4, abs=1e-6)


def test_a_small_component_has_a_larger_gradient_than_as_part_of_a_sample() -> None:
    masks = torch.zeros(1, 1, 16, 16)
    masks[0, 0, :12, :12], masks[0, 0, 14, 14] = 1, 1
    gradients = []
    for chosen in ({"kind": "dice", "per": "sample"}, {"kind": "component_dice"}):
        logits = (4 * (masks - 0.5)).requires_grad_()
        loss(chosen)(logits, masks).backward()
        gradients.append(-logits.grad[0, 0, 14, 14].item())
    assert gradients[1] > 10 * gradients[0] > 0


def test_the_sum_is_the_sum(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    assert LOSSES["bce+dice"](*batch).item() == pytest.approx(
        (LOSSES["bce"](*batch) + LOSSES["dice"](*batch)).item()
    )


def test_names_and_their_kinds_are_the_same_losses(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    for name in ("bce", "dice"):
        assert torch.equal(loss({"kind": name})(*batch), loss(name)(*batch))
    both = loss([{"kind": "bce"}, {"kind": "dice"}])
    assert both(*batch).item() == pytest.approx(loss("bce+dice")(*batch).item())


def test_terms_count_with_their_factors(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    found = loss([{"kind": "bce", "factor": 0.25}, {"kind": "dice", "factor": 3}])(*batch)
    assert found.item() == pytest.approx((0.25 * LOSSES["bce"](*batch) + 3 * LOSSES["dice"](*batch)).item())
    assert loss({"kind": "bce", "factor": 4})(*batch).item() == pytest.approx(4 * LOSSES["bce"](*batch).item())


def test_positive_weight_counts_pixels_of_the_structure_as_often(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, masks = batch
    chance = torch.sigmoid(logits)
    expected = -(3 * masks * chance.log() + (1 - masks) * (1 - chance).log()).mean()
    assert loss(CHOICES["weighted bce"])(logits, masks).item() == pytest.approx(expected.item())


def test_tversky_is_its_formula(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    """Equation 2 of Salehi et al. (2017), with half a pixel above and below."""
    logits, masks = batch
    found = torch.sigmoid(logits)
    both, false, missed = (found * masks).sum(), (found * (1 - masks)).sum(), ((1 - found) * masks).sum()
    expected = 1 - (both + 0.5) / (both + 0.2 * false + 0.9 * missed + 0.5)
    chosen = loss({"kind": "tversky", "alpha": 0.2, "beta": 0.9})
    assert chosen(logits, masks).item() == pytest.approx(expected.item())


def test_tversky_of_equal_weights_is_dice(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    chosen = loss({"kind": "tversky", "alpha": 0.5, "beta": 0.5})
    assert chosen(*batch).item() == pytest.approx(LOSSES["dice"](*batch).item())


def test_a_missed_pixel_costs_more_than_a_false_one() -> None:
    masks = torch.zeros(1, 1, 8, 8)
    masks[..., :4, :] = 1
    logits = SURE * (2 * masks - 1)
    missed, false = logits.clone(), logits.clone()
    missed[..., 0, 0], false[..., 7, 7] = -SURE, SURE
    assert loss({"kind": "tversky"})(missed, masks) > loss({"kind": "tversky"})(false, masks)


@pytest.mark.parametrize(("gamma", "alpha"), [(2.0, 0.25), (5.0, None), (1.0, 0.9)])
def test_focal_is_that_of_torchvision(
    gamma: float, alpha: float | None, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    expected = sigmoid_focal_loss(*batch, -1 if alpha is None else alpha, gamma, "mean")
    chosen = loss({"kind": "focal", "gamma": gamma, "alpha": alpha})
    assert chosen(*batch).item() == pytest.approx(expected.item(), rel=1e-5)


def test_focal_without_a_power_is_cross_entropy(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    chosen = loss({"kind": "focal", "gamma": 0.0})
    assert chosen(*batch).item() == pytest.approx(LOSSES["bce"](*batch).item())


@pytest.mark.parametrize("name", CHOICES)
def test_devices_that_share_a_batch_have_the_loss_of_all_of_it(
    name: str, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    """Also where their shares are not as large, or one has none."""
    shares = [[part[chosen] for part in batch] for chosen in (slice(1), slice(1, 3), slice(0))]
    told: list[list[torch.Tensor]] = []
    for share in shares:
        told.append([])
        loss(CHOICES[name])(*share, total=lambda sums: told[-1].append(sums) or sums)
    expected = loss(CHOICES[name])(*batch).item()
    for share in shares:
        totals = iter([torch.stack(parts).sum(dim=0) for parts in zip(*told, strict=True)])
        found = loss(CHOICES[name])(*share, total=lambda _, totals=totals: next(totals))
        assert found.item() == pytest.approx(expected)


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("scale", [0.0, 1.0, 1e4])
def test_gradients_are_finite_and_point_towards_the_mask(
    name: str, scale: float, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    logits, masks = batch
    logits = (scale * logits).requires_grad_()
    found = loss(CHOICES[name])(logits, masks)
    found.backward()
    assert torch.isfinite(found)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad[masks == 1] <= 0).all()
    assert (logits.grad[masks == 0] >= 0).all()
    if scale < 2:
        assert logits.grad.abs().sum() > 0
