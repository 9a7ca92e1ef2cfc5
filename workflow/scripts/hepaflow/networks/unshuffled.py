"""Pictures as smaller ones with more channels, and back: neighbours become channels (Shi et al. 2016).

The paper is arXiv:1609.05158.
torch has this as `pixel_unshuffle` and `pixel_shuffle`, for two dimensions and equal factors alone.
"""

from collections.abc import Sequence
from math import prod

from torch import Tensor


def unshuffled(x: Tensor, factors: Sequence[int]) -> Tensor:
    """Make a picture smaller by its factors, without loss.

    Parameters
    ----------
    x : Tensor, shape (b, c, *sides)
        Each side a multiple of its factor.
    factors : sequence of int
        Of each side.

    Returns
    -------
    Tensor, shape (b, c * product of factors, *(side / factor))

    Raises
    ------
    ValueError
        If a side is no multiple of its factor.

    Examples
    --------
    >>> import torch
    >>> unshuffled(torch.arange(8.0).reshape(1, 1, 2, 4), (1, 2))
    tensor([[[[0., 2.],
              [4., 6.]],
    <BLANKLINE>
             [[1., 3.],
              [5., 7.]]]])
    """
    if prod(factors) == 1:
        return x
    sides = x.shape[2:]
    if any(side % factor for side, factor in zip(sides, factors, strict=True)):
        raise ValueError(f"found sides {tuple(sides)}, expected multiples of {tuple(factors)}")
    split = [size for side, factor in zip(sides, factors, strict=True) for size in (side // factor, factor)]
    small, neighbour = range(2, 2 + len(split), 2), range(3, 2 + len(split), 2)
    moved = x.reshape(*x.shape[:2], *split).permute(0, 1, *neighbour, *small)
    return moved.reshape(len(x), x.shape[1] * prod(factors), *split[::2])


def shuffled(x: Tensor, factors: Sequence[int]) -> Tensor:
    """Undo `unshuffled`: shape (b, c * product of factors, *sides) becomes (b, c, *(side * factor))."""
    if prod(factors) == 1:
        return x
    dimensions = len(factors)
    channels = x.shape[1] // prod(factors)
    split = x.reshape(len(x), channels, *factors, *x.shape[2:])
    order = [axis for one in range(dimensions) for axis in (2 + dimensions + one, 2 + one)]
    sides = [side * factor for side, factor in zip(x.shape[2:], factors, strict=True)]
    return split.permute(0, 1, *order).reshape(len(x), channels, *sides)
