"""Whether the networks' disagreement tells where, and in which exams, the fusion is wrong."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hepaflow.evaluation.flagging import rank_correlation, without_correlation
from hepaflow.figures.style import GREY, INK, WIDTH, styled

_NAMED = 20
"""Most exams whose names are written beside their points."""


@styled
def uncertainty_figure(levels: pd.DataFrame, exams: pd.DataFrame, structure: str) -> Figure:
    """Draw the error at every level of disagreement, and the Dice of every exam over its mean disagreement.

    Parameters
    ----------
    levels : DataFrame
        One row for an exam and a level of disagreement (percent): voxels, errors.
    exams : DataFrame
        Columns exam, disagreement (mean, percent) and dice of the fusion.
    structure : {'liver', 'lesion'}
    """
    figure = Figure(figsize=(WIDTH, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2, 3))
    _draw_levels(left, levels)
    _draw_exams(right, exams)
    left.set_title(f"Voxels, {structure}")
    right.set_title(f"Exams, {structure}; {_correlation(exams)}")
    return figure


def _draw_levels(axes: Axes, levels: pd.DataFrame) -> None:
    sums = levels.groupby("disagreement")[["voxels", "errors"]].sum().sort_index()
    shares = 100 * sums["errors"] / sums["voxels"]
    places = range(len(sums))
    axes.bar(places, shares, width=0.6, color=GREY)
    whole = sums["voxels"].sum()
    for place, share in zip(places, shares, strict=True):
        axes.annotate(f"{share:.0f} %", (place, share), (0, 3), textcoords="offset points", ha="center")
    names = [
        f"{level}\n({100 * count / whole:.0f} % of\nthe voxels)"
        for level, count in zip(sums.index, sums["voxels"], strict=True)
    ]
    axes.set_xticks(places, names)
    axes.tick_params(axis="x", length=0)
    axes.set_xlabel("disagreement of the networks, percent")
    axes.set_ylabel("voxels that the fusion has wrong, percent")
    axes.set_ylim(0, max(10.0, 1.15 * float(shares.max())))


def _draw_exams(axes: Axes, exams: pd.DataFrame) -> None:
    axes.plot(exams["disagreement"], exams["dice"], "o", color=INK, linestyle="none")
    if len(exams) <= _NAMED:
        for row in exams.to_dict("records"):
            place = (row["disagreement"], row["dice"])
            axes.annotate(str(row["exam"]), place, (5, 4), textcoords="offset points", color=GREY, fontsize=8)
    axes.margins(x=0.2, y=0.12)
    axes.grid()
    axes.set_xlabel("mean disagreement over what is segmented, percent")
    axes.set_ylabel("Dice of the fusion")


def _correlation(exams: pd.DataFrame) -> str:
    """Return Spearman's rank correlation in words, or why there is none."""
    if reason := without_correlation(exams):
        return f"rank correlation undefined\n({reason})"
    correlation, p = rank_correlation(exams)
    return f"{len(exams)} exams, rank correlation {correlation:.2f} (p = {p:.2g})"
