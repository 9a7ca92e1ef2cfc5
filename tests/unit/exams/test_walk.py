"""The files of a folder, through links as well, and what is skipped."""

import os
from pathlib import Path

import pytest

from hepaflow.errors import UserError
from hepaflow.exams.walk import Walk, counted, walk, why_no_nifti


def tree(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def found(folder: Path, result: Walk) -> list[str]:
    return [str(path.relative_to(folder)) for path in result.files]


def passed(folder: Path, result: Walk) -> dict[str, str]:
    return {str(one.place.relative_to(folder)): one.reason for one in result.skipped}


def test_files_of_all_folders_in_order(tmp_path: Path) -> None:
    tree(tmp_path, "b/2", "b/1", "a", "c/d/3", "B/1", ".hidden")
    assert found(tmp_path, walk(tmp_path)) == [".hidden", "B/1", "a", "b/1", "b/2", "c/d/3"]
    assert walk(tmp_path).skipped == ()


def test_linked_folders_are_folders(tmp_path: Path) -> None:
    root = tree(tmp_path / "root", "own/1")
    tree(tmp_path / "elsewhere", "deep/2", "3")
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    assert found(root, walk(root)) == ["linked/3", "linked/deep/2", "own/1"]
    (tmp_path / "entry").symlink_to(root)
    assert found(tmp_path / "entry", walk(tmp_path / "entry")) == ["linked/3", "linked/deep/2", "own/1"]


def test_no_folder_is_seen_twice_and_none_above(tmp_path: Path) -> None:
    root = tree(tmp_path / "root", "z/1", "y/2")
    tree(tmp_path / "elsewhere", "3")
    tree(tmp_path, "other patient/4")
    (root / "a").symlink_to("z")
    (root / "z/loop").symlink_to(root)
    (root / "up").symlink_to("..")
    for name in ("first", "second"):
        (root / name).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/back").symlink_to(root / "y")
    result = walk(root)
    assert found(root, result) == ["first/3", "y/2", "z/1"]
    looked_at = "a link to a folder that was searched already"
    assert passed(root, result) == {
        "a": looked_at,
        "second": looked_at,
        "first/back": looked_at,
        "up": "a link to a folder above",
        "z/loop": "a link to a folder above",
    }


def test_links_among_files(tmp_path: Path) -> None:
    root = tree(tmp_path / "root", "real")
    tree(tmp_path, "elsewhere")
    (root / "a").symlink_to("real")
    (root / "b").symlink_to(tmp_path / "elsewhere")
    (root / "c").symlink_to(tmp_path / "elsewhere")
    (root / "d").symlink_to("nowhere")
    (root / "e").symlink_to("e")
    os.mkfifo(root / "pipe")
    result = walk(root)
    assert found(root, result) == ["b", "real"]
    taken = "a link to a file that was found already"
    nowhere = "a broken link"
    assert passed(root, result) == {"a": taken, "c": taken, "d": nowhere, "e": nowhere, "pipe": "no file"}


def test_a_folder_of_annexed_files_is_one_of_files(tmp_path: Path) -> None:
    """As git-annex keeps them: the files are links into a hidden folder."""
    tree(tmp_path, ".git/annex/one.nii.gz", ".git/annex/two.nii.gz")
    for name in ("one", "two"):
        (tmp_path / f"{name}.nii.gz").symlink_to(f".git/annex/{name}.nii.gz")
    result = walk(tmp_path)
    assert found(tmp_path, result) == ["one.nii.gz", "two.nii.gz"]
    assert list(passed(tmp_path, result)) == [".git"]


def test_a_folder_that_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "closed/1", "open")
    scan = os.scandir

    def closed(place: object) -> object:
        if str(place).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(place))
        return scan(place)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(UserError, match=r"cannot be read \(Permission denied\)") as caught:
        walk(tmp_path)
    assert f"file: {tmp_path / 'closed'}" in str(caught.value)
    result = walk(tmp_path, all_or_nothing=False)
    assert found(tmp_path, result) == ["open"]
    assert passed(tmp_path, result) == {"closed": "unreadable folder: Permission denied"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a.nii", ""),
        ("A.NII.GZ", ""),
        ("._a.nii", "hidden"),
        ("a.hdr", "convert"),
        ("a.IMG", "convert"),
        ("a.nrrd", "convert"),
        ("a.mha", "convert"),
        ("a.nii.bz2", "convert"),
        ("a.zip", "unpack"),
        ("a.tar.gz", "unpack"),
        ("notes.txt", "no image"),
    ],
)
def test_why_a_file_is_no_exam(name: str, reason: str) -> None:
    assert reason in why_no_nifti(Path(name)) if reason else why_no_nifti(Path(name)) == ""


def test_what_is_skipped_is_counted_with_the_first_names(tmp_path: Path) -> None:
    for name in ("1", "2", "3", "4", "new\nline"):
        (tmp_path / name).symlink_to("nowhere")
    assert counted(walk(tmp_path).skipped, tmp_path) == [(5, "a broken link (1, 2, 3, ...)")]
    for name in ("1", "2", "3"):
        (tmp_path / name).unlink()
    assert counted(walk(tmp_path).skipped, tmp_path) == [(2, r"a broken link (4, new\nline)")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
def test_what_one_has_no_right_to_look_at_is_skipped(tmp_path: Path) -> None:
    root = tree(tmp_path / "root", "a", "half/b", "half/c/d")
    tree(tmp_path, "closed/x", "closed/y/z")
    (root / "file").symlink_to(tmp_path / "closed/x")
    (root / "folder").symlink_to(tmp_path / "closed/y")
    places = {tmp_path / "closed": 0o000, root / "half": 0o444}
    for place, mode in places.items():
        place.chmod(mode)
    try:
        result = walk(root, all_or_nothing=False)
    finally:
        for place in places:
            place.chmod(0o755)
    assert found(root, result) == ["a"]
    assert {"file", "folder", "half/b", "half/c"} <= set(passed(root, result))
