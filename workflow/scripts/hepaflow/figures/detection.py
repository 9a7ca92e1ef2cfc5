"""Which lesions are found, by their size."""

from math import ceil

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hepaflow.evaluation.lesions import FOUND, REFERENCE
from hepaflow.figures.layout import LINE, add_legend, legend_columns
from hepaflow.figures.style import GREY, WIDTH, Look, looks, styled
from hepaflow.names import FUSION
from hepaflow.tables.lesions import ALL, THRESHOLDS_IN_WORDS, detection_table
from hepaflow.words import counted

_SPREAD = 0.8
"""Width over which the methods of a class are laid side by side."""


@styled
def detection_figure(lesions: pd.DataFrame, leading: str) -> Figure:
    """Draw the share of the reference's lesions that each method finds, by size, and each lesion's overlap.

    Parameters
    ----------
    lesions : DataFrame
        Rows of `lesions_of_exam`, of several exams; there may be none.
    leading : str
        The method whose overlap with each lesion is drawn.
    """
    methods = sorted(dict.fromkeys([*lesions["method"], leading]), key=lambda name: name == FUSION)
    look = looks(methods)
    handles = [
        Line2D([], [], linestyle="none", marker=look[name].marker, color=look[name].colour, label=name)
        for name in methods
    ]
    handles += [
        Line2D([], [], linestyle="none", marker="o", color=GREY, markerfacecolor=face, label=f"found, {words}")
        for face, words in zip(("white", GREY), THRESHOLDS_IN_WORDS.values(), strict=True)
    ]
    handles.append(Line2D([], [], linestyle="none", marker="x", color=GREY, label="no partner"))
    columns = legend_columns([str(handle.get_label()) for handle in handles], 9, WIDTH - 0.2)
    legend = ceil(len(handles) / columns) * 1.4 * 9 * LINE
    figure = Figure(figsize=(WIDTH, 4.0 + legend), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    known = lesions[lesions["of"] == REFERENCE]
    _draw_shares(left, detection_table(lesions), methods)
    _draw_lesions(right, known[known["method"] == leading], leading, looks(methods)[leading])
    add_legend(figure, handles, "outside lower left")
    return figure


def _draw_shares(axes: Axes, table: pd.DataFrame, methods: list[str]) -> None:
    """Draw the recall of every method in every class that has lesions."""
    shown = table[table["reference lesions"] > 0]
    classes = [name for name in shown["diameter"].unique() if name != ALL] + [ALL] * bool(len(shown))
    look = looks(methods)
    for place, size in enumerate(classes):
        rows = shown[shown["diameter"] == size].set_index("method")
        for number, method in enumerate(name for name in methods if name in rows.index):
            along = place + _SPREAD * ((number + 0.5) / len(methods) - 0.5)
            low, high = (rows.loc[method, f"recall, {words}"] for words in reversed(THRESHOLDS_IN_WORDS.values()))
            colour, marker = look[method].colour, look[method].marker
            axes.plot([along, along], [low, high], color=colour, alpha=0.4, linewidth=1)
            axes.plot(along, high, marker, color=colour, markerfacecolor="white")
            axes.plot(along, low, marker, color=colour)
    counts = shown.drop_duplicates("diameter").set_index("diameter")["reference lesions"]
    axes.set_xticks(range(len(classes)), [f"{size}\n({counted(counts[size], 'lesion')})" for size in classes])
    axes.tick_params(axis="x", length=0)
    for edge in range(1, len(classes)):
        axes.axvline(edge - 0.5, color=GREY, linewidth=0.5)
    axes.set(ylim=(-0.04, 1.04), ylabel="share of the lesions that is found")
    axes.grid(axis="y")
    axes.set_title("Found, by longest diameter" if classes else "No lesion in the reference of any test exam")


def _draw_lesions(axes: Axes, known: pd.DataFrame, method: str, look: Look) -> None:
    """Draw how well a method meets each lesion of the reference that has a diameter."""
    own = known[known["diameter_mm"].notna()]
    half, any_ = own[FOUND["half"]] == 1, own[FOUND["any"]] == 1
    for some, marker, face in (
        (own[half], look.marker, look.colour),
        (own[any_ & ~half], look.marker, "white"),
        (own[~any_], "x", look.colour),
    ):
        axes.plot(
            some["diameter_mm"], some["iou"], marker, color=look.colour, markerfacecolor=face, markersize=4.5
        )
    axes.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":")
    axes.set(ylim=(-0.04, 1.04), xlim=(0, None))
    axes.set(xlabel="longest diameter, mm", ylabel="IoU with one lesion of the mask")
    axes.grid()
    axes.set_title(f"Every lesion, {method}")
