"""Digests beside files: what was noted is what a file must still be."""

import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from hepaflow.errors import UserError
from hepaflow.jobs.digests import checked, note_of, write_notes


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A file that a job made."""
    path = tmp_path / "größe made.bin"
    path.write_bytes(bytes(range(256)) * 40)
    write_notes({path: sha256(path.read_bytes()).hexdigest()})
    return path


def test_a_whole_file_is_used(made: Path) -> None:
    assert checked(made) == sha256(made.read_bytes()).hexdigest()


@pytest.mark.parametrize("place", [0, 5000, 10239])
def test_a_flipped_bit_is_noticed(made: Path, place: int) -> None:
    raw = bytearray(made.read_bytes())
    raw[place] ^= 1
    made.write_bytes(raw)
    with pytest.raises(UserError) as caught:
        checked(made, exam="one")
    for words in ("exam: one", f"file: {made}", "changed or damaged", "delete the file", str(note_of(made))):
        assert words in str(caught.value)


def test_a_file_without_a_note_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "exam.nii").write_bytes(b"anything")
    assert checked(tmp_path / "exam.nii") == sha256(b"anything").hexdigest()


@pytest.mark.parametrize("note", ["", "0123abc", "no digest at all\n"])
def test_a_note_that_was_never_finished_is_none(made: Path, note: str) -> None:
    note_of(made).write_text(note)
    assert checked(made)


def test_a_file_that_is_made_again_has_a_new_note(made: Path) -> None:
    made.write_bytes(b"other")
    write_notes({made: sha256(b"other").hexdigest()})
    assert checked(made) == sha256(b"other").hexdigest()


def test_a_file_that_is_gone_is_told(made: Path) -> None:
    made.unlink()
    with pytest.raises(UserError, match="deleted after this run was planned"):
        checked(made)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum on this machine")
def test_notes_are_those_of_sha256sum(made: Path) -> None:
    done = subprocess.run(["sha256sum", "--check", "--strict", note_of(made)], cwd=made.parent, check=False)
    assert done.returncode == 0
