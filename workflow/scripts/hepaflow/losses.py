"""Losses on logits; all are means over the batch and lower is better."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as bce

Loss = Callable[[Tensor, Tensor], Tensor]


def soft_dice(logits: Tensor, masks: Tensor) -> Tensor:
    """Return one minus the soft Dice coefficient of the batch, both of shape (b, 1, h, w).

    Sums run over the whole batch, so that slices without foreground do not each ask for perfection; one is
    added above and below, so that an empty batch predicted empty costs nothing (Milletari et al. 2016).
    """
    probability = torch.sigmoid(logits)
    both = (probability * masks).sum()
    return 1 - (2 * both + 1) / (probability.sum() + masks.sum() + 1)


def bce_and_dice(logits: Tensor, masks: Tensor) -> Tensor:
    """Return the sum of binary cross-entropy and `soft_dice`."""
    return bce(logits, masks) + soft_dice(logits, masks)


LOSSES: dict[str, Loss] = {"bce": bce, "dice": soft_dice, "bce+dice": bce_and_dice}
"""The losses by the names they have in the settings."""
