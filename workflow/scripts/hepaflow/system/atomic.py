"""Files that appear under their name only when they are whole."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_UNFINISHED = ".unfinished-"
_DAY = 86400.0


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Give another path to write to; when all is written, that file takes the place of `path` in one step.

    Whoever reads `path` meanwhile finds the earlier file or the new one, never a part of either. So does whoever
    comes after a process that was killed, or a full disk. Of several processes that write the same file, the last
    to finish counts.

    Parameters
    ----------
    path : Path or str
        In a folder that exists. A link is followed. What is neither a file nor absent (`/dev/stdout`, a pipe) is
        written to as it is.

    Yields
    ------
    Path
        Of the same name, in a folder of its own beside `path`. After an error nothing of it is left. What a
        killed process leaves is removed after a day, by the next that writes there.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        yield Path(path)
        return
    target = Path(os.path.realpath(path))
    _sweep(target.parent)
    beside = tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=target.parent, ignore_cleanup_errors=True)
    with beside as folder:
        partial = Path(folder, target.name)
        yield partial
        _sync(partial)
        os.replace(partial, target)


def _sweep(folder: Path) -> None:
    for left in folder.glob(f"{_UNFINISHED}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _DAY:
                shutil.rmtree(left)


def _sync(path: Path) -> None:
    """Bring a file to the disk, or a crash of the machine could leave its new name with an empty file."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring all files of a folder, and of the folders below, to the disk before it gets its name."""
    for parent, _, names in os.walk(folder):
        for name in names:
            _sync(Path(parent, name))
        with suppress(OSError):  # not every system opens folders, and not every file system syncs them
            opened = os.open(parent, os.O_RDONLY)
            try:
                os.fsync(opened)
            finally:
                os.close(opened)


def write_text(path: Path | str, text: str) -> None:
    """Write a text in UTF-8, with its line ends as they are, whatever the system's encoding."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="")
