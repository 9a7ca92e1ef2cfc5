"""Differences between runs, drawn: every exam, mean and interval at its place, and legible."""

from math import nan

import numpy as np
import pytest
from drawn import assert_readable
from matplotlib.figure import Figure

from hepaflow.figures.differences import DifferencesRow, differences_figure

LONG = "result: swin_unetr-48.patches-96x96x96 of a-run-with-a-long-name"


def row(name: str, count: int, seed: int = 0) -> DifferencesRow:
    values = np.random.default_rng(seed).normal(0.01, 0.02, count)
    return DifferencesRow(name, values, float(values.mean()), *map(float, np.percentile(values, [2.5, 97.5])))


def figure(count: int, name: str, exams: int) -> Figure:
    rows = [row(f"{name}{number}", exams, number) for number in range(count)]
    return differences_figure([("Liver", rows), ("Lesions", rows)], "Dice of other minus Dice of first")


@pytest.mark.parametrize(("count", "exams"), [(1, 1), (2, 4), (12, 131)])
@pytest.mark.parametrize("name", ["net", LONG])
def test_it_can_be_read_whatever_there_is(count: int, exams: int, name: str) -> None:
    text = assert_readable(figure(count, name, exams))
    assert all(f"{name}{number}" in text for number in range(count))


def test_what_is_drawn_stands_at_its_place() -> None:
    values = np.array([-0.1, 0.0, 0.25, nan])
    (axes,) = differences_figure([("Liver", [DifferencesRow("net", values, 0.05, -0.1, 0.25)])], "Dice").axes
    zero, dots = axes.lines
    assert set(zero.get_xdata()) == {0}
    assert list(dots.get_xdata()) == [-0.1, 0.0, 0.25]
    interval, mean = (collection.get_segments()[0] for collection in axes.collections)
    assert interval[:, 0].tolist() == [-0.1, 0.25]
    assert set(mean[:, 0]) == {0.05}
    assert "+0.050" in [text.get_text() for text in axes.texts]


def test_what_is_undefined_is_told() -> None:
    undefined = DifferencesRow("net", np.array([nan]), nan, nan, nan)
    assert "–" in assert_readable(differences_figure([("Liver", [undefined])], "Dice"))
