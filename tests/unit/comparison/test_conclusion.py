"""What can be concluded is said in words that follow from the numbers, and so is what cannot."""

from math import nan
from pathlib import Path
from typing import Any

import pytest
from finished_runs import FinishedRun, dice

from hepaflow.comparison.conclusion import Conclusion, answer, conclude
from hepaflow.comparison.differences import differences
from hepaflow.comparison.exams import shared_exams
from hepaflow.comparison.pairs import pairs_of
from hepaflow.comparison.run import read_runs
from hepaflow.comparison.scores import compare_scores

ROW: dict[str, Any] = {
    "structure": "liver", "metric": "dice",
    "run": "one", "method": "fusion", "other_run": "two", "other_method": "net",
    "exams": 10, "difference": -0.02, "low": -0.03, "high": -0.01, "higher": 0, "equal": 0, "lower": 10,
    "wilcoxon_p": 0.002, "holm_p": 0.004,
}  # fmt: skip


def test_a_difference_is_stated_with_size_interval_and_chance() -> None:
    assert answer(ROW, tests=2) == (
        "Dice of the liver: 0.0200 lower in two (net) than in one (fusion), on average over 10 exams (95 % "
        "interval -0.0300 to -0.0100). On exams such as these this is a difference (p = 0.004, corrected for 2 "
        "tests)."
    )


def test_no_difference_is_not_stated_as_equality() -> None:
    told = answer(ROW | {"holm_p": 0.2, "higher": 4, "lower": 6}, tests=1)
    assert "No difference is shown (p = 0.2), which does not say that there is none" in told


@pytest.mark.parametrize(
    ("differ", "tests", "conclusive"), [(4, 1, False), (5, 1, False), (6, 1, True), (6, 2, False), (7, 2, True)]
)
def test_too_few_exams_that_differ_conclude_nothing(differ: int, tests: int, *, conclusive: bool) -> None:
    """Of n exams that differ, the smallest p is 2 / 2 ** n, and Holm's smallest so many times that."""
    least = 2 / 2**differ
    row = ROW | {"higher": 0, "lower": differ, "equal": 10 - differ, "holm_p": least * tests}
    told = answer(row, tests=tests)
    assert ("Not conclusive" in told) == (not conclusive)
    assert (f"no p-value can be below {least * tests:.2g}" in told) == (not conclusive)


def test_equal_and_undefined_scores_have_sentences_of_their_own() -> None:
    assert answer(ROW | {"higher": 0, "lower": 0, "equal": 10}, tests=2) == (
        "Dice of the liver: the same in one (fusion) and two (net), in each of 10 exams."
    )
    assert "undefined in every exam" in answer(ROW | {"exams": 0, "higher": 0, "lower": 0}, tests=2)
    alone = ROW | {"exams": 1, "lower": 1, "low": nan, "high": nan, "structure": "lesion", "holm_p": 1.0}
    assert answer(alone, tests=1) == (
        "Dice of the lesions: 0.0200 lower in two (net) than in one (fusion), on average over 1 exam. Not "
        "conclusive: "
        "with one exam that differs, no p-value can be below 1, however large the difference."
    )


def concluded(*made: FinishedRun) -> Conclusion:
    runs = read_runs([run.folder for run in made])
    shared = shared_exams(runs)
    found = compare_scores(runs, pairs_of(runs), shared.compared)
    return conclude(runs, shared, found.comparisons, differences(runs))


def test_equal_runs_say_that_nothing_differs(tmp_path: Path) -> None:
    said = concluded(*(FinishedRun(tmp_path / name) for name in ("one", "two")))
    assert len(said.found) == 2
    assert "the same" in said.found[0]
    limits = " ".join(said.limits)
    assert "Nothing that decides scores differs between one and two" in limits
    assert "trained once, with seed 1" in limits
    assert "8 exams are few" in limits
    assert "phantoms" not in limits


def test_phantoms_seeds_and_several_changes_are_said(tmp_path: Path) -> None:
    one, two = (FinishedRun(tmp_path / name, phantoms=True) for name in ("one", "two"))
    for stage in ("liver", "lesion"):
        two.change("train", stage, "net", settings={"seed": 2, "training": {"epochs": 3, "loss": "bce"}})
    two.change("evaluate", "net", "a", code={"script": "1"})
    limits = " ".join(concluded(one, two).limits)
    assert "phantoms that hepaflow has drawn" in limits
    assert "different seeds (1, 2)" in limits
    assert "one and two differ in 2 ways" in limits
    assert "two was scored by other code than one (script)" in limits


def test_one_change_is_not_said_to_be_several(tmp_path: Path) -> None:
    one, two = (FinishedRun(tmp_path / name) for name in ("one", "two"))
    for stage in ("liver", "lesion"):
        two.change(
            "train", stage, "net", settings={"training": {"epochs": 3, "loss": "bce"}}, code={"script": "1"}
        )
    limits = " ".join(concluded(one, two).limits)
    assert "ways" not in limits
    assert "The code differs between one and two, too" in limits


def test_other_exams_are_said(tmp_path: Path) -> None:
    one = FinishedRun(tmp_path / "one")
    exams = tuple("abcd")
    two = FinishedRun(tmp_path / "two", {"fusion": dice(exams=exams), "net": dice(exams=exams)}, train=("t",))
    limits = " ".join(concluded(one, two).limits)
    assert "Not all exams are compared: one scored others, too" in limits
    assert "one and two were trained on different exams" in limits
