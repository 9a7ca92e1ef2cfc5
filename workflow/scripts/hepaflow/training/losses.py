"""Losses on logits; lower is better.

A loss is that of the whole mini-batch. Where several devices share it, `total` adds up what each has for its own
slices (:func:`hepaflow.training.devices.total`), and every device has the same loss.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as bce

Loss = Callable[..., Tensor]
Total = Callable[[Tensor], Tensor]


def _cross_entropy(logits: Tensor, masks: Tensor, total: Total | None = None) -> Tensor:
    """Return the binary cross-entropy, a mean over all pixels of the batch, both of shape (b, 1, h, w)."""
    if total is None:
        mean: Tensor = bce(logits, masks)
        return mean
    pixels = logits.new_tensor(logits.numel())
    sums = total(torch.stack([bce(logits, masks, reduction="sum"), pixels]))
    return sums[0] / sums[1]


def _soft_dice(logits: Tensor, masks: Tensor, total: Total | None = None) -> Tensor:
    """Return one minus the soft Dice coefficient of the batch, both of shape (b, 1, h, w).

    Sums run over the whole batch, so that slices without foreground do not each ask for perfection; one is
    added above and below, so that an empty batch predicted empty costs nothing (Milletari et al. 2016).
    """
    probability = torch.sigmoid(logits)
    both, found, there = (probability * masks).sum(), probability.sum(), masks.sum()
    if total is not None:
        both, found, there = total(torch.stack([both, found, there]))
    return 1 - (2 * both + 1) / (found + there + 1)


def _bce_and_dice(logits: Tensor, masks: Tensor, total: Total | None = None) -> Tensor:
    """Return the sum of `_cross_entropy` and `_soft_dice`."""
    return _cross_entropy(logits, masks, total) + _soft_dice(logits, masks, total)


LOSSES: dict[str, Loss] = {"bce": _cross_entropy, "dice": _soft_dice, "bce+dice": _bce_and_dice}
"""The losses by the names they have in the settings."""
