"""The weights with which the networks' masks are fused (thesis chapter 5)."""

from collections.abc import Mapping, Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from hepaflow.figures.layout import add_legend, in_lines, width_of
from hepaflow.figures.style import GREY, INK, WIDTH, looks, styled
from hepaflow.masks.fusion import Fusion

_ROW = 0.5
"""Height of a network, in inches."""
_THICKNESS = 0.36
_NAMES = 1.9
"""Most inches of a line of a network's name."""
_NEAR = 0.2
"""Least share that is shown beside the half; else the bars of many networks would be too short to compare."""
_NUMBER = 0.6
"""Inches beside a bar for the number at its end."""


@styled
def weights_figure(fusions: Mapping[str, Fusion]) -> Figure:
    """Draw the share of every network in the vote, before and after the fit, a panel for each stage.

    Parameters
    ----------
    fusions : mapping of str to Fusion
        Fitted weights of each stage.
    """
    methods = list(dict.fromkeys(method for fusion in fusions.values() for method in fusion.methods))
    names = [in_lines(method, 9, _NAMES) for method in methods]
    figure = Figure(figsize=(WIDTH, 1.6 + _ROW * len(methods)), layout="constrained")
    panels = figure.subplots(1, len(fusions), sharex=True, sharey=True, squeeze=False)[0]
    for axes, (stage, fusion) in zip(panels, fusions.items(), strict=True):
        _draw(axes, stage, fusion, methods)
    panels[0].set_yticks(range(len(methods)), names)
    panels[0].set_ylim(len(methods) - 0.5, -0.5)
    shares = [share for fusion in fusions.values() for share in fusion.normalised]
    handles: list[Artist] = [
        Patch(facecolor="white", edgecolor=GREY, label="before the fit: equal shares"),
        Patch(color=GREY, label="after the fit"),
    ]
    if max(shares) >= _NEAR:
        shares.append(0.5)
        for axes in panels:
            axes.axvline(0.5, color=INK, linestyle=":", linewidth=1)
        handles.append(
            Line2D([], [], color=INK, linestyle=":", linewidth=1, label="beyond it, a network decides alone")
        )
    panels[0].set_xlim(_with_room(shares, (WIDTH - max(width_of(name, 9) for name in names)) / len(panels) - 0.3))
    add_legend(figure, handles, "outside lower left")
    return figure


def _with_room(shares: Sequence[float], width: float) -> tuple[float, float]:
    """Return the ends of an axis of so many inches that holds 0, all shares, and the numbers beside their bars."""
    low, high = min(0.0, *shares), max(0.0, *shares)
    room = _NUMBER / width
    room *= (high - low) / (1 - room * (1 + (low < 0)))
    return low - room * (low < 0), high + room


def _draw(axes: Axes, stage: str, fusion: Fusion, methods: Sequence[str]) -> None:
    """Draw the bars of one stage, in the rows of all methods."""
    look = looks(methods)
    for method, share in zip(fusion.methods, fusion.normalised, strict=True):
        row = methods.index(method)
        axes.barh(row - _THICKNESS / 2, 1 / len(fusion.methods), _THICKNESS, color="white", edgecolor=GREY)
        axes.barh(row + _THICKNESS / 2, share, _THICKNESS, color=look[method].colour)
        axes.annotate(
            f"{share:.1%}".replace("-", "−"),
            (share, row + _THICKNESS / 2),
            xytext=(4 if share >= 0 else -4, 0),
            textcoords="offset points",
            ha="left" if share >= 0 else "right",
            va="center",
        )
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_title(f"Share of the vote, {stage}")
