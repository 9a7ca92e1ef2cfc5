"""How the networks of a stage learned: loss and learning rate in every epoch."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from hepaflow.figures.style import GREY, WIDTH, looks, styled


@styled
def training_figure(histories: Mapping[str, pd.DataFrame], stage: str) -> Figure:
    """Draw the loss of every network of a stage, and below it the learning rate.

    Parameters
    ----------
    histories : mapping of str to DataFrame
        Training history of each network: epoch, learning_rate, loss, validation_loss (empty without validation).
    stage : {'liver', 'lesion'}
    """
    figure = Figure(figsize=(WIDTH, 5), layout="constrained")
    losses, rates = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    look = looks(histories)
    validated = any(history["validation_loss"].notna().any() for history in histories.values())
    shared = len({tuple(history["learning_rate"]) for history in histories.values()}) == 1
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
            rates.plot(
                history["epoch"], history["learning_rate"], drawstyle="steps-mid", color=GREY, clip_on=False
            )
    handles, _ = losses.get_legend_handles_labels()
    if validated:
        handles.append(Line2D([], [], color=GREY, label="training"))
        handles.append(Line2D([], [], color=GREY, linestyle="--", label="validation"))
    losses.legend(handles=handles, ncols=min(len(handles), 6), loc="lower left", bbox_to_anchor=(0, 1.08))
    losses.set_title(f"Mean loss of an epoch, {stage} networks")
    rates.set_title("Learning rate" + (" of all networks" if shared else ""))
    rates.set_xlabel("epoch")
    rates.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    for axes, most in ((losses, 10), (rates, 6)):
        axes.grid(axis="y")
        values = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.lines])
        if (values <= 0).any() or not np.isfinite(values).any():
            axes.set_ylim(bottom=0)  # a loss or a rate of exactly 0 has no logarithm
        else:
            _count_in_decades(axes, most)
    return figure


def _count_in_decades(axes: Axes, most: int) -> None:
    """Make the y axis logarithmic, from one round number to another, with so many plain numbers at most."""
    axes.set_yscale("log")
    ticks = round_numbers(axes.dataLim.y0, axes.dataLim.y1)
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
