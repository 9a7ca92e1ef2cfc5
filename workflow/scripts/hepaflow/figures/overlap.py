"""How far the errors of every two networks fall on the same voxels (thesis 4.6.2, figure 9)."""

from collections.abc import Sequence
from itertools import combinations

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hepaflow.figures.style import GREY, INK, PALE, WIDTH, styled


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

    Parameters
    ----------
    matrix : DataFrame, shape (networks, networks)
    structure : {'liver', 'lesion'}
    """
    count = len(matrix)
    side = 1.6 + 0.9 * count
    figure = Figure(figsize=(min(WIDTH, side + 1.6), min(WIDTH, side)), layout="constrained")
    axes = figure.subplots()
    values = matrix.to_numpy(float)
    colours = matplotlib.colormaps["Blues"].with_extremes(bad=PALE)
    off_diagonal = np.where(np.eye(count, dtype=bool), np.nan, values)
    mesh = axes.pcolormesh(off_diagonal, cmap=colours, vmin=0, vmax=1)
    axes.hlines(range(1, count), 0, count, color="white", linewidth=3)
    axes.vlines(range(1, count), 0, count, color="white", linewidth=3)
    for row, column in np.ndindex(count, count):
        value = values[row, column]
        colour = GREY if row == column or np.isnan(value) else "white" if value > 0.6 else INK
        text = "–" if np.isnan(value) else f"{value:.2f}"
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=colour, fontsize=11)
    ticks = np.arange(count) + 0.5
    axes.set_xticks(ticks, matrix.columns, rotation=30 if count > 5 else 0)
    axes.set_yticks(ticks, matrix.index)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.set_title(f"Dice between the errors of two networks, {structure}", pad=10)
    bar = figure.colorbar(mesh, ax=axes, shrink=0.8, label="no common error (0) to the same errors (1)")
    bar.outline.set_visible(False)
    return figure
