"""How the networks of a stage learned: loss and learning rate in every epoch."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from hepaflow.figures.layout import add_legend, add_panel, height_of, in_lines
from hepaflow.figures.style import GREY, PALE, PALETTE, WIDTH, looks, styled

_TOGETHER = len(PALETTE)
"""Most networks in one panel: each has a colour of its own."""
_ACROSS = 4
"""Panels beside each other where each network has its own."""
_LEFT, _RIGHT, _TOP, _FOOT = 0.6, 0.15, 0.45, 0.5
"""Inches around such panels: for ticks, at the edge, for title and legend, and for the epochs."""
_LOSSES, _RATES, _GAP, _TICKS = 1.2, 0.45, 0.15, 0.25
"""Inches: heights of the panels of losses and of learning rates, their distance, and a line of ticks."""


@styled
def training_figure(histories: Mapping[str, pd.DataFrame], stage: str) -> Figure:
    """Draw the loss of every network of a stage, and below it the learning rate.

    Up to six networks share a panel. Of more, each has its own, before the range of them all. Networks that are
    taken as they are, without an epoch, are left out.

    Parameters
    ----------
    histories : mapping of str to DataFrame
        Training history of each network: epoch, learning_rate, loss, validation_loss (empty without validation).
    stage : {'liver', 'lesion'}
    """
    draw = _together if len(histories) <= _TOGETHER else _each  # as the caption counts them
    histories = {network: history for network, history in histories.items() if not history.empty}
    if not histories:
        return _nothing(stage)
    validated = any(history["validation_loss"].notna().any() for history in histories.values())
    shared = len({tuple(history["learning_rate"]) for history in histories.values()}) == 1
    return draw(histories, stage, validated, shared)


def _nothing(stage: str) -> Figure:
    """Say that there is nothing to draw."""
    figure = Figure(figsize=(WIDTH, 0.6))
    figure.text(0.1 / WIDTH, 0.5, f"No {stage} network was trained: each is as it was before.", va="center")
    return figure


def _together(histories: Mapping[str, pd.DataFrame], stage: str, validated: bool, shared: bool) -> Figure:
    """Draw the losses of all networks in one panel, and in another their learning rates, or the shared one."""
    figure = Figure(figsize=(WIDTH, 5), layout="constrained")
    losses, rates = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    look = looks(histories)
    for network, history in histories.items():
        line: dict[str, Any] = {
            "color": look[network].colour,
            "marker": look[network].marker,
            "markevery": max(1, len(history) // 20),
            "clip_on": False,
        }
        losses.plot(history["epoch"], history["loss"], label=network, **line)
        if validated:
            losses.plot(history["epoch"], history["validation_loss"], "--", **line, markerfacecolor="white")
        if not shared:
            rates.plot(history["epoch"], history["learning_rate"], drawstyle="steps-mid", **line)
        elif not rates.lines:
            _draw_rate(rates, history)
    handles, _ = losses.get_legend_handles_labels()
    add_legend(figure, [*handles, *(_kinds(validated) if validated else [])], "outside upper left")
    losses.set_title(f"Mean loss of an epoch, {stage} networks")
    rates.set_title("Learning rate" + (" of all networks" if shared else ""))
    _count_epochs(rates)
    _scale([losses], 10)
    _scale([rates], 6)
    return figure


def _each(histories: Mapping[str, pd.DataFrame], stage: str, validated: bool, shared: bool) -> Figure:
    """Draw a panel for each network, and below it its learning rate, or below all of them the shared one."""
    width = (WIDTH - _LEFT - _RIGHT - _GAP * (_ACROSS - 1)) / _ACROSS
    names = {network: in_lines(network, 9, width) for network in histories}
    own = 0.0 if shared else _RATES + _GAP
    row = max(height_of(name, 9) for name in names.values()) + _LOSSES + own + 2 * _GAP
    rows = math.ceil(len(histories) / _ACROSS)
    below = _FOOT + (_RATES + 4 * _TICKS if shared else 0)
    figure = Figure(figsize=(WIDTH, _TOP + rows * row + below))
    look, range_ = looks(histories), _range(histories)
    ends = range_.index[0] - 0.5, range_.index[-1] + 0.5
    losses, rates = [], []
    for place, (network, history) in enumerate(histories.items()):
        down, along = divmod(place, _ACROSS)
        left, lower = _LEFT + along * (width + _GAP), below + (rows - 1 - down) * row
        panels = [add_panel(figure, left, lower + own, width, _LOSSES)]
        panels[0].fill_between(range_.index, range_["min"], range_["max"], color=PALE, linewidth=0)
        panels[0].plot(history["epoch"], history["loss"], color=look[network].colour)
        if validated:
            panels[0].plot(history["epoch"], history["validation_loss"], "--", color=look[network].colour)
        panels[0].set_title(names[network], fontsize=9, pad=4)
        losses.append(panels[0])
        if not shared:
            panels.append(add_panel(figure, left, lower, width, _RATES))
            _draw_rate(panels[1], history)
            rates.append(panels[1])
        lowest = place + _ACROSS >= len(histories)
        for panel in panels:
            panel.set_xlim(*ends)
            panel.xaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
            panel.tick_params(labelleft=along == 0, labelbottom=lowest and panel is panels[-1])
        if lowest:
            panels[-1].set_xlabel("epoch")
    if shared:
        rates.append(add_panel(figure, _LEFT, _FOOT, WIDTH - _LEFT - _RIGHT, _RATES))
        _draw_rate(rates[0], next(iter(histories.values())))
        rates[0].set_title("Learning rate of all networks", fontsize=9)
        rates[0].set_xlim(*ends)
        _count_epochs(rates[0])
    _scale(losses, 6)
    _scale(rates, 3)
    title = f"Mean loss of an epoch, {stage} networks" + ("" if shared else "; below it, the learning rate")
    figure.text(0.1 / WIDTH, 1 - 0.1 / figure.get_figheight(), title, va="top", fontsize=10)
    figure.legend(
        handles=[*_kinds(validated), Patch(color=PALE, label="range of all networks, training")],
        loc="upper left",
        bbox_to_anchor=(0.1 / WIDTH, 1 - 0.28 / figure.get_figheight()),
        ncols=3,
        borderpad=0,
        borderaxespad=0,
    )
    return figure


def _range(histories: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the lowest and the highest loss of every epoch (min, max), among the networks that have it."""
    losses = pd.concat(histories.values()).groupby("epoch")["loss"]
    return losses.agg(["min", "max"])


