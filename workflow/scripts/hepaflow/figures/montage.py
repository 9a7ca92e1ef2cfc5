"""The montage of sample slices: each as CT, with the reference, and with every method's mask."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hepaflow.colours import COLOURS
from hepaflow.evaluation.metrics.overlap import dice
from hepaflow.figures.layout import add_panel, height_of, in_lines
from hepaflow.figures.samples import REFERENCE, Sample
from hepaflow.figures.style import GREY, WIDTH, styled
from hepaflow.settings.slices import WindowSettings

_CELL, _GAP = 1.25, 0.05
"""Least width of a slice (120 pixels in a browser), and the distance of two: inches."""
_EDGE, _TOP, _EXAM, _FOOT = 0.05, 0.4, 0.3, 0.24
"""Inches: at the sides, for the figure's title, for an exam's name, and below each slice for its Dice."""


@styled
def montage(samples: Sequence[Sample], structure: str, window: WindowSettings) -> Figure:
    """Draw slices one below the other: each as CT, with the reference, and with every method's mask and its Dice.

    What does not fit beside each other stands in several rows of about the same length.

    Parameters
    ----------
    samples : sequence of Sample
        At least one.
    structure : {'liver', 'lesion'}
    window : WindowSettings
        CT values that are shown black and white, in HU.
    """
    names = [None, *samples[0].labels]
    rows = math.ceil(len(names) * _CELL / (WIDTH - 2 * _EDGE))
    columns = math.ceil(len(names) / rows)
    cell = (WIDTH - 2 * _EDGE) / columns
    titles = [in_lines(name or "CT", 9, cell - 2 * _GAP) for name in names]
    heads = [
        max(height_of(text, 9) for text in titles[start : start + columns]) + _GAP
        for start in range(0, len(titles), columns)
    ]
    blocks = [_EXAM + sum(heads) + rows * (cell * sample.proportion + _FOOT) for sample in samples]
    figure = Figure(figsize=(WIDTH, _TOP + sum(blocks)))
    height = figure.get_figheight()
    empty = not any(sample.mask(REFERENCE, structure).any() for sample in samples)
    note = f" (no test exam has a {structure} in its reference)" if empty else ""
    top = 1 - 0.1 / height
    figure.text(_EDGE / WIDTH, top, f"Random test slices, {structure}{note}", va="top", fontsize=10)
    key = "filled: mask, dashed: reference"
    figure.text(1 - 2 * _GAP / WIDTH, top, key, va="top", ha="right", color=GREY)
    for sample, left_below in zip(samples, itertools.accumulate(blocks, initial=0), strict=False):
        upper = height - _TOP - left_below - _EXAM
        text = f"{sample.exam}, slice {sample.index + 1} of {sample.slices}"
        figure.text(_EDGE / WIDTH, (upper + 0.08) / height, text, fontsize=9, weight="bold")
        for place, (name, above) in enumerate(zip(names, titles, strict=True)):
            row, column = divmod(place, columns)
            bottom = upper - sum(heads[: row + 1]) - (row + 1) * (cell * sample.proportion + _FOOT) + _FOOT
            size = cell - _GAP, cell * sample.proportion - _GAP
            axes = add_panel(figure, _EDGE + column * cell, bottom, *size)
            _draw(axes, sample, name, structure, window)
            axes.set_title(above, fontsize=9, loc="center", pad=3)
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
