"""Where a command writes to: known to be writable before anything is computed, and never half written."""

import os
import tempfile
from collections.abc import Collection
from pathlib import Path

from hepaflow.errors import UserError
from hepaflow.system import atomic


def make_folder(folder: Path) -> None:
    """Make a folder where it is missing, and see that files can be written to it.

    Raises
    ------
    UserError
        If there is something else, or no right or room to write.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        why = "a file" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror
        raise UserError(
            f"no folder to write to ({why})",
            file=folder,
            expected="a folder, or the name of a new one, that this user may write to",
            remedy="name another folder, or make room in this one",
        ) from None


def check_earlier(folder: Path, names: Collection[str], *, overwrite: bool) -> None:
    """Refuse to replace an earlier result; other files of the folder stay, whatever they are.

    Parameters
    ----------
    folder : Path
        It need not exist.
    names : collection of str
        Files of a result.
    overwrite : bool
        Replace it all the same.

    Raises
    ------
    UserError
        If there is one.
    """
    if not overwrite and any(os.path.lexists(folder / name) for name in names):
        raise UserError(
            "an earlier result",
            file=folder,
            expected="a folder without one",
            remedy="name another folder, or replace it with --overwrite",
        )


def write_text(path: Path, text: str, *, overwrite: bool = False) -> None:
    """Write a text file, which is there as a whole or not at all.

    Parameters
    ----------
    path : Path
        Its folder is made.
    text : str
    overwrite : bool, optional
        Replace a file with another content.

    Raises
    ------
    UserError
        If it cannot be written, or there is a file with another content.
    """
    if path.is_dir():
        raise UserError("a folder", file=path, expected="a file to write", remedy="name a file in it")
    if os.path.lexists(path) and not overwrite:
        if _content(path) == text:
            return
        raise UserError(
            "a file that is there already, with another content",
            file=path,
            expected="no such file yet",
            remedy="name another file, or replace this one with --overwrite",
        )
    make_folder(path.parent)
    try:
        atomic.write_text(path, text)
    except OSError as error:
        raise UserError(
            f"a file that cannot be written ({error.strerror})", file=path, remedy="name another place"
        ) from None


def _content(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
