"""The mean of several maps, which may lie on different grids of one exam."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hepaflow.masks.map import MIDDLE, rounded_to
from hepaflow.volumes.box import Box


class OnGrid(Protocol):
    """What says where slices lie in an exam: a `SliceFile`, or a `SliceStack`."""

    @property
    def box(self) -> Box | None:
        """Its slices, and what each covers; None where there is nothing to be seen."""

    @property
    def size(self) -> int:
        """Its rows and columns."""


def average(maps: Sequence[tuple[NDArray[np.uint8], OnGrid]], onto: OnGrid) -> NDArray[np.uint8]:
    """Return the mean of maps of one exam, each brought onto one grid (soft voting).

    Parameters
    ----------
    maps : sequence of (ndarray of uint8, shape (slices, size, size); OnGrid)
        Maps (`hepaflow.masks.map`), and where each lies. Where a map does not reach, it finds nothing.
    onto : OnGrid
        Where the mean lies.

    Returns
    -------
    ndarray of uint8, shape (slices, size, size) of `onto`
    """
    if onto.box is None:
        return np.zeros((0, onto.size, onto.size), np.uint8)
    total = np.zeros((onto.box.shape[0], onto.size, onto.size), np.float64)
    for found, grid in maps:
        if grid.box is not None:
            total += _brought(found, grid.box, onto.box, onto.size)
    mean = total / len(maps)
    return rounded_to(mean > MIDDLE, mean)


def _brought(map_: NDArray[np.uint8], box: Box, onto: Box, size: int) -> NDArray[Any]:
    """Return a map of the box `box` on the grid of the box `onto`: bilinear within slices, 0 where it is not."""
    if box == onto and map_.shape[1] == size:
        return map_
    brought = np.zeros((onto.shape[0], size, size), np.float32)
    for place, number in enumerate(range(*onto.slices)):
        if box.slices[0] <= number < box.slices[1] and (one := map_[number - box.slices[0]]).any():
            brought[place] = _slice(one, box, onto, size)
    return brought


def _slice(one: NDArray[np.uint8], box: Box, onto: Box, size: int) -> NDArray[np.float32]:
    """Return one slice on the other grid; resampled is only what the map reaches, however small its box is."""
    rows = _Axis.of(one.shape[0], box.rows, size, onto.rows)
    columns = _Axis.of(one.shape[1], box.columns, size, onto.columns)
    brought = np.zeros((size, size), np.float32)
    if rows.count > 0 and columns.count > 0:
        padded = Image.fromarray(np.pad(one.astype(np.float32), (rows.padding, columns.padding)))
        part = (columns.start, rows.start, columns.stop, rows.stop)
        reached = padded.resize((columns.count, rows.count), Image.Resampling.BILINEAR, box=part)
        here = slice(rows.first, rows.first + rows.count), slice(columns.first, columns.first + columns.count)
        brought[here] = np.asarray(reached)
    return brought


@dataclass(frozen=True)
class _Axis:
    """Along one axis, the pixels of a grid that a map reaches, and where they lie in the map.

    Attributes
    ----------
    first, count : int
        The pixels of the grid.
    start, stop : float
        Their ends, in pixels of the map with its padding.
    padding : (int, int)
        Pixels of nothing before and behind the map.
    """

    first: int
    count: int
    start: float
    stop: float
    padding: tuple[int, int]

    @classmethod
    def of(cls, pixels: int, ends: tuple[int, int], size: int, onto: tuple[int, int]) -> "_Axis":
        own, other = (ends[1] - ends[0]) / pixels, (onto[1] - onto[0]) / size  # sides of a pixel, in voxels
        reach = max(own, other)  # of the bilinear kernel
        first = max(0, math.floor((ends[0] - reach - onto[0]) / other))
        last = min(size, math.ceil((ends[1] + reach - onto[0]) / other))
        start, stop = ((onto[0] + place * other - ends[0]) / own for place in (first, last))
        # The kernel reaches beyond the ends, and Pillow gives it no weight where there is no pixel at all.
        before = max(0, math.ceil(reach / own - start))
        behind = max(0, math.ceil(reach / own + stop - pixels))
        return cls(first, last - first, start + before, stop + before, (before, behind))
