"""Runs are compared on exams that all have scored, and that are the same by content."""

from pathlib import Path

import pytest
from finished_runs import EXAMS, FinishedRun, dice

from hepaflow.comparison.exams import other_contents, shared_exams
from hepaflow.comparison.run import Run, read_run
from hepaflow.errors import UserError


def read(run: FinishedRun) -> Run:
    return read_run(run.folder, run.folder.name)


def test_all_exams_of_equal_runs_are_shared(tmp_path: Path) -> None:
    runs = [read(FinishedRun(tmp_path / name)) for name in ("one", "two")]
    shared = shared_exams(runs)
    assert shared.compared == EXAMS
    assert shared.left_out == {"one": (), "two": ()}


def test_exams_that_not_all_have_scored_are_left_out_by_name(tmp_path: Path) -> None:
    runs = [
        read(FinishedRun(tmp_path / name, {"fusion": dice(exams=exams)}))
        for name, exams in (("one", ("a", "b", "c")), ("two", ("c", "b", "d")), ("three", ("b", "c")))
    ]
    shared = shared_exams(runs)
    assert shared.compared == ("b", "c")
    assert shared.left_out == {"one": ("a",), "two": ("d",), "three": ()}


def test_no_shared_exam_is_an_error(tmp_path: Path) -> None:
    runs = [read(FinishedRun(tmp_path / exam, {"fusion": dice(exams=(exam,))})) for exam in ("x", "y")]
    with pytest.raises(UserError, match="no test exam that all runs have scored: x: x; y: y"):
        shared_exams(runs)


def test_another_exam_under_the_same_name_is_an_error_that_names_exam_and_files(tmp_path: Path) -> None:
    one, two = FinishedRun(tmp_path / "one"), FinishedRun(tmp_path / "two", images={"b": "other", "e": "other"})
    with pytest.raises(UserError) as caught:
        shared_exams([read(one), read(two)])
    told = str(caught.value)
    assert told.startswith("exam: b\n")
    assert "data/b.nii.gz (one), data/b.nii.gz (two)" in told
    assert "data/b.label.nii.gz (one), data/b.label.nii.gz (two)" in told
    assert "another image and another label in two than in one; so have 1 more exams: e" in told


def test_another_label_alone_is_told_as_such(tmp_path: Path) -> None:
    one, two = FinishedRun(tmp_path / "one"), FinishedRun(tmp_path / "two")
    for method in ("fusion", "net"):
        two.change("evaluate", method, "a", inputs={"data/a.label.nii.gz": "corrected"})
    (two.folder / "exams/a.json").write_text('{"image_sha256": "image a", "label_sha256": "corrected"}')
    with pytest.raises(UserError, match="another label in two than in one") as caught:
        shared_exams([read(one), read(two)])
    assert "image" not in caught.value.found


def test_the_same_files_elsewhere_are_the_same_exams(tmp_path: Path) -> None:
    one, two = FinishedRun(tmp_path / "one"), FinishedRun(tmp_path / "two")
    for method in ("fusion", "net"):
        for exam in EXAMS:
            two.change("evaluate", method, exam, inputs={})
            path = two.folder / f"records/evaluate/{method}.{exam}.json"
            path.write_text(path.read_text().replace("data/", "/elsewhere/"))
    assert shared_exams([read(one), read(two)]).compared == EXAMS


def test_other_contents_are_of_exams_that_both_have() -> None:
    one = {"a": {"x": "1"}, "b": {"x": "2"}, "c": {"x": "3"}}
    assert other_contents(one, {"a": {"y": "1"}, "b": {"x": "9"}, "d": {"x": "3"}}) == ["b"]
