"""How far the errors of every two networks fall on the same voxels (thesis 4.6.2, figure 9)."""

from collections.abc import Sequence
from itertools import combinations

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hepaflow.figures.layout import add_panel, in_lines, width_of
from hepaflow.figures.style import GREY, INK, PALE, WIDTH, styled

_LARGEST, _SMALLEST = 1.0, 0.26
"""Sides of a cell, in inches; its value fits the smallest at 7 points."""
_NAMES = 1.9
"""Most inches of a line of a network's name."""
_TOP, _FOOT, _EDGE = 0.4, 0.95, 0.15
"""Inches: for the title, for the columns' names and the bar of colours, and right of the cells."""
_KEY = "no common error (0) to the same errors (1)"


def overlap_matrix(counts: pd.DataFrame, structure: str, networks: Sequence[str]) -> pd.DataFrame:
    """Return the Dice coefficient between the error masks of every two networks (thesis 4.6.2).

    Parameters
    ----------
    counts : DataFrame
        Of every test exam, for every two networks: structure, one, other, and the wrong voxels errors_one,
        errors_other and errors_both.
    structure : {'liver', 'lesion'}
    networks : sequence of str
        In the order of the matrix.

    Returns
    -------
    DataFrame, shape (networks, networks)
        Over the voxels of all exams together. Symmetric, 1 on its diagonal; NaN where neither network errs.
    """
    own = counts[counts["structure"] == structure]
    matrix = np.eye(len(networks))
    for (row, one), (column, other) in combinations(enumerate(networks), 2):
        pair = own[own["one"].isin([one, other]) & own["other"].isin([one, other])]
        both, errors = pair["errors_both"].sum(), pair["errors_one"].sum() + pair["errors_other"].sum()
        matrix[row, column] = matrix[column, row] = 2 * both / errors if errors else np.nan
    return pd.DataFrame(matrix, index=list(networks), columns=list(networks))


@styled
def overlap_figure(matrix: pd.DataFrame, structure: str) -> Figure:
    """Draw the matrix of `overlap_matrix` with its values.

    Columns are named where names are no wider than cells, else numbered as the rows are.

    Parameters
    ----------
    matrix : DataFrame, shape (networks, networks)
    structure : {'liver', 'lesion'}
    """
    count, names = len(matrix), [str(name) for name in matrix.index]
    left, cell = _sides(names)
    numbered = max(width_of(name, 9) for name in names) > cell - 0.05
    if numbered:
        names = [in_lines(f"{number}  {name}", 9, _NAMES) for number, name in enumerate(names, 1)]
        left, cell = _sides(names)
    title = f"Dice between the errors of two networks, {structure}"
    width = max(left + cell * count, left + width_of(_KEY, 9), width_of(title, 10)) + _EDGE
    figure = Figure(figsize=(width, _TOP + cell * count + _FOOT))
    axes = add_panel(figure, left, _FOOT, cell * count, cell * count)
    mesh = _draw(axes, matrix.to_numpy(float), cell)
    axes.set_xticks(np.arange(count) + 0.5, [str(number) for number in range(1, count + 1)] if numbered else names)
    axes.set_yticks(np.arange(count) + 0.5, names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.invert_yaxis()
    figure.text(0.1 / width, 1 - 0.1 / figure.get_figheight(), title, va="top", fontsize=10)
    bar = figure.colorbar(
        mesh, cax=add_panel(figure, left, 0.52, width_of(_KEY, 9), 0.12), orientation="horizontal"
    )
    bar.set_label(_KEY)
    bar.outline.set_visible(False)
    return figure


def _sides(names: Sequence[str]) -> tuple[float, float]:
    """Return the width of the rows' names and the side of a cell beside them, in inches."""
    left = max(width_of(name, 9) for name in names) + 0.2
    return left, min(_LARGEST, max(_SMALLEST, (WIDTH - left - _EDGE) / len(names)))


def _draw(axes: Axes, values: NDArray[np.float64], cell: float) -> QuadMesh:
    """Draw the cells, whose side is given in inches, and their values where these are wide enough to read."""
    count = len(values)
    colours = matplotlib.colormaps["Blues"].with_extremes(bad=PALE)
    mesh = axes.pcolormesh(np.where(np.eye(count, dtype=bool), np.nan, values), cmap=colours, vmin=0, vmax=1)
    for lines in (axes.hlines, axes.vlines):
        lines(range(1, count), 0, count, color="white", linewidth=3 if cell > 0.5 else 1)
    size = min(11.0, (cell - 0.04) / width_of("0.00", 1))
    for row, column in np.ndindex(count, count):
        value = values[row, column]
        colour = GREY if row == column or np.isnan(value) else "white" if value > 0.6 else INK
        text = "–" if np.isnan(value) else f"{value:.2f}"
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=colour, fontsize=size)
    return mesh
