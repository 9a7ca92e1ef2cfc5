"""A run whose model is a method alone: nothing is fused, and nothing of a fusion is asked for."""

import pytest
from smoke_run import SMOKE, Checkout

ALONE = {"backbones": {}, "methods": SMOKE["methods"], "model": "apart"}
OF_A_FUSION = {
    "fit_fusion",
    "fuse",
    "disagreement",
    "overlap",
    "uncertainty",
    "table_weights",
    "table_literature",
    "figure_weights",
    "figure_overlap",
    "figure_uncertainty",
}


def test_nothing_of_a_fusion_is_planned(fresh: Checkout) -> None:
    with_fusion = fresh.planned()
    fresh.configure(**ALONE)
    alone = fresh.planned()
    assert with_fusion.keys() - alone.keys() == OF_A_FUSION
    assert alone["train"] == 2
    assert alone["predict"] == 2  # of the test exams: no weights are fitted on the others


@pytest.mark.slow
def test_a_method_alone_has_a_report_and_a_model(fresh: Checkout) -> None:
    fresh.configure(**ALONE)
    ended = fresh.snakemake("--quiet")
    assert ended.returncode == 0, ended.stdout
    results = fresh.folder / "results/smoke"
    for name in ("report.html", "summary.html", "hepaflow-model.zip"):
        assert (results / name).is_file()
    assert "apart reaches a mean Dice" in (results / "summary.html").read_text()
    assert not fresh.planned()
    fresh.configure(model="apart")  # with the backbones
    assert fresh.planned()["train"] == 2 * len(SMOKE["backbones"])  # and not the method again
