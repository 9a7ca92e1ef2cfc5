"""The folder of one exam's result: one process's alone, filled aside, and in its place at once."""

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from hepaflow.errors import UserError
from hepaflow.system.atomic import sync_folder
from hepaflow.system.signals import undisturbed

try:
    import fcntl
except ImportError:  # Windows: nothing is locked, and the last step alone decides
    fcntl = None  # type: ignore[assignment]

MEASUREMENTS = "measurements.json"
"""Name of the file of a result that tells, among else, of which exam it is."""

_HIDDEN = ".hepaflow-"
_LOCK = f"{_HIDDEN}lock-"
_Kind = Literal["unpacked", "partial", "earlier"]
_DESKTOP = re.compile(r"\._.*|\.DS_Store|Thumbs\.db|desktop\.ini", re.IGNORECASE)
"""What file managers leave in a folder that somebody has looked at."""

_ASIDE = re.compile(rf"{re.escape(_HIDDEN)}(unpacked|partial|earlier)-[0-9a-f]{{16}}")


def remove_remains(out: Path) -> int:
    """Remove what processes that were killed have left in a folder for results; return how much that was.

    A result that was about to be replaced takes its place again.
    """
    removed = 0
    for path in sorted(out.glob(f"{_HIDDEN}*")):
        if not (_ASIDE.fullmatch(path.name) or path.name.startswith(_LOCK)) or path.is_symlink():
            continue
        lock = _locked(path)
        if lock is None:  # its process lives, or it is another user's
            continue
        with suppress(OSError):
            removed += _remove(path, out)
        os.close(lock)
    return removed


