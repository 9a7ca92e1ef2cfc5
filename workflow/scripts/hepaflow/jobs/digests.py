"""Digests of what jobs made: if a file has changed without Snakemake noticing, no job uses it.

Snakemake looks at times, and takes a truncated file for a newer one. So every job notes the SHA-256 of
each of its outputs, in a folder `.sha256` beside it, and compares its inputs with what was noted. `sha256sum
--check` reads the notes, too. What has no note (files of exams, results of earlier versions) is taken as it is.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from hepaflow.errors import UserError
from hepaflow.files import sha256

NOTES = ".sha256"
"""Folder of the notes beside files."""

_NOTE = re.compile(r"([0-9a-f]{64})  .+\n")


def note_of(path: Path) -> Path:
    """Return where the digest of a file is noted."""
    return path.parent / NOTES / f"{path.name}.sha256"


def write_notes(digests: Mapping[Path, str]) -> None:
    """Note the digests of files that a job made."""
    for path, digest in digests.items():
        note = note_of(path)
        note.parent.mkdir(exist_ok=True)
        # In place: clients of NFS that know an earlier note see at once that it changed.
        note.write_text(f"{digest}  {path.name}\n", encoding="utf-8")


def begin_notes(paths: Iterable[Path]) -> None:
    """Note that a job begins to make files: what it leaves of them if it dies is recognised as its own."""
    for path in paths:
        note = note_of(path)
        try:
            note.parent.mkdir(exist_ok=True)
            note.write_text("being made\n", encoding="utf-8")
        except OSError:  # the job itself will fail and say so
            return


def begun(path: Path, record: Path) -> bool:
    """Return whether a job has made a file of this name, or has begun to, by its note or the job's record."""
    return note_of(path).exists() or path.name in _recorded(record)


def as_made(path: Path, digest: str, record: Path) -> bool:
    """Return whether a file is as a job made it, or a job died while it made it.

    Parameters
    ----------
    path : Path
    digest : str
        SHA-256 of its content now.
    record : Path
        Where the job's record is, if there is one.
    """
    unfinished = note_of(path).exists() and not noted(path)
    return unfinished or digest in (noted(path), _recorded(record).get(path.name))


def checked(path: Path, *, exam: str = "") -> str:
    """Return the digest of a file that is to be used.

    Parameters
    ----------
    path : Path
    exam : str, optional
        Name of the exam, for the error message.

    Raises
    ------
    UserError
        If the file is gone, or is no longer what its job wrote.
    """
    try:
        digest = sha256(path)
    except FileNotFoundError:
        raise UserError(
            "a file that was deleted after this run was planned",
            exam=exam,
            file=path,
            expected="every input of a job, until it has ended",
            remedy="run Snakemake again: what is missing is made again; a file of an exam must be put back",
        ) from None
    known = noted(path)
    if known and known != digest:
        raise UserError(
            f"a file that was changed or damaged after it was made (SHA-256 {digest})",
            exam=exam,
            file=path,
            expected=f"what the job that made it wrote (SHA-256 {known})",
            remedy="delete the file and run Snakemake again: it is made again. "
            f"If you changed it on purpose, delete {note_of(path)} instead",
        )
    return digest


def _recorded(record: Path) -> dict[str, str]:
    """Return the digests of what a job made by its record, by file name; none where there is no whole record."""
    try:
        return {Path(path).name: digest for path, digest in json.loads(record.read_bytes())["outputs"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def noted(path: Path) -> str:
    """Return the digest that was noted of a file; empty where there is none, or a job died while it wrote it."""
    try:
        found = _NOTE.fullmatch(note_of(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, UnicodeDecodeError):
        return ""
    return found[1] if found else ""
