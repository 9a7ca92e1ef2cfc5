"""The worst, the median and the best exam of a method, each by the slice that shows most of the structure."""

from collections.abc import Mapping
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
from hepaflow.volumes.labels import structure_mask

_HEADING, _FOOT, _GAP = 0.6, 0.45, 0.1
"""Inches: above the slices and their titles, below them, and between them."""


def fullest_slice(reference: NDArray[np.uint8], labels: NDArray[np.uint8], structure: str) -> int:
    """Return the slice in which reference and mask together show most of a structure.

    Without any, that which shows most of the liver, or the middle one.

    Parameters
    ----------
    reference, labels : ndarray of uint8, shape (slices, rows, columns)
        Label maps: 0 background, 1 liver, 2 lesion.
    structure : {'liver', 'lesion'}
    """
    both = np.maximum(reference, labels)
    for shown in (structure_mask(both, structure), both > 0):
        if shown.any():
            return int(shown.sum(axis=(1, 2)).argmax())
    return len(both) // 2


@styled
def extremes_figure(
    samples: Mapping[str, tuple[Sample, float]], structure: str, method: str, window: WindowSettings
) -> Figure:
    """Draw one slice of each exam with the reference and a method's mask.

    Parameters
    ----------
    samples : mapping of str to (Sample, float)
        A slice with the labels of the reference and the method, and the Dice of the exam: under `worst`, `median`
        and `best`, or some of them.
    structure : {'liver', 'lesion'}
    method : str
    window : WindowSettings
        CT values that are shown black and white, in HU.
    """
    cell = (WIDTH - _GAP) / max(len(samples), 3) - _GAP
    tallest = max(sample.proportion for sample, _ in samples.values())
    titles = {
        place: in_lines(f"{place}: {sample.exam}, Dice {score:.3f}", 9, cell)
        for place, (sample, score) in samples.items()
    }
    heading = _HEADING + max(height_of(title, 9) for title in titles.values())
    height = heading + cell * tallest + _FOOT
    figure = Figure(figsize=(WIDTH, height))
    title = f"{', '.join(samples).capitalize()} test exam of {method} by Dice, {structure}"
    figure.text(_GAP / WIDTH, 1 - 0.1 / height, title, va="top", fontsize=10)
    key = f"filled: mask of {method}, dashed: reference"
    figure.text(_GAP / WIDTH, 1 - 0.32 / height, key, va="top", color=GREY)
    for column, (place, (sample, _)) in enumerate(samples.items()):
        high = cell * sample.proportion
        left, bottom = _GAP + column * (cell + _GAP), height - heading - high
        axes = add_panel(figure, left, bottom, cell, high)
        _draw(axes, sample, structure, method, window)
        axes.set_title(titles[place], fontsize=9)
        inside = dice(sample.mask(method, structure), sample.mask(REFERENCE, structure))
        axes.set_xlabel(
            f"slice {sample.index + 1} of {sample.slices}, its Dice {inside:.3f}", fontsize=8, labelpad=3
        )
    return figure


def _draw(axes: Axes, sample: Sample, structure: str, method: str, window: WindowSettings) -> None:
    rows, columns = sample.hu.shape
    extent = (0, columns * sample.spacing[1], rows * sample.spacing[0], 0)
    axes.imshow(sample.hu, cmap="gray", vmin=window.low, vmax=window.high, extent=extent, aspect="auto")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    _outline(axes, sample, sample.mask(method, structure), COLOURS[structure], "solid", alpha=0.3)
    _outline(axes, sample, sample.mask(REFERENCE, structure), "white", (0, (2, 1.5)), alpha=0)


def _outline(axes: Axes, sample: Sample, mask: NDArray[np.bool_], colour: str, line: Any, *, alpha: float) -> None:
    """Draw the outline of a mask along the borders of its pixels' centres, and fill it."""
    if not mask.any():
        return
    padded = np.pad(mask, 1).astype(np.float32)  # closes the outline at the edge of the slice
    down, along = ((np.arange(n) - 0.5) * step for n, step in zip(padded.shape, sample.spacing, strict=True))
    if alpha:
        axes.contourf(along, down, padded, levels=[0.5, 1.5], colors=[colour], alpha=alpha)
    axes.contour(along, down, padded, levels=[0.5], colors=[colour], linewidths=1, linestyles=[line])
