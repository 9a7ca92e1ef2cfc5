"""Which version it is, as far as a folder tells; and that the number is written nowhere else."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.version import Version as Pep440

from hepaflow import version as module
from hepaflow.version import ARCHIVED, PACKED, UNKNOWN, Version, this_version, version, version_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Callable[..., str]:
    """Return Git at work in a checkout with one commit."""

    def git(*arguments: str) -> str:
        settings = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false"]
        command = ["git", "-C", str(tmp_path), *settings, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    git("init", "-q")
    for name in (ARCHIVED, ".gitattributes"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / "file").write_text("one")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    return git


def test_a_tag_is_the_number_and_commits_after_it_come_before_the_next(
    checkout: Callable[..., str], tmp_path: Path
) -> None:
    checkout("tag", "v0.1.0")
    commit = checkout("rev-parse", "--short=12", "HEAD")
    assert version_of(tmp_path) == Version("0.1.0", commit)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "new.txt").touch()
    assert version_of(tmp_path) == Version("0.1.0", commit)
    (tmp_path / "file").write_text("two")
    assert version_of(tmp_path) == Version(f"0.1.1.dev0+g{commit}.changed", commit, changed=True)
    checkout("commit", "-q", "-a", "-m", "two")
    commit = checkout("rev-parse", "--short=12", "HEAD")
    assert version_of(tmp_path) == Version(f"0.1.1.dev1+g{commit}", commit)
    checkout("tag", "another-tag")
    assert version_of(tmp_path) == Version(f"0.1.1.dev1+g{commit}", commit)
    checkout("tag", "-a", "v0.2.0rc1", "-m", "annotated")
    assert version_of(tmp_path) == Version("0.2.0rc1", commit)


def test_without_a_tag_commits_are_counted(checkout: Callable[..., str], tmp_path: Path) -> None:
    checkout("commit", "-q", "--allow-empty", "-m", "two")
    commit = checkout("rev-parse", "--short=12", "HEAD")
    assert version_of(tmp_path) == Version(f"0.0.dev2+g{commit}", commit)
    (tmp_path / "file").write_text("two")
    assert version_of(tmp_path) == Version(f"0.0.dev2+g{commit}.changed", commit, changed=True)


def test_an_archive_of_a_commit_tells_what_the_checkout_does(
    checkout: Callable[..., str], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for tag in ("", "v0.1.0"):
        if tag:
            checkout("tag", tag)
        commit = checkout("rev-parse", "--short=12", "HEAD")
        unpacked = tmp_path_factory.mktemp("unpacked")
        archive = subprocess.run(["git", "-C", tmp_path, "archive", "HEAD"], capture_output=True, check=True)
        subprocess.run(["tar", "-x", "-C", unpacked], input=archive.stdout, check=True)
        number = tag.removeprefix("v") or f"0.0.dev0+g{commit}"
        assert version_of(unpacked) == Version(number, commit)


def test_git_is_not_asked_of_the_repository_that_the_caller_is_at_work_in(
    checkout: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout("tag", "v0.1.0")
    monkeypatch.setenv("GIT_DIR", "/nowhere")  # as in a hook of Git
    told = version_of(tmp_path)
    assert told is not None
    assert told.number == "0.1.0"


def test_a_source_distribution_tells_the_number_that_it_was_packed_with(tmp_path: Path) -> None:
    (tmp_path / PACKED).write_text("Metadata-Version: 2.4\nName: hepaflow\nVersion: 9.8.7\n\nVersion: 1\n")
    assert version_of(tmp_path) == Version("9.8.7")


def test_a_copy_inside_another_project_tells_nothing(checkout: Callable[..., str], tmp_path: Path) -> None:
    checkout("tag", "v9.9.9")
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / ARCHIVED).write_text((ROOT / ARCHIVED).read_text())  # as no archive has filled it in
    assert version_of(copy) is None


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (Version("0.1.0", "0123456789ab"), "hepaflow 0.1.0, commit 0123456789ab"),
        (Version("0.1.0"), "hepaflow 0.1.0"),
        (Version(UNKNOWN), "hepaflow 0+unknown"),
        (
            Version("0.1.1.dev3+g0123456789ab.changed", "0123456789ab", changed=True),
            "hepaflow 0.1.1.dev3, commit 0123456789ab with changes",
        ),
    ],
)
def test_in_words(told: Version, words: str) -> None:
    assert told.in_words() == words


def test_numbers_are_in_the_order_in_which_they_come() -> None:
    numbers = [
        "0.0.dev2+g0.changed", "0.1.0rc1", "0.1.0rc2.dev3+g0", "0.1.0", "0.1.1.dev0+g0.changed", "0.1.1.dev3+g0",
    ]  # fmt: skip
    assert sorted(numbers, key=Pep440) == numbers
    assert all(str(Pep440(number)) == number for number in [*numbers, UNKNOWN])


def test_a_folder_that_tells_nothing_is_not_taken_for_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "version_of", lambda _: None)
    this_version.cache_clear()
    try:
        assert version() == UNKNOWN
    finally:
        monkeypatch.undo()
        this_version.cache_clear()


def test_no_other_place_has_the_number() -> None:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    named = [
        ROOT / name for name in files.stdout.split() if name.endswith((".toml", ".cff", ".cfg", ".smk", ".py"))
    ]
    named = [path for path in named if "tests" not in path.relative_to(ROOT).parts and path.is_file()]
    assert [
        path.name for path in named if re.search(r"^_*version_*\s*[:=]\s*[\"']?\d", path.read_text(), re.M)
    ] == []
    assert not re.search(r"__version__", (ROOT / "workflow/scripts/hepaflow/__init__.py").read_text())
