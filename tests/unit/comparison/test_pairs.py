"""Which methods are held against each other: results, those of one name, or those that are chosen."""

from pathlib import Path

import pytest
from finished_runs import FinishedRun, dice

from hepaflow.comparison.pairs import pairs_of
from hepaflow.comparison.run import Run, read_runs
from hepaflow.errors import UserError

METHODS = {"one": ("fusion", "a", "b"), "two": ("fusion", "b", "c")}


@pytest.fixture
def runs(tmp_path: Path) -> list[Run]:
    for name, methods in METHODS.items():
        FinishedRun(
            tmp_path / name, {method: dice() for method in methods}, result="fusion" if name == "one" else "c"
        )
    return read_runs([tmp_path / name for name in METHODS])


def test_results_are_paired_and_then_what_has_one_name(runs: list[Run]) -> None:
    pairs = pairs_of(runs)
    assert [(pair.name, pair.methods, pair.asked) for pair in pairs] == [
        ("result", {"one": "fusion", "two": "c"}, True),
        ("fusion", {"one": "fusion", "two": "fusion"}, False),
        ("b", {"one": "b", "two": "b"}, False),
    ]


def test_a_result_of_one_name_is_paired_once(tmp_path: Path) -> None:
    for name in METHODS:
        FinishedRun(tmp_path / name)
    pairs = pairs_of(read_runs([tmp_path / name for name in METHODS]))
    assert [pair.name for pair in pairs] == ["result", "net"]


def test_chosen_methods_are_all_that_is_compared(runs: list[Run]) -> None:
    (pair,) = pairs_of(runs, ["b"])
    assert (pair.methods, pair.asked) == ({"one": "b", "two": "b"}, True)
    one, two = pairs_of(runs, ["fusion", "one=a", "two=c"])
    assert (one.methods, two.methods) == ({"one": "a", "two": "c"}, {"one": "fusion", "two": "fusion"})
    assert pairs_of(runs, ["one=a"])[0].methods == {"one": "a", "two": "c"}  # the result of the other
    assert pairs_of(runs, [f"{runs[1].folder}=b"])[0].methods == {"one": "fusion", "two": "b"}


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        (["a"], "two has no method 'a'"),
        (["one=c"], "one has no method 'c'"),
        (["three=a"], "no run of this name"),
        (["one=a", "one=b"], "one has a already"),
    ],
)
def test_what_is_not_there_is_told(runs: list[Run], chosen: list[str], told: str) -> None:
    with pytest.raises(UserError, match=told):
        pairs_of(runs, chosen)


def test_pairs_come_in_the_order_of_the_first_run_and_each_once(tmp_path: Path) -> None:
    for name, methods in (("one", "cba"), ("two", "abc")):
        FinishedRun(tmp_path / name, {method: dice() for method in methods}, result="a")
    turned = read_runs([tmp_path / name for name in ("one", "two")])
    assert [run.methods for run in turned] == [["c", "b", "a"], ["a", "b", "c"]]
    assert [pair.name for pair in pairs_of(turned)] == ["result", "c", "b"]
    assert [pair.name for pair in pairs_of(turned, ["b", "b"])] == ["b"]


def test_a_run_is_named_by_its_folder_with_or_without_a_slash_at_the_end(runs: list[Run]) -> None:
    for end in ("", "/"):
        assert pairs_of(runs, [f"{runs[1].folder}{end}=b"])[0].methods["two"] == "b"
