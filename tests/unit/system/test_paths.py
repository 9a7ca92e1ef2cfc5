"""One spelling for every path."""

import os
from pathlib import Path

import pytest

from hepaflow.system.paths import normal


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder, which has a name by a link as well, and a link to data elsewhere."""
    for name in ("project/results/x", "elsewhere/data"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "other name").symlink_to("project")
    (tmp_path / "project/data").symlink_to("../elsewhere/data")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


@pytest.mark.parametrize(
    "spelling",
    [
        "results/x",
        "results/x/",
        "./results/x",
        "results//x",
        "results/./x",
        "results/y/../x",
        "results/y/../..z/../x",
        "../project/results/x",
        "{folder}/project/results/x",
        "{folder}/project/results/x/",
        "{folder}/other name/results/x",
        "{folder}/elsewhere/../project/results/x",
        "../elsewhere/../project/a..b/../results/x",
    ],
)
def test_every_spelling_of_a_path_is_one(folder: Path, spelling: str) -> None:
    assert normal(spelling.format(folder=folder)) == "results/x"


def test_a_path_that_does_not_exist_yet_has_one_spelling_too(folder: Path) -> None:
    assert normal(f"{folder}/other name/new/deep/") == normal("./new//deep") == "new/deep"


def test_links_stay_links() -> None:
    assert normal("./data/") == "data"
    assert normal("data/exam") == "data/exam"


def test_a_step_up_behind_a_link_leads_where_the_system_goes(folder: Path) -> None:
    (folder / "elsewhere/there").touch()
    assert normal("data/../there") == f"{folder.resolve()}/elsewhere/there"
    assert os.path.exists(normal("data/../there"))


def test_outside_of_the_working_folder_paths_are_absolute(folder: Path) -> None:
    assert normal("../elsewhere/data/") == f"{folder.resolve()}/elsewhere/data"
    assert normal(f"{folder}/elsewhere//data") == f"{folder}/elsewhere/data"


def test_the_working_folder_itself_is_a_dot(folder: Path) -> None:
    assert normal("./") == normal(f"{folder}/project/") == "."


def test_a_tilde_is_a_home_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder / "elsewhere"))
    assert normal("~/data/") == f"{folder}/elsewhere/data"
    with pytest.raises(ValueError, match="'~nobody-of-this-name' is not a user's home"):
        normal("~nobody-of-this-name/data")


@pytest.mark.parametrize("name", ["..data", "data..", "a..b/c", "...", "results/..x/y"])
def test_dots_within_a_name_are_no_step(name: str) -> None:
    assert normal(name) == name


def test_a_home_inside_the_working_folder_is_relative(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder / "project"))
    assert normal("~/results/x") == "results/x"
