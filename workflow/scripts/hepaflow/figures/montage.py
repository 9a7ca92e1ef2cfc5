"""The montage of sample slices: rows are slices, columns the CT, the reference and every method."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hepaflow.colours import COLOURS
from hepaflow.evaluation.metrics.overlap import dice
from hepaflow.figures.samples import REFERENCE, Sample
from hepaflow.figures.style import GREY, WIDTH, styled
from hepaflow.settings.slices import WindowSettings

_LEFT, _TOP, _FOOT, _GAP = 0.42, 0.58, 0.24, 0.05
"""Inches: for the rows' titles, for those of figure and columns, below each slice, and between slices."""


@styled
def montage(samples: Sequence[Sample], structure: str, window: WindowSettings) -> Figure:
    """Draw slices in rows: the CT, the reference, and the mask of every method with its Dice in this slice.

    Parameters
    ----------
    samples : sequence of Sample
        At least one.
    structure : {'liver', 'lesion'}
    window : WindowSettings
        CT values that are shown black and white, in HU.
    """
    names = list(samples[0].labels)
    columns = 1 + len(names)
    width = max(WIDTH, 1.2 * columns)
    cell = (width - _LEFT) / columns
    heights = [cell * sample.proportion + _FOOT for sample in samples]
    height = _TOP + sum(heights)
    figure = Figure(figsize=(width, height))
    empty = not any(sample.mask(REFERENCE, structure).any() for sample in samples)
    note = f" (no test exam has a {structure} in its reference)" if empty else ""
    top = 1 - 0.1 / height
    figure.text(0.05 / width, top, f"Random test slices, {structure}{note}", va="top", fontsize=10)
    key = "filled: mask of the column, dashed: reference"
    figure.text(1 - _GAP / width, top, key, va="top", ha="right", color=GREY)
    for row, sample in enumerate(samples):
        bottom = height - _TOP - sum(heights[: row + 1]) + _FOOT
        for column, name in enumerate([None, *names]):
            place = (_LEFT + column * cell, bottom, cell - _GAP, cell * sample.proportion - _GAP)
            axes = figure.add_axes((place[0] / width, place[1] / height, place[2] / width, place[3] / height))
            _draw(axes, sample, name, structure, window)
            if row == 0:
                axes.set_title("CT" if name is None else name, fontsize=9, loc="center")
            if column == 0:
                axes.set_ylabel(f"{sample.exam}\nslice {sample.index + 1} of {sample.slices}", fontsize=8)
    return figure


def _draw(axes: Axes, sample: Sample, name: str | None, structure: str, window: WindowSettings) -> None:
    """Draw one slice, with a mask where one is named."""
    rows, columns = sample.hu.shape
    high, wide = rows * sample.spacing[0], columns * sample.spacing[1]
    axes.imshow(
        sample.hu, cmap="gray", vmin=window.low, vmax=window.high, extent=(0, wide, high, 0), aspect="auto"
    )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    if name is None:
        return
    reference, mask = sample.mask(REFERENCE, structure), sample.mask(name, structure)
    _outline(axes, mask, sample.spacing, COLOURS[structure], "solid", fill=True)
    if name != REFERENCE:
        _outline(axes, reference, sample.spacing, "white", (0, (2, 1.5)), fill=False)
        axes.set_xlabel(f"Dice {dice(mask, reference):.3f}", fontsize=8, labelpad=2)


def _outline(
    axes: Axes, mask: NDArray[np.bool_], spacing: tuple[float, float], colour: str, line: Any, *, fill: bool
) -> None:
    """Draw a mask's outline along the borders of its pixels' centres, and fill it translucently (thesis 4.10)."""
    if not mask.any():
        return
    padded = np.pad(mask, 1).astype(np.float32)  # closes the outline at the edge of the slice
    down, along = ((np.arange(length) - 0.5) * step for length, step in zip(padded.shape, spacing, strict=True))
    if fill:
        axes.contourf(along, down, padded, levels=[0.5, 1.5], colors=[colour], alpha=0.3)
    axes.contour(
        along, down, padded, levels=[0.5], colors=[colour], linewidths=1 if fill else 0.7, linestyles=[line]
    )
