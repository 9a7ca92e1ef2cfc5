"""Pictures of differences for a page, and what methods and structures are called in them."""

import base64
import html
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from hepaflow.comparison.pairs import Pair
from hepaflow.comparison.run import Run
from hepaflow.comparison.scores import MEAN, METRICS, Scores
from hepaflow.figures.differences import DifferencesRow, differences_figure
from hepaflow.figures.style import save
from hepaflow.words import heading, structure_in_words


def heading_of(structure: object) -> str:
    """Return a structure as it is written above a table."""
    return heading(structure_in_words(str(structure)))


def title_of(pair: Pair) -> str:
    """Return what a pair is called: with its methods, where its name is not theirs."""
    methods = dict.fromkeys(pair.methods.values())
    if len(methods) == 1:
        (only,) = methods
        return only if pair.name == only else f"{pair.name}: {only}"
    return f"{pair.name}: " + ", ".join(f"{method} of {run}" for run, method in pair.methods.items())


def differences_picture(runs: Sequence[Run], pairs: Sequence[Pair], scores: Scores, metric: str) -> str:
    """Return a figure of the differences in a metric, as HTML; nothing where no exam has it."""
    panels = []
    for structure, table in scores.values[scores.values["metric"] == metric].groupby("structure", sort=False):
        rows = [
            _row(runs, pair, run, str(structure), table, scores.comparisons)
            for pair in pairs
            for run in runs[1:]
            if pair.name in set(table["pair"])
        ]
        panels.append((heading_of(structure), rows))
    if not panels:
        return ""
    title, _, unit = METRICS[metric].title.partition(", ")
    others = runs[1].name if len(runs) == 2 else "the run"
    axis = f"{title} of {others} minus {title} of {runs[0].name}" + (f", {unit}" if unit else "")
    figure = differences_figure(panels, axis)
    alternative = f"Differences in {title} of every exam, their means and intervals"
    return (
        f'  <figure><label class="zoom"><input type="checkbox" aria-label="Full size">'
        f'<img src="{_source(figure, alternative)}" alt="{html.escape(alternative)}"></label></figure>'
    )


def _row(
    runs: Sequence[Run], pair: Pair, run: Run, structure: str, values: pd.DataFrame, comparisons: pd.DataFrame
) -> DifferencesRow:
    metric = values["metric"].iloc[0]
    own = values[(values["pair"] == pair.name) & (values["run"] == run.name)]
    (found,) = comparisons[
        (comparisons["pair"] == pair.name)
        & (comparisons["structure"] == structure)
        & (comparisons["metric"] == metric)
        & (comparisons["statistic"] == MEAN)
        & (comparisons["other_run"] == run.name)
    ].to_dict("records")
    name = title_of(pair) if len(runs) == 2 else f"{title_of(pair)}, {run.name}"
    return DifferencesRow(
        name, own["difference"].to_numpy(float), found["difference"], found["low"], found["high"]
    )


def _source(figure: Figure, title: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figure.svg"
        save(figure, path, title=title)
        return f"data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
