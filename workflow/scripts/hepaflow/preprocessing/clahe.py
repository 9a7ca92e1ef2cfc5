"""Contrast-limited adaptive histogram equalisation (CLAHE; Zuiderveld 1994, Graphics Gems IV).

The steps and the whole numbers are those of scikit-image's `equalize_adapthist`, which works on one tile after
another in Python; here each step is taken for all tiles together. The results are equal bit for bit where the
sides of a tile are powers of two up to 32, as the thesis' are. Elsewhere they may differ by a few `LEVELS`, as
the interpolation is in single precision.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.integer]

LEVELS = 1 << 14
"""Grey levels that an image is stretched to, and that the tiles' mappings lead to."""

BINS = 256
"""Bins of a tile's histogram."""

_SIXTEEN_BITS = 65535


def equalise_adaptively(
    images: NDArray[np.float32], tile: tuple[int, int], clip_limit: float
) -> NDArray[np.float32]:
    """Equalise the histograms of images adaptively, each by itself.

    Parameters
    ----------
    images : ndarray of float32, shape (..., rows, columns)
        Values in [0, 1]. An image whose values are all the same in 16 bits has nothing to stretch: it is returned
        as it is.
    tile : tuple of int
        Rows and columns of a tile.
    clip_limit : float
        Largest share of a tile's pixels that a bin may hold; what is above is spread over the other bins. 0 sets
        no limit.

    Returns
    -------
    ndarray of float32, same shape
        Stretched to [0, 1].
    """
    stack = images.reshape(-1, *images.shape[-2:])
    rounded = stack * np.float32(_SIXTEEN_BITS)
    np.clip(np.rint(rounded, out=rounded), 0, _SIXTEEN_BITS, out=rounded)
    low, high = (found(rounded, axis=(1, 2), keepdims=True) for found in (np.min, np.max))
    varied = (low < high).ravel()
    if not varied.all():
        result = stack.copy()
        if varied.any():
            result[varied] = equalise_adaptively(stack[varied], tile, clip_limit)
        return result.reshape(images.shape)
    # In this order: it decides which way halves are rounded.
    exact = (rounded - low) / (high - low).astype(np.float64)
    exact *= LEVELS - 1
    levels = np.rint(exact, out=exact).astype(np.int32)
    # Half a tile is added before; after, what makes the last tile whole, and the other half.
    (top, below), (left, right) = (
        (side // 2, -length % side + -(-side // 2)) for length, side in zip(stack.shape[1:], tile, strict=True)
    )
    bins = np.pad(levels // (1 + LEVELS // BINS), [(0, 0), (top, below), (left, right)], mode="reflect")
    inner = bins[:, top : top + bins.shape[1] - tile[0], left : left + bins.shape[2] - tile[1]]
    pixels = tile[0] * tile[1]
    limit = max(int(clip_limit * pixels), 1) if clip_limit > 0 else pixels
    mapped = _interpolated(bins, _mappings(_clipped(_histograms(inner, tile), limit), pixels), tile)
    rows, columns = stack.shape[1:]
    mapped = np.floor(mapped[:, top : top + rows, left : left + columns])
    return _stretched(mapped).reshape(images.shape)


def _stretched(stack: NDArray[np.float32]) -> NDArray[np.float32]:
    """Stretch every image to [0, 1], in place."""
    low = stack.min(axis=(1, 2), keepdims=True)
    spread = stack.max(axis=(1, 2), keepdims=True) - low
    flat = spread == 0  # tiles of a pixel or two may map everything to one level
    low[flat], spread[flat] = 0, 1
    stack -= low
    stack /= spread
    return np.clip(stack, 0, 1, out=stack)


def _histograms(bins: Whole, tile: tuple[int, int]) -> Whole:
    """Count the bins in every tile, shape (slices, tiles down, tiles across, BINS)."""
    slices = len(bins)
    down, across = (length // side for length, side in zip(bins.shape[1:], tile, strict=True))
    number = np.arange(slices * down * across).reshape(slices, down, 1, across, 1)
    places = number * BINS + bins.reshape(slices, down, tile[0], across, tile[1])
    counts = np.bincount(places.ravel(), minlength=slices * down * across * BINS)
    return counts.reshape(slices, down, across, BINS)


def _clipped(histograms: Whole, limit: int) -> Whole:
    """Cut the bins of every histogram at a limit, and spread what was cut over the others."""
    counts = histograms.reshape(-1, BINS)
    excess = np.maximum(counts - limit, 0).sum(axis=1)
    counts = np.minimum(counts, limit)
    # The same for every bin, as far as the limit lets it.
    share = (excess // BINS)[:, None]
    room = counts < limit - share
    excess -= room.sum(axis=1) * share[:, 0]
    counts = np.where(room, counts + share, counts)
    near = counts >= limit - share
    excess -= np.where(near, limit - counts, 0).sum(axis=1)
    counts[near] = limit
    _spread(counts, excess, limit)
    return counts.reshape(histograms.shape)


def _spread(counts: Whole, excess: Whole, limit: int) -> None:
    """Add what is left to every so many-th bin that has room, one at a time; in place."""
    numbers = np.arange(BINS)
    waiting = np.flatnonzero(excess > 0)
    while waiting.size:
        before = excess[waiting]
        for first in range(BINS):
            rows = waiting[excess[waiting] > 0]
            if not rows.size:
                break
            room = counts[rows] < limit
            steps = np.maximum(room.sum(axis=1) // excess[rows], 1)[:, None]
            room &= ((numbers - first) % steps == 0) & (numbers >= first)
            counts[rows] += room
            excess[rows] -= room.sum(axis=1)
        waiting = waiting[(excess[waiting] > 0) & (excess[waiting] != before)]


def _mappings(histograms: Whole, pixels: int) -> NDArray[np.float32]:
    """Return the grey level that each tile maps each bin to: whole numbers."""
    levels = np.cumsum(histograms, axis=-1) * ((LEVELS - 1) / pixels)
    whole: NDArray[np.float32] = np.floor(np.minimum(levels, LEVELS - 1)).astype(np.float32)
    return whole


def _interpolated(bins: Whole, levels: NDArray[np.float32], tile: tuple[int, int]) -> NDArray[np.float32]:
    """Map every pixel as the four tiles around it do, weighted by how near their centres are."""
    levels = np.pad(levels, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="edge")  # beyond the outer tiles, those count
    slices = len(bins)
    down, across = (length // side for length, side in zip(bins.shape[1:], tile, strict=True))
    blocks = bins.reshape(slices, down, tile[0], across, tile[1])
    stride = levels.shape[2] * BINS
    corners = (
        (np.arange(slices) * levels[0].size)[:, None, None]
        + (np.arange(down) * stride)[:, None]
        + np.arange(across) * BINS
    )
    places = (blocks + corners[:, :, None, :, None]).astype(np.intp, copy=False)
    result, part = np.zeros(blocks.shape, np.float32), np.empty(blocks.shape, np.float32)
    for offset, weight in zip((0, BINS, stride, stride + BINS), _weights(tile, across), strict=True):
        levels.ravel()[offset:].take(places, out=part, mode="clip")  # all are inside; `raise` would copy
        part *= weight
        result += part
    return result.reshape(bins.shape)


@cache
def _weights(tile: tuple[int, int], across: int) -> list[NDArray[np.float32]]:
    """Return what the four tiles around a pixel count for it, for a row of tiles: (rows, tiles, columns) each."""
    below, right = (np.arange(side, dtype=np.float32) / np.float32(side) for side in tile)
    one = np.float32(1)
    corners = [(one - below, one - right), (one - below, right), (below, one - right), (below, right)]
    return [np.tile(np.outer(*corner)[:, None], (1, across, 1)) for corner in corners]
