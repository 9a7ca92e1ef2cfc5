"""Losses on logits; lower is better.

A loss is that of the whole mini-batch. Where several devices share it, `total` adds up what each has for its own
slices (:func:`hepaflow.training.devices.total`), and every device has the same loss.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import logsigmoid

from hepaflow.settings import loss as kinds

Loss = Callable[..., Tensor]
Total = Callable[[Tensor], Tensor]


def criterion_of(chosen: kinds.Loss) -> Loss:
    """Return the loss of a training.

    Parameters
    ----------
    chosen : str, or settings of a loss, or a sequence of such, which are added up

    Returns
    -------
    callable
        Takes logits and masks, both of shape (b, 1, h, w), and the keyword `total` where several devices share the
        mini-batch; returns the loss, a scalar.
    """
    if isinstance(chosen, str):
        return LOSSES[chosen]
    terms = chosen if isinstance(chosen, tuple) else (chosen,)
    return partial(_sum, terms)


def _sum(terms: Sequence[kinds.AnyTerm], logits: Tensor, masks: Tensor, total: Total | None = None) -> Tensor:
    """Return the sum of losses, each times its factor."""
    losses = [LOSSES[term.kind](logits, masks, total, term) * (term.factor or 1) for term in terms]
    return torch.stack(losses).sum()


def _cross_entropy(
    logits: Tensor, masks: Tensor, total: Total | None = None, chosen: kinds.CrossEntropy | None = None
) -> Tensor:
    """Return the binary cross-entropy, a mean over all pixels of the batch, both of shape (b, 1, h, w)."""
    weight = None
    if chosen is not None and chosen.positive_weight is not None:
        weight = logits.new_tensor(chosen.positive_weight)
    if total is None:
        mean: Tensor = bce(logits, masks, pos_weight=weight)
        return mean
    return _mean(bce(logits, masks, pos_weight=weight, reduction="sum"), logits.numel(), total)


def _mean(summed: Tensor, count: int, total: Total) -> Tensor:
    """Return the mean over all devices' pixels, or slices, of what was summed over one device's."""
    sums = total(torch.stack([summed, summed.new_tensor(count)]))
    return sums[0] / sums[1]


def _soft_dice(
    logits: Tensor, masks: Tensor, total: Total | None = None, chosen: kinds.SoftDice | None = None
) -> Tensor:
    """Return one minus the soft Dice coefficient of the batch, both of shape (b, 1, h, w).

    Sums run over the whole batch unless the settings say otherwise, so that slices without foreground do not each
    ask for perfection; one is added above and below, so that what is empty and predicted empty costs nothing
    (Milletari et al. 2016).
    """
    both, found, there = _overlap(logits, masks, total, chosen)
    return _over_all(1 - (2 * both + 1) / (found + there + 1), total)


def _overlap(
    logits: Tensor, masks: Tensor, total: Total | None, chosen: kinds.OverlapTerm | None
) -> Sequence[Tensor]:
    """Return how many pixels, softly counted, are both found and there, are found, and are there.

    Counts are those of the whole batch, scalars, or of each slice on this device, shape (b,).
    """
    probability = torch.sigmoid(logits)
    if chosen is not None and chosen.per is not None:
        return [one.flatten(1).sum(1) for one in (probability * masks, probability, masks)]
    both, found, there = (probability * masks).sum(), probability.sum(), masks.sum()
    if total is not None:
        both, found, there = total(torch.stack([both, found, there]))
    return both, found, there


def _over_all(losses: Tensor, total: Total | None) -> Tensor:
    """Return the loss of the whole batch: as it is, a scalar, or the mean over its slices, shape (b,)."""
    if not losses.ndim or total is None:
        return losses.mean()
    return _mean(losses.sum(), len(losses), total)


def _bce_and_dice(logits: Tensor, masks: Tensor, total: Total | None = None) -> Tensor:
    """Return the sum of `_cross_entropy` and `_soft_dice`."""
    return _cross_entropy(logits, masks, total) + _soft_dice(logits, masks, total)


def _component_dice(logits: Tensor, masks: Tensor, total: Total | None, chosen: kinds.ComponentDice) -> Tensor:
    """Return one minus the soft Dice coefficient of each connected component, a mean over those of the batch.

    Each has all that is nearer to it than to the others of its slice or patch (Kofler et al. 2023; Jaus et al.
    2025). Where there is none, what is found is one component's. One is added above and below, as in `_soft_dice`.
    """
    probability = torch.sigmoid(logits).float()
    losses = [probability.flatten()[:0]]  # a device may have no slice
    for one, mask in zip(probability, masks, strict=True):
        region, count = _regions(mask)
        both, found, there = (
            one.new_zeros(count).index_add(0, region, values.flatten())
            for values in (one * mask, one, mask.to(one))
        )
        losses.append(1 - (2 * both + 1) / (1 + found + there))
    return _over_all(torch.cat(losses), total)


def _regions(mask: Tensor) -> tuple[Tensor, int]:
    """Return for each voxel the number of its nearest component, shape (voxels,), from 0, and how many there are.

    Distances are in voxels. Those that share a corner are connected. A mask without any is one region.
    """
    components, count = ndimage.label(mask.cpu().numpy() > 0.5, np.ones((3,) * mask.ndim))
    if count < 2:
        return torch.zeros(mask.numel(), dtype=torch.long, device=mask.device), 1
    nearest = ndimage.distance_transform_edt(components == 0, return_distances=False, return_indices=True)
    return torch.as_tensor(components[tuple(nearest)] - 1, dtype=torch.long, device=mask.device).flatten(), count


def _tversky(logits: Tensor, masks: Tensor, total: Total | None, chosen: kinds.Tversky) -> Tensor:
    """Return one minus the soft Tversky index of the batch (Salehi et al. 2017, equation 2).

    Half a pixel is added above and below: with weights of one half it is `_soft_dice`.
    """
    both, found, there = _overlap(logits, masks, total, chosen)
    wrong = chosen.alpha * (found - both) + chosen.beta * (there - both)
    return _over_all(1 - (both + 0.5) / (both + wrong + 0.5), total)


def _focal(logits: Tensor, masks: Tensor, total: Total | None, chosen: kinds.Focal) -> Tensor:
    """Return the focal loss (Lin et al. 2017, equations 4 and 5), a mean over all pixels of the batch.

    The power of the wrong answer's probability is taken of its logarithm: so its gradient is finite everywhere.
    """
    towards = logits * (2 * masks - 1)  # the logit of the right answer
    losses = -torch.exp(chosen.gamma * logsigmoid(-towards)) * logsigmoid(towards)
    if chosen.alpha is not None:
        losses = losses * (chosen.alpha * masks + (1 - chosen.alpha) * (1 - masks))
    return losses.mean() if total is None else _mean(losses.sum(), logits.numel(), total)


LOSSES: dict[str, Loss] = {
    "bce": _cross_entropy,
    "dice": _soft_dice,
    "bce+dice": _bce_and_dice,
    "component_dice": _component_dice,
    "tversky": _tversky,
    "focal": _focal,
}
"""The losses by the names they have in the settings, as text or as the `kind` of a group."""
