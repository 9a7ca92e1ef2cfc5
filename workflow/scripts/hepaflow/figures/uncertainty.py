"""Whether the networks' disagreement tells where, and in which exams, the fusion is wrong."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hepaflow.evaluation.flagging import rank_correlation, without_correlation
from hepaflow.figures.layout import add_panel, apart, height_of, in_lines, width_of
from hepaflow.figures.style import GREY, INK, WIDTH, styled
from hepaflow.words import counted, number

_LEVELS, _BARS, _AXIS, _DOTS, _JOINTS, _EDGE = 1.9, 1.5, 0.8, 2.4, 0.25, 0.1
"""Inches from left to right: names of levels, bars, the dots' axis, dots at least, lines to names; the edge."""
_TOP, _FOOT, _LEAST = 0.5, 0.6, 2.9
"""Inches from top to bottom: for the titles, for the axes; and the least height of the panels between them."""
_LEVEL = 0.2
"""Least height of a level of disagreement, in inches."""
_NAMED = 20
"""Most exams whose names are written: those with the lowest Dice."""
_SIZE = 8
"""Of the names, in points."""


@styled
def uncertainty_figure(levels: pd.DataFrame, exams: pd.DataFrame, structure: str) -> Figure:
    """Draw the error at every level of disagreement, and the Dice of every exam over its mean disagreement.

    The names of exams stand in a column beside them; of many exams, those with the lowest Dice are named.

    Parameters
    ----------
    levels : DataFrame
        One row for an exam and a level of disagreement (percent): voxels, errors.
    exams : DataFrame
        Columns exam, disagreement (mean, percent) and dice of the fusion.
    structure : {'liver', 'lesion'}
    """
    named = exams.nsmallest(_NAMED, "dice")
    dots = _LEVELS + _BARS + _AXIS
    names = [in_lines(str(name), _SIZE, WIDTH - dots - _DOTS - _JOINTS - _EDGE) for name in named["exam"]]
    line = max((height_of(name, _SIZE) for name in names), default=0.0)
    wide = WIDTH - dots - _JOINTS - _EDGE - max((width_of(name, _SIZE) for name in names), default=0.0)
    height = max(_LEAST, _LEVEL * levels["disagreement"].nunique(), line * len(names))
    figure = Figure(figsize=(WIDTH, _TOP + height + _FOOT))
    left = add_panel(figure, _LEVELS, _FOOT, _BARS, height)
    right = add_panel(figure, dots, _FOOT, wide, height)
    _draw_levels(left, levels)
    _draw_exams(right, exams)
    _name_exams(right, named, names, line / height, _JOINTS / wide)
    left.set_title(f"Voxels, {structure}")
    which = f"\nnamed: the {_NAMED} with the lowest Dice" if len(exams) > _NAMED else ""
    right.set_title(f"Exams, {structure}; {_correlation(exams)}{which}")
    return figure


def _draw_levels(axes: Axes, levels: pd.DataFrame) -> None:
    sums = levels.groupby("disagreement")[["voxels", "errors"]].sum().sort_index()
    shares = 100 * sums["errors"] / sums["voxels"]
    places = range(len(sums))
    axes.barh(places, shares, height=0.6, color=GREY)
    whole = sums["voxels"].sum()
    for place, share in zip(places, shares, strict=True):
        axes.annotate(f"{share:.0f} %", (share, place), (3, 0), textcoords="offset points", va="center")
    names = [
        f"{level}  ({100 * count / whole:.0f} % of the voxels)"
        for level, count in zip(sums.index, sums["voxels"], strict=True)
    ]
    axes.set_yticks(places, names, fontsize=_SIZE)
    axes.tick_params(axis="y", length=0)
    axes.set_ylabel("disagreement of the networks, percent")
    axes.set_xlabel("voxels that the fusion\nhas wrong, percent")
    axes.set_xlim(0, max(10.0, 1.4 * float(shares.max())))


def _draw_exams(axes: Axes, exams: pd.DataFrame) -> None:
    axes.plot(exams["disagreement"], exams["dice"], "o", color=INK, linestyle="none", clip_on=False, zorder=3)
    axes.margins(x=0.08, y=0.06)
    axes.grid()
    axes.set_xlabel("mean disagreement over\nwhat is segmented, percent")
    axes.set_ylabel("Dice of the fusion")


def _name_exams(axes: Axes, exams: pd.DataFrame, names: list[str], line: float, away: float) -> None:
    """Write names right of the axes, each joined to its point.

    They are a line or more apart, in heights of the axes, and so far away from them, in widths.
    """
    low, high = axes.get_ylim()
    levels = [(dice - low) / (high - low) for dice in exams["dice"]]
    places = apart(levels, line, line / 2, 1 - line / 2)
    for name, place, x, y in zip(names, places, exams["disagreement"], exams["dice"], strict=True):
        axes.annotate(
            name,
            (x, y),
            (1 + away, place),
            textcoords="axes fraction",
            va="center",
            fontsize=_SIZE,
            arrowprops={
                "arrowstyle": "-",
                "color": GREY,
                "linewidth": 0.4,
                "shrinkA": 1,
                "shrinkB": 2,
                "relpos": (0, 0.5),
            },
        )


def _correlation(exams: pd.DataFrame) -> str:
    """Return Spearman's rank correlation in words, or why there is none."""
    if reason := without_correlation(exams):
        return f"rank correlation undefined\n({reason})"
    correlation, p = rank_correlation(exams)
    return f"{counted(len(exams), 'exam')}, rank correlation {number(correlation, 2)} (p = {p:.2g})"