def _kinds(validated: bool) -> list[Artist]:
    """Explain solid lines, and dashed ones if there are any."""
    handles: list[Artist] = [Line2D([], [], color=GREY, label="training")]
    if validated:
        handles.append(Line2D([], [], color=GREY, linestyle="--", label="validation"))
    return handles


def _draw_rate(axes: Axes, history: pd.DataFrame) -> None:
    axes.plot(history["epoch"], history["learning_rate"], drawstyle="steps-mid", color=GREY, clip_on=False)


def _count_epochs(axes: Axes) -> None:
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _scale(panels: Sequence[Axes], most: int) -> None:
    """Give panels the same y axis: logarithmic with so many numbers at most, if all values have a logarithm."""
    values = np.concatenate([np.asarray(line.get_ydata(), float) for axes in panels for line in axes.lines])
    values = values[np.isfinite(values)]
    for axes in panels:
        axes.grid(axis="y")
        if values.size and (values > 0).all():
            _count_in_decades(axes, values.min(), values.max(), most)
        else:
            axes.set_ylim(0, 1.05 * max(values, default=1.0) or 1.0)


def _count_in_decades(axes: Axes, low: float, high: float, most: int) -> None:
    """Make the y axis logarithmic, from one round number to another, with so many plain numbers at most."""
    axes.set_yscale("log")
    ticks = round_numbers(low, high)
    axes.set_ylim(ticks[0], ticks[-1])
    if len(ticks) > most:
        ticks = [tick for tick in ticks if math.log10(tick).is_integer()]
        ticks = ticks[:: math.ceil(len(ticks) / most)]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def round_numbers(low: float, high: float) -> list[float]:
    """Return the numbers 1, 2 and 5 of every decade from the last not above `low` to the first not below `high`.

    There are always two.

    Examples
    --------
    >>> round_numbers(0.03, 0.4)
    [0.02, 0.05, 0.1, 0.2, 0.5]
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 2)
    numbers = [float(f"{digit}e{decade}") for decade in decades for digit in (1, 2, 5)]
    first = max(index for index, number in enumerate(numbers) if number <= low)
    last = min(index for index, number in enumerate(numbers) if number >= high)
    return numbers[first : max(last, first + 1) + 1]
