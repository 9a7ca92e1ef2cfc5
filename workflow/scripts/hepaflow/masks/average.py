"""The mean of several maps, which may lie on different grids of one exam."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hepaflow.masks.map import HALF, MIDDLE
from hepaflow.volumes.box import Box


class OnGrid(Protocol):
    """What says where slices lie in an exam: a `SliceFile`, or a `MapGrid`."""

    @property
    def box(self) -> Box | None:
        """Its slices, and what each covers; None where there is nothing to be seen."""

    @property
    def size(self) -> int:
        """Its rows and columns."""


@dataclass(frozen=True)
class MapGrid:
    """Where a map lies in an exam.

    Attributes
    ----------
    box : Box or None
        Its slices, and what each covers; None where there is nothing to be seen.
    size : int
        Its rows and columns.
    """

    box: Box | None
    size: int


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
    rounded = np.rint(mean).astype(np.uint8)
    averaged: NDArray[np.uint8] = np.where(mean > MIDDLE, np.maximum(rounded, HALF), np.minimum(rounded, HALF - 1))
    return averaged


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
    (top, bottom), before_rows, after_rows = _within(one.shape[0], box.rows, onto.rows)
    (left, right), before_columns, after_columns = _within(one.shape[1], box.columns, onto.columns)
    padded = np.pad(one.astype(np.float32), ((before_rows, after_rows), (before_columns, after_columns)))
    part = (left + before_columns, top + before_rows, right + before_columns, bottom + before_rows)
    picture = Image.fromarray(padded).resize((size, size), Image.Resampling.BILINEAR, box=part)
    return np.asarray(picture)


def _within(pixels: int, ends: tuple[int, int], onto: tuple[int, int]) -> tuple[tuple[float, float], int, int]:
    """Return where one range lies in the pixels of another, and how many pixels are missing before and behind."""
    scale = pixels / (ends[1] - ends[0])
    start, stop = (onto[0] - ends[0]) * scale, (onto[1] - ends[0]) * scale
    return (start, stop), max(0, math.ceil(-start)), max(0, math.ceil(stop - pixels))
