"""The figure of agreement: a panel for all methods, then one for each, on the same axes."""

import numpy as np
import pandas as pd
import pytest

from hepaflow.figures.agreement import agreement_figure
from hepaflow.names import FUSION, STRUCTURES


def amounts(methods: list[str], exams: int = 4) -> pd.DataFrame:
    random = np.random.default_rng(1)
    rows = [
        (method, f"e{exam}", 100.0 * (exam + 1), 100.0 * (exam + 1) + random.normal(0, 5))
        for method in methods
        for exam in range(exams)
    ]
    return pd.DataFrame(rows, columns=["method", "exam", "reference", "predicted"])


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("count", [1, 5, 13])
def test_every_method_has_a_panel_and_the_fusion_the_last(structure: str, count: int) -> None:
    methods = [FUSION, *(f"m{number}" for number in range(count - 1))]
    figure = agreement_figure(amounts(methods), structure)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    titles = [axes.get_title(loc="left") for axes in shown]
    assert titles == ["All methods", *methods[1:], FUSION]
    assert len({axes.get_ylim() for axes in shown[1:]}) == len({axes.get_xlim() for axes in shown[1:]}) == 1
    assert shown[0].get_xlim() == shown[0].get_ylim()


def test_a_point_is_the_mean_and_the_difference_and_lines_are_bias_and_limits() -> None:
    table = pd.DataFrame(
        {"method": "m", "exam": ["a", "b", "c"], "reference": [10.0, 20, 30], "predicted": [11.0, 22, 33]}
    )
    panel = agreement_figure(table, "liver").axes[1]
    dots, zero, bias, low, high = panel.lines
    assert dots.get_xydata().tolist() == [[10.5, 1], [21, 2], [31.5, 3]]
    heights = [line.get_ydata()[0] for line in (zero, bias, low, high)]
    assert heights == pytest.approx([0, 2, 2 - 1.96, 2 + 1.96])
    assert "mean +2, limits +0.04 and +3.96" in panel.get_xlabel()


@pytest.mark.parametrize("exams", [0, 1])
def test_few_exams_have_a_figure_too(exams: int) -> None:
    figure = agreement_figure(amounts(["m"], exams), "liver")
    assert figure.axes[0].get_title(loc="left").startswith("All" if exams else "No exam")
