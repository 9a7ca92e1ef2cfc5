"""Which version runs, as far as a folder tells."""

import subprocess
from pathlib import Path

import pytest

from hepaflow.jobs.checkout import COMMIT, here_or_in, version_of


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(folder), *settings, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def project(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "pyproject.toml").write_text('[project]\nname = "hepaflow"\nversion = "9.8.7"\n')
    return folder


def test_a_checkout_tells_its_commit_and_whether_it_was_changed(tmp_path: Path) -> None:
    folder = project(tmp_path)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    commit = git(folder, "rev-parse", "--short=12", "HEAD")
    assert version_of(folder) == f"hepaflow 9.8.7, commit {commit}"
    (folder / "results").mkdir()
    (folder / "results" / "new.txt").touch()
    assert version_of(folder) == f"hepaflow 9.8.7, commit {commit}"
    (folder / "pyproject.toml").write_text('[project]\nversion = "9.8.8"\n')
    assert version_of(folder) == f"hepaflow 9.8.8, commit {commit} with changes"


def test_a_copy_inside_another_project_does_not_tell_that_ones_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "of another project")
    assert version_of(project(tmp_path / "copy")) == "hepaflow 9.8.7"


def test_a_folder_that_tells_nothing_is_hepaflow(tmp_path: Path) -> None:
    assert version_of(tmp_path).startswith("hepaflow")
    assert "commit" not in version_of(tmp_path)


def test_a_folder_that_was_unpacked_from_a_commit_tells_it(tmp_path: Path) -> None:
    (project(tmp_path) / COMMIT).write_text("0123456789abcdef\n")
    assert version_of(tmp_path) == "hepaflow 9.8.7, commit 0123456789ab"


def test_a_file_of_the_user_counts_before_that_of_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout, here = tmp_path / "checkout", tmp_path / "here"
    for folder, names in ((checkout, ("both", "shipped")), (here, ("both", "own"))):
        folder.mkdir()
        for name in names:
            (folder / name).touch()
    monkeypatch.chdir(here)
    assert here_or_in(checkout, "both") == "both"
    assert here_or_in(checkout, "own") == "own"
    assert here_or_in(checkout, "shipped") == "../checkout/shipped"
    assert here_or_in(checkout, "none") == "none"
    assert here_or_in(checkout, str(here / "own")) == str(here / "own")
    monkeypatch.chdir(checkout)
    assert here_or_in(checkout, "shipped") == "shipped"  # as runs of their own have always written it
