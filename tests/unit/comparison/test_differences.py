"""What differs between runs is found in their records, in the words of `make why`."""

from pathlib import Path

import pytest
from finished_runs import FinishedRun, dice

from hepaflow.comparison.differences import (
    CODE,
    DATA,
    METHOD,
    SETTING,
    VERSION,
    Difference,
    changed_groups,
    differences,
    has,
    scored_differently,
)
from hepaflow.comparison.run import Run, read_runs

TRAINING = {"epochs": 5, "loss": "dice"}


@pytest.fixture
def made(tmp_path: Path) -> list[FinishedRun]:
    return [FinishedRun(tmp_path / name) for name in ("one", "two")]


def read(made: list[FinishedRun]) -> list[Run]:
    return read_runs([run.folder for run in made])


def found(made: list[FinishedRun]) -> list[Difference]:
    return differences(read(made))


def test_equal_runs_differ_in_nothing(made: list[FinishedRun]) -> None:
    assert found(made) == []


def test_a_setting_is_told_with_its_values_and_jobs(made: list[FinishedRun]) -> None:
    for stage in ("liver", "lesion"):
        made[1].change("train", stage, "net", settings={"training": TRAINING})
    told = found(made)
    jobs = "train: 2 jobs (lesion net, liver net)"
    assert told == [
        Difference("two", SETTING, "training.epochs: 2 → 5", jobs),
        Difference("two", SETTING, 'training.loss: "bce" → "dice"', jobs),
    ]
    assert changed_groups(told, "two") == ["training.epochs", "training.loss"]
    assert changed_groups(told, "one") == []
    assert has(told, "two", SETTING)
    assert not has(told, "two", CODE)


def test_keys_of_one_group_are_one_change() -> None:
    told = [Difference("two", SETTING, f"training.loss.{key}: new, 1") for key in ("kind", "weight")]
    assert changed_groups(told, "two") == ["training.loss"]


def test_code_and_versions_are_told_by_rule(made: list[FinishedRun]) -> None:
    made[1].change("train", "liver", "net", code={"script": "1", "hepaflow.train": "1"})
    made[1].change("evaluate", "net", "a", versions={"numpy": "2.1"})
    made[1].change("evaluate", "net", "b", device="another")
    assert found(made) == [
        Difference("two", CODE, "hepaflow.train", "train: 1 job"),
        Difference("two", CODE, "train.py", "train: 1 job"),
        Difference("two", VERSION, "device: a processor → another", "evaluate: 1 job"),
        Difference("two", VERSION, "numpy 2.0 → 2.1", "evaluate: 1 job"),
    ]
    assert scored_differently(*read(made)) == []
    made[1].change("evaluate", "net", "b", code={"hepaflow.evaluate": "1"})
    assert scored_differently(*read(made)) == ["hepaflow.evaluate"]


def test_what_only_gathers_scores_does_not_count(made: list[FinishedRun]) -> None:
    made[1].change("summarise", settings={"method": "net"}, code={"script": "1"}, versions={"numpy": "2.1"})
    assert found(made) == []


def test_methods_of_one_run_alone_are_told_with_their_networks(tmp_path: Path) -> None:
    made = [
        FinishedRun(tmp_path / run, {"fusion": dice(), net: dice(1)}, arch=net, result=result)
        for run, net, result in (("one", "resnet50", "fusion"), ("two", "resnet101", "resnet101"))
    ]
    assert found(made) == [
        Difference("two", METHOD, "only in one: resnet50", "liver: resnet50; lesion: resnet50"),
        Difference("two", METHOD, "only in two: resnet101", "liver: resnet101; lesion: resnet101"),
        Difference("two", METHOD, "the run's model: fusion → resnet101"),
    ]


def test_what_a_vote_joins_is_told_as_methods(made: list[FinishedRun]) -> None:
    for run, names in zip(made, (["a"], ["b"]), strict=True):
        run.change("train", "liver", "net", settings={"of": names})
    (told,) = found(made)
    assert (told.kind, told.what) == (METHOD, 'of: ["a"] → ["b"]')


def test_data_are_told_by_exam(tmp_path: Path) -> None:
    exams = ("a", "b", "c")
    made = [
        FinishedRun(
            tmp_path / "one", {"fusion": dice(exams=exams), "net": dice(1, exams=exams)}, train=("t", "u")
        ),
        FinishedRun(
            tmp_path / "two",
            {"fusion": dice(exams=exams[:2]), "net": dice(1, exams=exams[:2])},
            train=("c", "t"),
            images={"t": "another"},
        ),
    ]
    told = [(one.kind, one.what) for one in found(made)]
    assert told == [
        (DATA, "exams to train on only in one: u"),
        (DATA, "exams to train on only in two: c"),
        (DATA, "exams to train on with another image or label map: t"),
        (DATA, "exams to test only in one: c"),
        (DATA, "exams that two was trained on, and one is tested on: c"),
    ]
