"""Where a command writes to."""

from pathlib import Path

import pytest

from hepaflow.errors import UserError
from hepaflow.system.destination import make_folder, write_text


def test_a_folder_is_made_with_those_above(tmp_path: Path) -> None:
    make_folder(tmp_path / "a/b")
    make_folder(tmp_path / "a/b")
    assert list((tmp_path / "a/b").iterdir()) == []


def test_something_in_the_way_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file/below"):
        with pytest.raises(UserError, match="no folder to write to") as caught:
            make_folder(place)
        assert f"file: {place}" in str(caught.value)


def test_a_text_is_written_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path / "new/sheet.tsv", "a\tb\n")
    assert (tmp_path / "new/sheet.tsv").read_bytes() == b"a\tb\n"

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(UserError, match="No space left on device"):
        write_text(tmp_path / "new/other.tsv", "c")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["sheet.tsv"]


def test_a_file_of_another_content_is_kept(tmp_path: Path) -> None:
    write_text(tmp_path / "sheet.tsv", "mine")
    write_text(tmp_path / "sheet.tsv", "mine")
    for held in (b"mine", b"\xff\xfe"):
        (tmp_path / "sheet.tsv").write_bytes(held)
        with pytest.raises(UserError, match="--overwrite"):
            write_text(tmp_path / "sheet.tsv", "other")
        assert (tmp_path / "sheet.tsv").read_bytes() == held
    write_text(tmp_path / "sheet.tsv", "other", overwrite=True)
    assert (tmp_path / "sheet.tsv").read_text() == "other"


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="name a file in it"):
        write_text(tmp_path, "a", overwrite=True)
