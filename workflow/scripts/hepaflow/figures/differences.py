"""Differences between runs, exam by exam: a dot for each, their mean and its interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from hepaflow.figures.layout import add_legend, in_lines
from hepaflow.figures.style import BAND, GREY, INK, PALETTE, WIDTH, styled
from hepaflow.words import signed

_ROW, _LINE, _FRAME, _LEGEND = 0.3, 0.17, 0.95, 0.45
"""Heights in inches: of a row, of each line of its name, of a panel's title and axis, and of the legend."""
_NAMES = 2.2
"""Most inches of a line of a row's name."""
_BAR = 0.26
"""Half of the length of a mean's bar, in rows."""
_SPREAD = 0.5
"""Height over which the exams of a row are laid one below the other, in rows."""
_FEW = 20
"""Exams whose dots are as large as elsewhere."""


@dataclass(frozen=True)
class DifferencesRow:
    """A row of the figure.

    Attributes
    ----------
    name : str
    differences : ndarray of float, shape (exams,)
    mean, low, high : float
        Their mean and its 95 % interval; NaN where undefined.
    """

    name: str
    differences: NDArray[np.float64]
    mean: float
    low: float
    high: float


@styled
def differences_figure(panels: Sequence[tuple[str, Sequence[DifferencesRow]]], axis: str) -> Figure:
    """Draw the differences of some rows: a panel below the other, on one axis.

    Parameters
    ----------
    panels : sequence of (title, rows)
    axis : str
        What the differences are of: 'Dice of other less that of first'.
    """
    shown = [
        (title, [(row, in_lines(row.name, 9, _NAMES)) for row in rows]) for title, rows in panels if len(rows)
    ]
    heights = [_FRAME + sum(_height(name) for _, name in rows) for _, rows in shown]
    figure = Figure(figsize=(WIDTH, sum(heights) + _LEGEND), layout="constrained")
    panes = figure.subplots(len(shown), 1, squeeze=False, sharex=True, height_ratios=heights)[:, 0]
    for axes, (title, rows) in zip(panes, shown, strict=True):
        _panel(axes, rows)
        axes.set_title(title)
        axes.set_title("mean", loc="right", color=GREY)
        axes.set_xlabel(in_lines(axis, 9, 6.0))
        axes.tick_params(axis="x", labelbottom=True)
    add_legend(figure, _legend(), "outside lower left")
    return figure


def _height(name: str) -> float:
    return _ROW + _LINE * (len(name.split("\n")) - 1)


def _panel(axes: Axes, rows: Sequence[tuple[DifferencesRow, str]]) -> None:
    ends = np.cumsum([0.0, *(_height(name) for _, name in rows)])
    axes.axvline(0, color=GREY, lw=1)
    for number, (row, _) in enumerate(rows):
        low, high = ends[number], ends[number + 1]
        if number % 2:
            axes.axhspan(low, high, color=BAND, zorder=0)
        _draw(axes, (low + high) / 2, row)
    middles = (ends[:-1] + ends[1:]) / 2
    axes.set_yticks(middles, [name for _, name in rows])
    axes.set_ylim(ends[-1], 0)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.margins(x=0.06)


def _draw(axes: Axes, middle: float, row: DifferencesRow) -> None:
    defined = row.differences[~np.isnan(row.differences)]
    count = len(defined)
    along = [middle + _ROW * _SPREAD * ((place + 0.5) / count - 0.5) for place in range(count)]
    axes.plot(
        defined,
        along,
        linestyle="none",
        marker="o",
        markersize=5 if count <= _FEW else 3,
        color=PALETTE[0],
        alpha=0.55,
        markeredgewidth=0,
    )
    text = "–" if np.isnan(row.mean) else signed(row.mean, 3)
    axes.text(1.01, middle, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8)
    if np.isnan(row.mean):
        return
    if not np.isnan(row.low):
        axes.hlines(middle, row.low, row.high, color=INK, linewidth=1.2, zorder=3)
    axes.vlines(row.mean, middle - _BAR * _ROW, middle + _BAR * _ROW, color=INK, linewidth=2.4, zorder=4)


def _legend() -> list[Line2D]:
    dot: dict[str, Any] = {"linestyle": "none", "marker": "o", "color": PALETTE[0], "alpha": 0.55}
    return [
        Line2D([], [], **dot, markeredgewidth=0, label="exam"),
        Line2D(
            [],
            [],
            color=INK,
            linewidth=2.4,
            linestyle="none",
            marker="|",
            markersize=9,
            markeredgewidth=2.4,
            label="mean",
        ),
        Line2D([], [], color=INK, linewidth=1.2, label="its 95 % interval"),
    ]
