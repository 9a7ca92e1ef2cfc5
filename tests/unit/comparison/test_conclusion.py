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
    assert (f"no p-value can be below {least:.2g}" in told) == (not conclusive)
    assert ("before the correction for 2 tests" in told) == (not conclusive and tests == 2)


def test_few_exams_conclude_where_another_test_has_a_smaller_p() -> None:
    """Holm multiplies the second smallest of two by 1: six exams of one sign keep their 0.03125."""
    row = ROW | {"structure": "lesion", "lower": 6, "equal": 4, "wilcoxon_p": 0.03125, "holm_p": 0.03125}
    assert "this is a difference (p = 0.031, corrected for 2 tests)" in answer(row, tests=2)


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
    return conclude(runs, shared, found, differences(runs))


def trained_anew(run: FinishedRun, **parts: Any) -> None:
    """Let both trainings of a run have been other ones."""
    for stage in ("liver", "lesion"):
        run.change("train", stage, "net", **parts)


def test_equal_runs_say_that_nothing_differs(tmp_path: Path) -> None:
    said = concluded(*(FinishedRun(tmp_path / name) for name in ("one", "two")))
    assert said.found == (
        "two gives the same numbers as one in every exam: in each metric of each method that is compared.",
    )
    assert said.limits == (
        "Nothing that decides scores differs between one and two: neither settings, code nor data. The same "
        "numbers are what is to be expected, and say nothing more.",
    )


def test_the_same_numbers_have_no_caveats_of_a_difference(tmp_path: Path) -> None:
    """Neither of few exams, of another seed, nor of which change it comes from."""
    one, two = FinishedRun(tmp_path / "one"), FinishedRun(tmp_path / "two", weights="others")
    trained_anew(two, settings={"seed": 2, "training": {"epochs": 3, "loss": "dice"}}, code={"script": "1"})
    assert concluded(one, two).limits == (
        "What differs between one and two changes no number of these exams; it may change those of others.",
    )


def test_of_several_runs_each_is_told_whether_it_has_the_same_numbers(tmp_path: Path) -> None:
    made = [FinishedRun(tmp_path / name, {"fusion": dice(), "net": dice()}) for name in ("one", "two")]
    said = concluded(*made, FinishedRun(tmp_path / "three", {"fusion": dice(more=1e-12), "net": dice()}))
    assert [sentence.partition(" ")[0] for sentence in said.found] == ["two", "Dice", "Dice"]
    assert all("three" in sentence for sentence in said.found[1:])
    limits = " ".join(said.limits)
    assert "8 exams are few" in limits
    assert "between one and two: neither settings, code nor data. The same numbers" in limits
    assert "between one and three: neither settings, code nor data. That numbers differ" in limits


def test_where_no_network_was_trained_anew_no_seed_is_blamed(tmp_path: Path) -> None:
    methods = {"fusion": dice(2), "net": dice(1)}
    one, two = FinishedRun(tmp_path / "one"), FinishedRun(tmp_path / "two", methods)
    assert "seed" not in " ".join(concluded(one, two).limits)
    two = FinishedRun(tmp_path / "three", methods, weights="others")
    assert "trained once, with seed 1" in " ".join(concluded(one, two).limits)


def test_phantoms_seeds_and_several_changes_are_said(tmp_path: Path) -> None:
    one, two = (
        FinishedRun(tmp_path / name, {"fusion": dice(seed), "net": dice()}, phantoms=True, weights=name)
        for seed, name in enumerate(("one", "two"))
    )
    trained_anew(two, settings={"seed": 2, "training": {"epochs": 3, "loss": "bce"}})
    two.change("evaluate", "net", "a", code={"script": "1"})
    limits = " ".join(concluded(one, two).limits)
    assert "phantoms that hepaflow has drawn" in limits
    assert "different seeds (1, 2)" in limits
    assert "one and two differ in 2 ways" in limits
    assert "two was scored by other code than one (script)" in limits


def test_one_change_is_not_said_to_be_several(tmp_path: Path) -> None:
    methods = {"fusion": dice(2), "net": dice(1)}
    one, two = FinishedRun(tmp_path / "one"), FinishedRun(tmp_path / "two", methods, weights="others")
    trained_anew(two, settings={"training": {"epochs": 3, "loss": "bce"}}, code={"script": "1"})
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