def _remove(path: Path, out: Path) -> bool:
    """Remove a lock or a folder that was left behind; return whether it was a folder."""
    if path.is_file():
        path.unlink()
        return False
    if "earlier" in path.name:
        for kept in path.iterdir():
            if not os.path.lexists(out / kept.name):
                kept.rename(out / kept.name)
    shutil.rmtree(path)
    return True


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keep other processes from writing the same result.

    Raises
    ------
    UserError
        If another process does already.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Not the folder itself, which is replaced. To some file systems upper and lower case are one.
    path = folder.parent / (
        _LOCK + hashlib.sha256(folder.name.lower().encode(errors="surrogateescape")).hexdigest()[:16]
    )
    try:
        lock = _lock_of(path, wait=False)
    except BlockingIOError:
        raise UserError(
            "another process that is segmenting into this folder",
            file=folder,
            expected="one process for an exam",
            remedy="wait for it, or name another folder with --out",
        ) from None
    with _until_removed(path, lock):
        yield


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Wait until no other process reads or writes what belongs to all results of a folder."""
    path = out / f"{_LOCK}all"
    with _until_removed(path, _lock_of(path, wait=True)):
        yield


@contextmanager
def _until_removed(path: Path, lock: int | None) -> Iterator[None]:
    """Keep a lock, and remove its file in the end."""
    try:
        yield
    finally:
        if lock is not None:
            with suppress(OSError):
                path.unlink()
            os.close(lock)


def _lock_of(path: Path, *, wait: bool) -> int | None:
    """Lock a file, which is made; None where that is not possible.

    Raises
    ------
    BlockingIOError
        If another process holds it, and is not to be waited for.
    """
    while fcntl is not None:
        try:
            # Network file systems lock for writing alone, and another user's file may only be read.
            may_write = not path.exists() or os.access(path, os.W_OK)
            lock = os.open(path, (os.O_RDWR if may_write else os.O_RDONLY) | os.O_CREAT, 0o666)
        except OSError:  # in a folder that keeps users apart: the last step still decides
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise
        except OSError:  # a file system without locks
            os.close(lock)
            return None
        with suppress(OSError):
            if os.fstat(lock).st_ino == path.stat().st_ino:
                return lock
        os.close(lock)  # removed by its former owner in between
    return None


@contextmanager
def aside(out: Path, kind: _Kind) -> Iterator[Path]:
    """Give a hidden folder among the results, and remove it with all that is left in it.

    Unpacked exams are for nobody else's eyes; results get the rights that the user gives new folders.
    """
    path, lock = _made(out, kind)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _made(out: Path, kind: _Kind) -> tuple[Path, int | None]:
    while True:
        path = out / f"{_HIDDEN}{kind}-{secrets.token_hex(8)}"
        path.mkdir(mode=0o700 if kind == "unpacked" else 0o777)
        lock = _locked(path)
        if path.is_dir():  # else another process took it for one left behind, before it was locked
            return path, lock


def _locked(path: Path) -> int | None:
    """Lock a file or folder for this process; None where that is not possible."""
    if fcntl is None:
        return None
    try:
        lock = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def measurements_in(folder: Path) -> Any:
    """Return what the result in a folder tells of itself; None where there is none that can be read."""
    try:
        return json.loads((folder / MEASUREMENTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def digest_in(folder: Path) -> str:
    """Return the digest of the exam whose result a folder holds; empty where it tells none."""
    try:
        return str(measurements_in(folder)["source"]["digest"])
    except (KeyError, TypeError):
        return ""


def digests_in(out: Path) -> dict[str, str]:
    """Return the digests in all folders of a folder for results, by their names; the shortest names first."""
    try:
        names = [path.name for path in out.iterdir() if not path.name.startswith(".")]
    except OSError:  # none yet, or closed to this user
        return {}
    return {name: digest_in(out / name) for name in sorted(names, key=lambda name: (len(name), name))}


def check_free(folder: Path, names: Collection[str], *, overwrite: bool, digest: str = "") -> None:
    """Refuse to write into a folder that holds something; an earlier result of the same exam may be replaced.

    What file managers leave does not count, and goes with the earlier result.

    Parameters
    ----------
    folder : Path
    names : collection of str
        What a result consists of.
    overwrite : bool
    digest : str, optional
        Of the exam. Without it, or in a result without it, any earlier result counts as one of the same exam.

    Raises
    ------
    UserError
        If it does.
    """
    if not os.path.lexists(folder):
        return
    if folder.is_symlink() or not folder.is_dir():
        raise UserError("something other than a folder", file=folder, remedy="move it, or name another folder")
    try:
        held = {path.name for path in folder.iterdir() if not _DESKTOP.fullmatch(path.name)}
    except OSError as error:
        raise UserError(
            f"a folder that cannot be read ({error.strerror})",
            file=folder,
            expected="no such folder yet, or one that this user may read",
            remedy="change its permissions, or name another folder with --out",
        ) from None
    if others := sorted(held - set(names)):
        raise UserError(
            f"files that are not hepaflow's: {', '.join(others[:3])}",
            file=folder,
            expected="no such folder yet",
            remedy="name another folder",
        )
    if held and digest and digest_in(folder) not in ("", digest):
        raise UserError(
            "the result of another exam, or of other images of this one",
            file=folder,
            expected="no such folder yet, or an earlier result of the same images",
            remedy="name another folder with --out, or both exams in one command, which gives them different "
            "names; or delete this folder if nobody needs it any more",
        )
    if held and not overwrite:
        raise UserError(
            "an earlier result, which was kept",
            file=folder,
            expected="no such folder yet",
            remedy="nothing if it is the one you want; else add --overwrite, which replaces it, or name another "
            "folder with --out",
        )


@contextmanager
def as_a_whole(folder: Path, names: Collection[str], *, overwrite: bool, digest: str = "") -> Iterator[Path]:
    """Give a folder to write into, which takes its place when all is written; after an error nothing is left.

    An earlier result stays until the new one is complete, and comes back if that cannot take its place.
    `check_free` has the parameters.

    Raises
    ------
    UserError
        If the place is taken, also by a process that was faster.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with aside(folder.parent, "partial") as partial:
        yield partial
        sync_folder(partial)
        check_free(folder, names, overwrite=overwrite, digest=digest)
        with undisturbed():
            if _holds_something(folder):
                _exchange(partial, folder)
                return
            with suppress(OSError):
                folder.rmdir()  # an empty one gives way
            try:
                partial.rename(folder)  # to a folder that holds something, this is an error
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                    check_free(folder, names, overwrite=False, digest=digest)
                raise


def _holds_something(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _exchange(partial: Path, folder: Path) -> None:
    """Put a result in the place of an earlier one, which is removed, or comes back."""
    earlier, lock = _made(folder.parent, "earlier")
    kept = earlier / folder.name
    try:
        folder.rename(kept)
        try:
            partial.rename(folder)
        except OSError:
            kept.rename(folder)
            raise
    finally:
        if os.path.lexists(folder):  # else `remove_remains` puts the earlier one back
            shutil.rmtree(earlier, ignore_errors=True)
        if lock is not None:
            os.close(lock)
