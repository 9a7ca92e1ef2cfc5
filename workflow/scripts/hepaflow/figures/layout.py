"""Room on a figure, in inches: how wide text is, names in lines, legends in columns, labels moved apart."""

import re
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath
from scipy.optimize import isotonic_regression

from hepaflow.figures.style import WIDTH

LINE = 1.25 / 72
"""Height of a line of text, in inches for a point of its size."""

_FONT = "DejaVu Sans"
"""matplotlib brings it; the other fonts of the style are as wide or less."""
_PIECES = re.compile(r"[^-_. ]*[-_. ]+|[^-_. ]+")
"""Names break after these characters."""
_HANDLE = 4.8
"""Width of a legend's column beside its text (sample, gaps), in its font's size."""


def width_of(text: str, size: float) -> float:
    """Return the width of the widest line of a text, in inches.

    Parameters
    ----------
    text : str
    size : float
        Of the font, in points.
    """
    font = FontProperties(family=_FONT, size=size)
    measure = TextToPath().get_text_width_height_descent
    return max(float(measure(line, font, ismath=False)[0]) for line in text.split("\n")) / 72


def in_lines(name: str, size: float, width: float) -> str:
    r"""Break a name into lines of at most a width: after punctuation, elsewhere only where a part is wider.

    Parameters
    ----------
    name : str
    size : float
        Of the font, in points.
    width : float
        Inches; a single character may be wider.

    Examples
    --------
    >>> in_lines("resnet152.finetuned-twice", 9, 1.0)
    'resnet152.\nfinetuned-twice'
    """
    lines = [""]
    for piece in _PIECES.findall(name):
        whole = width_of(piece, size) <= width
        if lines[-1] and width_of(lines[-1] + piece, size) > width:
            lines.append("")
        for part in [piece] if whole else piece:
            if lines[-1] and width_of(lines[-1] + part, size) > width:
                lines.append("")
            lines[-1] += part
    return "\n".join(lines)


def height_of(text: str, size: float) -> float:
    """Return the height of the lines of a text, in inches, for a font's size in points."""
    return len(text.split("\n")) * size * LINE


def apart(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move places apart where they lie closer than a gap, as little as possible (least squares).

    Parameters
    ----------
    places : sequence of float
        In any order, which is kept.
    gap : float
        Least distance.
    low, high : float
        Range in which the places end up, if it has room for them; else they leave it downwards.

    Examples
    --------
    >>> apart([5, 5, 9.5], 2, 0, 10)
    [4.0, 6.0, 9.5]
    """
    if not places:
        return []
    order = np.argsort(places, kind="stable")
    steps = gap * np.arange(len(places))
    # Without the gaps, places must not fall; whatever holds within the range holds after it is cut.
    level = isotonic_regression(np.asarray(places, float)[order] - steps).x
    moved = np.empty(len(places))
    moved[order] = np.minimum(np.maximum(level, low), high - steps[-1]) + steps
    return [float(place) for place in moved]


def add_panel(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Add axes to a figure at a place in inches, from its lower left corner."""
    wide, high = figure.get_size_inches()
    return figure.add_axes((left / wide, bottom / high, width / wide, height / high))


def legend_columns(labels: Iterable[str], size: float, width: float = WIDTH) -> int:
    """Return in how many columns a legend fits a width; at least one.

    Parameters
    ----------
    labels : iterable of str
    size : float
        Of the font, in points.
    width : float, optional
        Inches.
    """
    widths = [width_of(label, size) + _HANDLE * size / 72 for label in labels]
    for columns in range(len(widths), 1, -1):
        if sum(max(column) for column in np.array_split(widths, columns)) <= width:  # as matplotlib fills them
            return columns
    return 1


def add_legend(
    figure: Figure, handles: Sequence[Artist], where: Literal["outside upper left", "outside lower left"]
) -> None:
    """Put a legend outside of the panels of a figure of constrained layout, in as many columns as fit.

    Parameters
    ----------
    figure : Figure
    handles : sequence of Artist
        With labels.
    where : str
        As matplotlib names it.
    """
    labels = [str(handle.get_label()) for handle in handles]
    columns = legend_columns(labels, 9, figure.get_figwidth() - 0.2)
    figure.legend(handles=list(handles), loc=where, ncols=columns)
