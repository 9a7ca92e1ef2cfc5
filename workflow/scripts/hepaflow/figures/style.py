"""How every figure looks, and how it is written: SVG whose bytes depend on its content alone."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib
from matplotlib.figure import Figure

from hepaflow.colours import LESION, LIVER
from hepaflow.names import FUSION
from hepaflow.system.atomic import replacing

P = ParamSpec("P")

WIDTH = 9.0
"""Inches: 864 pixels in a browser. Text of 9 points is still legible where print scales it to a text column."""

INK, GREY, PALE, BAND = "#222222", "#767676", "#e4e4e4", "#f6f6f6"
"""Of text, of what is beside it, of lines behind data, and of every other row."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, searchable, read aloud
    "svg.hashsalt": "hepaflow",  # ids do not change from run to run
    "savefig.dpi": 200,  # of CT slices inside the SVG
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "font.family": "sans-serif",
    "font.sans-serif": [
        "DejaVu Sans",
        "Verdana",
        "Arial",
    ],  # matplotlib brings the first; the rest are as wide or less
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": False,
    "grid.color": PALE,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
}

# Okabe and Ito's palette. Liver's green and lesion's vermillion come last; yellow is lost on white.
PALETTE = ("#0072b2", "#e69f00", "#cc79a7", "#56b4e9", LESION, LIVER)
# One more than colours: methods of the same colour have different markers, as long as there are no more than 42.
_MARKERS = ("o", "s", "^", "v", "P", "X", "d")


@dataclass(frozen=True)
class Look:
    """Colour and marker of a method; either tells it from the others."""

    colour: str
    marker: str


def looks(methods: Iterable[str]) -> dict[str, Look]:
    """Give every method a colour and a marker of its own, in their order; the fusion is always the black diamond.

    The fused networks come first in every figure of a run: so a method looks the same in all of them.
    """
    others = [name for name in dict.fromkeys(methods) if name != FUSION]
    given = {
        name: Look(PALETTE[index % len(PALETTE)], _MARKERS[index % len(_MARKERS)])
        for index, name in enumerate(others)
    }
    return given | {FUSION: Look(INK, "D")}


@contextmanager
def own_settings() -> Iterator[None]:
    """Set matplotlib's own defaults and this style, whatever a `matplotlibrc` or the caller has set.

    Drawing and writing both need it: layout, ticks and text are computed only when a figure is written.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Let a function draw its figure in this style, whatever the surrounding settings of matplotlib."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with own_settings():
            return draw(*args, **kwargs)

    return drawn


def save(figure: Figure, path: Path | str, *, title: str) -> None:
    """Write a figure as SVG; the same figure gives the same bytes.

    Parameters
    ----------
    figure : Figure
    path : Path or str
        File to write, `.svg`.
    title : str
        What the figure shows; read aloud by screen readers.
    """
    with own_settings():
        metadata = {"Date": None, "Creator": "hepaflow", "Title": title}
        with replacing(path) as partial:
            figure.savefig(partial, format="svg", metadata=metadata)
