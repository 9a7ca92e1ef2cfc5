"""Digests that are kept: right whatever happens to the file or to what is kept, and taken as seldom as can be."""

import os
import shutil
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from hepaflow.jobs import contents
from hepaflow.jobs.contents import Contents

LONG_AGO = 10**9


def digest(raw: bytes) -> str:
    return sha256(raw).hexdigest()


@pytest.fixture
def kept(tmp_path: Path) -> Contents:
    return Contents(tmp_path / "results/.contents")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "größe image.nii"
    path.write_bytes(b"before")
    return path


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the files that were read so far."""
    names: list[str] = []

    def counted(path: Path | str) -> str:
        names.append(str(path))
        return digest(Path(path).read_bytes())

    monkeypatch.setattr(contents, "sha256", counted)
    return names


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take files for settled, as they are some seconds after their last change."""
    monkeypatch.setattr(contents, "_SETTLED", -(10**18))


def replaced(file: Path) -> None:
    """Replace a file by one of the same size and an older time, as `cp -p` does."""
    other = file.with_name("other")
    other.write_bytes(b"BEFORE")
    os.utime(other, (LONG_AGO, LONG_AGO))
    shutil.copy2(other, file)


def written_over(file: Path) -> None:
    """Change a file in place, with size and times as they were."""
    state = file.stat()
    file.write_bytes(b"BEFORE")
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))


def moved_over(file: Path) -> None:
    """Move another file of the same size and times to its place, as `rsync -a` does."""
    state = file.stat()
    other = file.with_name("other")
    other.write_bytes(b"BEFORE")
    os.utime(other, ns=(state.st_atime_ns, state.st_mtime_ns))
    other.rename(file)


def linked_elsewhere(file: Path) -> None:
    """Put a link to an older file in its place."""
    other = file.with_name("other")
    other.write_bytes(b"BEFORE")
    os.utime(other, (LONG_AGO, LONG_AGO))
    file.unlink()
    file.symlink_to(other)


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("change", [replaced, written_over, moved_over, linked_elsewhere])
def test_another_content_is_noticed_whatever_its_time(
    kept: Contents, file: Path, change: Callable[[Path], None]
) -> None:
    assert kept.digest(str(file)) == digest(b"before")
    time.sleep(0.02)  # the clock of file systems ticks some hundred times a second
    change(file)
    assert kept.digest(str(file)) == digest(b"BEFORE")


@pytest.mark.usefixtures("settled")
def test_a_file_is_read_once(kept: Contents, file: Path, read: list[str]) -> None:
    for _ in range(3):
        assert kept.digest(str(file)) == digest(b"before")
    assert read == [str(file)]
    os.utime(file, (LONG_AGO, LONG_AGO))
    for _ in range(3):
        assert kept.digest(str(file)) == digest(b"before")
    assert read == [str(file)] * 2


def test_a_file_that_just_changed_is_read_again(kept: Contents, file: Path, read: list[str]) -> None:
    """A second change within a tick of the clock would leave no trace."""
    kept.digest(str(file))
    kept.digest(str(file))
    assert read == [str(file)] * 2


@pytest.mark.usefixtures("settled")
def test_a_time_in_the_future_is_a_time_like_others(kept: Contents, file: Path, read: list[str]) -> None:
    os.utime(file, (time.time() + 10**8,) * 2)
    kept.digest(str(file))
    kept.digest(str(file))
    assert len(read) == 1


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "null", '{"path": "x"}', '{"state": 1}', "\0", "é".encode("latin-1")]
)
def test_damaged_notes_are_none(tmp_path: Path, kept: Contents, file: Path, damage: str | bytes) -> None:
    kept.digest(str(file))
    (note,) = (tmp_path / "results/.contents").iterdir()
    note.write_bytes(damage if isinstance(damage, bytes) else damage.encode())
    assert kept.noted(str(file)) == ""
    assert kept.digest(str(file)) == digest(b"before")
    assert kept.noted(str(file)) == digest(b"before")


def test_notes_that_cannot_be_written_cost_no_more_than_time(tmp_path: Path, file: Path) -> None:
    (tmp_path / "taken").write_text("a file in place of the folder")
    kept = Contents(tmp_path / "taken")
    assert kept.digest(str(file)) == digest(b"before")
    kept.note(str(file), "x", time.time_ns())
    assert kept.noted(str(file)) == ""


def test_an_old_digest_is_kept_until_the_file_is_looked_at(kept: Contents, file: Path) -> None:
    kept.note(str(file), digest(b"before"), time.time_ns())
    replaced(file)
    assert kept.noted(str(file)) == digest(b"before")
    kept.forget_if_changed(str(file))
    assert kept.noted(str(file)) == ""


@pytest.mark.parametrize(("began", "reads"), [(-3600, 1), (3600, 0)])
def test_a_file_that_changed_since_a_job_began_to_read_is_read_again(
    kept: Contents, file: Path, read: list[str], monkeypatch: pytest.MonkeyPatch, began: int, reads: int
) -> None:
    """A job may read other inputs for minutes between the digest and the note."""
    since = file.stat().st_ctime_ns + began * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: file.stat().st_ctime_ns + 7200 * 10**9)
    kept.note(str(file), digest(b"before"), since)
    assert kept.digest(str(file)) == digest(b"before")
    assert len(read) == reads


def test_what_is_as_it_was_is_not_forgotten(kept: Contents, file: Path) -> None:
    kept.note(str(file), digest(b"before"), time.time_ns())
    kept.forget_if_changed(str(file))
    assert kept.noted(str(file)) == digest(b"before")


def test_a_file_that_cannot_be_read_is_told(kept: Contents, file: Path) -> None:
    file.unlink()
    with pytest.raises(FileNotFoundError):
        kept.digest(str(file))
    kept.forget_if_changed(str(file))
