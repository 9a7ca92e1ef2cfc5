"""Supervision of a network at several sizes, where it draws its logits at more than one (deep supervision)."""

from collections.abc import Callable, Sequence

from torch import Tensor
from torch.nn.functional import interpolate

Criterion = Callable[[Tensor, Tensor], Tensor]


def supervised(criterion: Criterion, found: Tensor | Sequence[Tensor], masks: Tensor) -> Tensor:
    """Return the loss of what a network draws in training.

    Where it draws logits at several sizes, it is the mean of their losses with weights of 1, 1/2, 1/4 and so on
    (Lee et al. 2015, with the weights of Isensee et al. 2021). nnU-Net gives none to its coarsest sizes: a network
    of its kind draws nothing there.

    Parameters
    ----------
    criterion : callable
        Takes logits and masks of one size.
    found : Tensor, shape (b, 1, h, w) or (b, 1, z, h, w), or sequence of Tensor
        Logits; of several sizes, the full one first, then coarser ones.
    masks : Tensor, of the first's shape
        Brought to coarser sizes by their nearest pixels, as in nnU-Net: each stays 0 or 1.
    """
    if isinstance(found, Tensor):
        return criterion(found, masks)
    weights = [0.5**number for number in range(len(found))]
    losses = (
        weight * criterion(logits, _at_size_of(logits, masks))
        for weight, logits in zip(weights, found, strict=True)
    )
    return sum(losses, start=masks.new_zeros(())) / sum(weights)


def _at_size_of(logits: Tensor, masks: Tensor) -> Tensor:
    """Return masks at the size of logits, each pixel that of the original nearest to its centre."""
    if logits.shape == masks.shape:
        return masks
    return interpolate(masks, logits.shape[2:], mode="nearest-exact")
