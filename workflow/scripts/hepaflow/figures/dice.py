"""Dice of every test exam by method, beside the thesis' means (thesis tables 1 and 2)."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hepaflow.figures.style import GREY, INK, WIDTH, Look, looks, styled
from hepaflow.names import FUSION, GIVEN, PROCESSINGS
from hepaflow.tables import thesis

_OFFSETS = {"raw": -0.17, "clean": 0.17}
_SPREAD = 0.16
"""Width over which the exams of a method are laid side by side."""


@styled
def dice_figure(metrics: pd.DataFrame, structure: str, architectures: Mapping[str, str]) -> Figure:
    """Draw the Dice of every exam, without (hollow) and with post-processing (filled), and their means.

    Parameters
    ----------
    metrics : DataFrame
        Tidy scores: exam, structure, method, processing, metric, value.
    structure : {'liver', 'lesion'}
    architectures : mapping of str to str
        Architecture of each method (the fusion's is `fusion`); the thesis' mean is marked beside those it
        reports. Empty where no comparison makes sense.
    """
    scores = metrics[(metrics["structure"] == structure) & (metrics["metric"] == "dice")]
    scores = scores.replace({"processing": {GIVEN: "clean"}})  # the only score of another system
    methods = sorted(scores["method"].unique(), key=lambda name: name == FUSION)
    look = looks(methods)
    figure = Figure(figsize=(max(WIDTH, 1.4 * len(methods)), 4.6), layout="constrained")
    axes = figure.subplots()
    names, compared = [], False
    for place, method in enumerate(methods):
        exams = scores[scores["method"] == method].pivot(index="exam", columns="processing", values="value")
        _draw(axes, place, exams, look[method])
        compared |= _mark_thesis(axes, place, exams, structure, architectures.get(method, ""))
        means = [
            f"{processing} {exams[processing].mean():.3f}" for processing in PROCESSINGS if processing in exams
        ]
        names.append("\n".join([method, *means]))
    axes.set_xticks(range(len(methods)), names)
    axes.set_xlim(-0.5, len(methods) - 0.5)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel("Dice")
    axes.grid(axis="y")
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, -0.02), min(high, 1.005))
    axes.set_title(f"Dice of the {scores['exam'].nunique()} test exams, {structure}")
    figure.legend(handles=_legend(compared), loc="outside lower left", ncols=5)
    return figure


def _places(place: int, exams: pd.DataFrame, processing: str) -> list[float]:
    """Return where the exams of a method stand along x: side by side around the place of the processing."""
    middle = place + (_OFFSETS[processing] if len(exams.columns) > 1 else 0)
    count = len(exams)
    return [middle + _SPREAD * ((index + 0.5) / count - 0.5) for index in range(count)]


def _draw(axes: Axes, place: int, exams: pd.DataFrame, look: Look) -> None:
    """Draw the exams of one method; a line joins the two scores of an exam."""
    places = {processing: _places(place, exams, processing) for processing in PROCESSINGS if processing in exams}
    if len(places) > 1:
        axes.plot(
            [places["raw"], places["clean"]], [exams["raw"], exams["clean"]], color=look.colour, alpha=0.35, lw=0.8
        )
    for processing, along in places.items():
        axes.plot(
            along,
            exams[processing],
            linestyle="none",
            marker=look.marker,
            color=look.colour,
            markerfacecolor="white" if processing == "raw" else look.colour,
        )
        middle = sum(along) / len(along)
        axes.hlines(exams[processing].mean(), middle - 0.15, middle + 0.15, color=INK, linewidth=2, zorder=3)


def _mark_thesis(axes: Axes, place: int, exams: pd.DataFrame, structure: str, architecture: str) -> bool:
    """Mark the thesis' means of an architecture; tell whether it reports any."""
    reported = False
    for processing in PROCESSINGS:
        mean = thesis.DICE.get((structure, processing), {}).get(architecture)
        if mean is None or processing not in exams:
            continue
        outwards = -0.2 if processing == "raw" and len(exams.columns) > 1 else 0.2
        middle = sum(_places(place, exams, processing)) / len(exams)
        axes.plot(middle + outwards, mean, "*", color=INK, markerfacecolor="white", markersize=10, zorder=4)
        reported = True
    return reported


def _legend(compared: bool) -> list[Line2D]:
    """Explain the markers."""
    dot: dict[str, Any] = {"linestyle": "none", "marker": "o", "color": GREY}
    handles = [
        Line2D([], [], **dot, markerfacecolor="white", label="exam, without post-processing"),
        Line2D([], [], **dot, label="exam, with post-processing"),
        Line2D([], [], color=INK, linewidth=2, label="mean"),
    ]
    if compared:
        star: dict[str, Any] = {"linestyle": "none", "marker": "*", "color": INK, "markersize": 10}
        handles.append(Line2D([], [], **star, markerfacecolor="white", label="thesis' mean, LiTS17"))
    return handles
