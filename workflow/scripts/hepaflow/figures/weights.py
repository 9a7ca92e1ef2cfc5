"""The weights with which the networks' masks are fused (thesis chapter 5)."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from hepaflow.figures.style import GREY, INK, WIDTH, looks, styled
from hepaflow.masks.fusion import Fusion

_THICKNESS = 0.36


@styled
def weights_figure(fusions: Mapping[str, Fusion]) -> Figure:
    """Draw the share of every network in the vote, before and after the fit, a panel for each stage.

    Parameters
    ----------
    fusions : mapping of str to Fusion
        Fitted weights of each stage.
    """
    rows = max(len(fusion.methods) for fusion in fusions.values())
    figure = Figure(figsize=(WIDTH, 1.6 + 0.5 * rows), layout="constrained")
    panels = figure.subplots(1, len(fusions), sharex=True, sharey=True, squeeze=False)[0]
    for axes, (stage, fusion) in zip(panels, fusions.items(), strict=True):
        _draw(axes, stage, fusion)
    shares = [0.5, *(share for fusion in fusions.values() for share in fusion.normalised)]
    low, high = min(0.0, *shares), max(shares)
    room = 0.14 * (high - low)  # for the numbers at the ends of the bars
    panels[0].set_xlim(low - room * (low < 0), high + room)
    panels[0].invert_yaxis()
    handles = [
        Patch(facecolor="white", edgecolor=GREY, label="before the fit: equal shares"),
        Patch(color=GREY, label="after the fit"),
        Line2D([], [], color=INK, linestyle=":", linewidth=1, label="beyond it, a network decides alone"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=3)
    return figure


def _draw(axes: Axes, stage: str, fusion: Fusion) -> None:
    """Draw the bars of one stage."""
    count, look = len(fusion.methods), looks(fusion.methods)
    for row, (method, share) in enumerate(zip(fusion.methods, fusion.normalised, strict=True)):
        axes.barh(row - _THICKNESS / 2, 1 / count, _THICKNESS, color="white", edgecolor=GREY)
        axes.barh(row + _THICKNESS / 2, share, _THICKNESS, color=look[method].colour)
        axes.annotate(
            f"{share:.1%}".replace("-", "−"),
            (share, row + _THICKNESS / 2),
            xytext=(4 if share >= 0 else -4, 0),
            textcoords="offset points",
            ha="left" if share >= 0 else "right",
            va="center",
        )
    axes.axvline(0.5, color=INK, linestyle=":", linewidth=1)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set_yticks(range(count), fusion.methods)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_title(f"Share of the vote, {stage}")
