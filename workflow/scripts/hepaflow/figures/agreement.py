"""Predicted against reference volumes, and tumour burden: scatter, and Bland and Altman's differences."""

from math import ceil

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hepaflow.evaluation.agreement import MEASURES, Agreement, agreements
from hepaflow.figures.layout import in_lines
from hepaflow.figures.style import GREY, INK, WIDTH, Look, looks, styled
from hepaflow.names import FUSION

_COLUMNS = 3
_CELL = 2.7
"""Inches: height of a row of panels."""
_TITLE = 2.3
"""Inches: width of a panel's title."""


@styled
def agreement_figure(amounts: pd.DataFrame, structure: str) -> Figure:
    """Draw what every method predicts over what the reference has, then a panel of differences for each.

    Parameters
    ----------
    amounts : DataFrame
        As `evaluation.agreement.amounts` returns it; it may be empty.
    structure : {'liver', 'lesion'}
    """
    measure = MEASURES[structure]
    methods = sorted(amounts["method"].unique(), key=lambda name: name == FUSION)
    look, found = looks(methods), agreements(amounts)
    rows = ceil((1 + len(methods)) / _COLUMNS)
    figure = Figure(figsize=(WIDTH, 0.6 + _CELL * rows), layout="constrained")
    figure.suptitle(f"{measure.words.capitalize()}, {measure.unit}", x=0.01, ha="left", fontsize=10)
    grid = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    _scatter(grid[0], amounts, methods, look)
    for axes, method in zip(grid[1:], methods, strict=False):
        _differences(axes, amounts[amounts["method"] == method], found[method], look[method])
        axes.set_title(in_lines(method, 10, _TITLE))
    _alike(list(grid[1 : 1 + len(methods)]))
    for axes in grid[1 + len(methods) :]:
        axes.set_visible(False)
    return figure


def _scatter(axes: Axes, amounts: pd.DataFrame, methods: list[str], look: dict[str, Look]) -> None:
    """Draw predicted amounts over those of the reference; on the line they are equal."""
    axes.set_title("All methods" if methods else "No exam in which both are defined")
    for method in methods:
        own = amounts[amounts["method"] == method]
        _dots(axes, own["reference"], own["predicted"], look[method])
    values = amounts[["reference", "predicted"]].to_numpy(float)
    low, high = (values.min(), values.max()) if values.size else (0.0, 0.0)
    room = 0.08 * (high - low) or 1.0
    ends = (low - room, high + room)
    axes.plot(ends, ends, color=GREY, linewidth=1, zorder=0)
    axes.set(xlim=ends, ylim=ends, xlabel="reference", ylabel="predicted")
    axes.set_aspect("equal")
    axes.grid()


def _differences(axes: Axes, own: pd.DataFrame, found: Agreement, look: Look) -> None:
    """Draw the differences of one method over the mean of both, with their mean and limits of agreement."""
    differences = own["predicted"] - own["reference"]
    _dots(axes, (own["predicted"] + own["reference"]) / 2, differences, look)
    axes.axhline(0, color=GREY, linewidth=0.8, zorder=0)
    axes.axhline(found.bias, color=INK, linewidth=1.2)
    told = f"mean {_signed(found.bias)}"
    if found.exams > 1:
        for limit in found.limits:
            axes.axhline(limit, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        told += f", limits {' and '.join(map(_signed, found.limits))}"
    axes.set_xlabel(f"mean of both\n{told}")
    axes.set_ylabel("predicted − reference")
    axes.margins(x=0.1, y=0.15)


def _signed(value: float) -> str:
    text = f"{value:+z.0f}" if abs(value) >= 100 else f"{value:+z.3g}"
    return text.replace("-", "−")


def _dots(axes: Axes, along: pd.Series, up: pd.Series, look: Look) -> None:
    axes.plot(along, up, linestyle="none", marker=look.marker, color=look.colour, markersize=4.5, alpha=0.85)


def _alike(panels: list[Axes]) -> None:
    """Give panels the same axes, so that they can be compared."""
    for name in ("xlim", "ylim"):
        ends = [getattr(axes, f"get_{name}")() for axes in panels]
        for axes in panels:
            getattr(axes, f"set_{name}")(min(low for low, _ in ends), max(high for _, high in ends))
