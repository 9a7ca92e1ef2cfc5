"""What a job in a queue was planned with, and what it finds when it starts."""

import re
from pathlib import Path

import pytest

from hepaflow.errors import UserError
from hepaflow.jobs.planned import NOTE, RUN, check_plan, digests_of, note_plan
from hepaflow.jobs.recipe import Recipe

NAME = "hepaflow_0f3c1d52-6a0e-4a86-9d0e-0c1c7a3b1f11"
IN_QUEUE = {RUN: NAME}
RECIPE = Recipe("survey", {"exam": "one"}, {"size": 4, "names": ("a", "b")}, {"survey": "1"}, {})
INPUTS = ["data/one.nii.gz", "data/one.label.nii.gz"]


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """Return the path of the record of a job that was planned."""
    record = tmp_path / "records/survey/one.json"
    note_plan(tmp_path, NAME, {str(record): digests_of(RECIPE, INPUTS)})
    return record


def test_a_job_as_it_was_planned_goes_on(record: Path) -> None:
    same = Recipe("other", {}, {"names": ["a", "b"], "size": 4}, {"survey": "1"}, {})
    check_plan(record, digests_of(same, INPUTS), IN_QUEUE)


@pytest.mark.parametrize(
    ("changes", "inputs", "what"),
    [
        ({"settings": {"size": 5}}, INPUTS, "settings that changed"),
        ({"code": {"survey": "2"}}, INPUTS, "code that changed"),
        ({"libraries": {"numpy": "2"}}, INPUTS, "versions of libraries that changed"),
        ({}, INPUTS[:1], "input files that changed"),
        ({"code": {}, "settings": {}}, INPUTS, "code, settings that changed"),
    ],
)
def test_a_job_that_finds_something_else_stops(
    record: Path, changes: dict[str, dict[str, str]], inputs: list[str], what: str
) -> None:
    found = digests_of(Recipe(**{**vars(RECIPE), **changes}), inputs)
    with pytest.raises(UserError, match=f"(?s)exam: one.*{re.escape(str(record))}.*found: {what}"):
        check_plan(record, found, IN_QUEUE, exam="one")


@pytest.mark.parametrize("environment", [{}, {RUN: ""}, {RUN: f"{NAME[:-1]}2"}])
def test_jobs_of_this_machine_and_of_other_runs_are_not_compared(
    record: Path, environment: dict[str, str]
) -> None:
    check_plan(record, {}, environment)


def test_nor_are_jobs_that_were_not_planned(record: Path, tmp_path: Path) -> None:
    check_plan(tmp_path / "records/survey/two.json", {}, IN_QUEUE)
    check_plan(tmp_path / "record.json", {}, IN_QUEUE)


@pytest.mark.parametrize(
    "content", [None, "", "[]", "{}", f'{{"run": "{NAME}"}}', f'{{"run": "{NAME}", "jobs": []}}']
)
def test_without_a_note_nothing_is_compared(record: Path, tmp_path: Path, content: str | None) -> None:
    (tmp_path / NOTE).unlink()
    if content is not None:
        (tmp_path / NOTE).write_text(content)
    check_plan(record, {}, IN_QUEUE)
