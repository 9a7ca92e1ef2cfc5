"""Dice of every test exam by method, beside the thesis' means (thesis tables 1 and 2)."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hepaflow.figures.layout import add_legend, in_lines
from hepaflow.figures.style import BAND, GREY, INK, WIDTH, Look, looks, styled
from hepaflow.names import FUSION, GIVEN, PROCESSINGS
from hepaflow.tables import thesis

_ROW, _FRAME = 0.6, 1.3
"""Height of a method, and of title, axis and legend together, in inches."""
_NAMES = 1.9
"""Most inches of a line of a method's name."""
_OFFSETS = {"raw": -0.2, "clean": 0.2}
_SPREAD = 0.24
"""Height over which the exams of a method are laid one below the other."""
_BAR, _STAR = 0.16, 0.2
"""Half of the length of a mean's bar, and the distance of the thesis' mean from the middle of ours."""
_FEW = 20
"""Exams whose dots are as large as elsewhere."""


@styled
def dice_figure(metrics: pd.DataFrame, structure: str, architectures: Mapping[str, str]) -> Figure:
    """Draw the Dice of every exam, without (hollow) and with post-processing (filled), and their means.

    A row for a method, however many there are: so the figure grows downwards, and every name is written out.

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
    figure = Figure(figsize=(WIDTH, _ROW * len(methods) + _FRAME), layout="constrained")
    axes = figure.subplots()
    compared = False
    for place, method in enumerate(methods):
        exams = scores[scores["method"] == method].pivot(index="exam", columns="processing", values="value")
        _draw(axes, place, exams, look[method])
        compared |= _mark_thesis(axes, place, exams, structure, architectures.get(method, ""))
    axes.set_yticks(range(len(methods)), [in_lines(method, 9, _NAMES) for method in methods])
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    for place in range(1, len(methods), 2):
        axes.axhspan(place - 0.5, place + 0.5, color=BAND, zorder=0)
    axes.set_xlabel("Dice")
    axes.grid(axis="x")
    low, high = axes.get_xlim()
    axes.set_xlim(max(low, -0.02), min(high, 1.005))
    axes.set_title(f"Dice of the {scores['exam'].nunique()} test exams, {structure}")
    axes.set_title("mean", loc="right", color=GREY)
    add_legend(figure, _legend(compared), "outside lower left")
    return figure


def _places(place: int, exams: pd.DataFrame, processing: str) -> list[float]:
    """Return where the exams of a method stand along y: one below the other around the place of the processing."""
    middle = _middle(place, exams, processing)
    count = len(exams)
    return [middle + _SPREAD * ((index + 0.5) / count - 0.5) for index in range(count)]


def _middle(place: int, exams: pd.DataFrame, processing: str) -> float:
    """Return where a processing of a method stands along y: in the middle of its row where it is the only one."""
    return place + (_OFFSETS[processing] if len(exams.columns) > 1 else 0)


def _draw(axes: Axes, place: int, exams: pd.DataFrame, look: Look) -> None:
    """Draw the exams of one method, and write its means; a line joins the two scores of an exam."""
    places = {processing: _places(place, exams, processing) for processing in PROCESSINGS if processing in exams}
    few = len(exams) <= _FEW
    if len(places) > 1:
        axes.plot(
            [exams["raw"], exams["clean"]],
            [places["raw"], places["clean"]],
            color=look.colour,
            alpha=0.35,
            lw=0.8 if few else 0.4,
        )
    for processing, along in places.items():
        axes.plot(
            exams[processing],
            along,
            linestyle="none",
            marker=look.marker,
            markersize=5 if few else 3.5,
            color=look.colour,
            markerfacecolor="white" if processing == "raw" else look.colour,
        )
        middle, mean = _middle(place, exams, processing), exams[processing].mean()
        axes.vlines(mean, middle - _BAR, middle + _BAR, color=INK, linewidth=2, zorder=3)
        text = f"{processing} {mean:.3f}"
        axes.text(1.01, middle, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8)


def _mark_thesis(axes: Axes, place: int, exams: pd.DataFrame, structure: str, architecture: str) -> bool:
    """Mark the thesis' means of an architecture; tell whether it reports any."""
    reported = False
    for processing in PROCESSINGS:
        mean = thesis.DICE.get((structure, processing), {}).get(architecture)
        if mean is None or processing not in exams:
            continue
        outwards = -_STAR if processing == "raw" and len(exams.columns) > 1 else _STAR
        middle = _middle(place, exams, processing)
        axes.plot(mean, middle + outwards, "*", color=INK, markerfacecolor="white", markersize=9, zorder=4)
        reported = True
    return reported


def _legend(compared: bool) -> list[Line2D]:
    """Explain the markers."""
    dot: dict[str, Any] = {"linestyle": "none", "marker": "o", "color": GREY}
    handles = [
        Line2D([], [], **dot, markerfacecolor="white", label="exam, without post-processing (raw)"),
        Line2D([], [], **dot, label="exam, with post-processing (clean)"),
        Line2D([], [], color=INK, linewidth=2, label="mean"),
    ]
    if compared:
        star: dict[str, Any] = {"linestyle": "none", "marker": "*", "color": INK, "markersize": 9}
        handles.append(Line2D([], [], **star, markerfacecolor="white", label="thesis' mean, LiTS17"))
    return handles
