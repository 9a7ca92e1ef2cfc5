"""Faults of the machine that a user can fix, shown like a user's own mistakes: no space, no rights, no memory."""

import errno
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from hepaflow.errors import UserError
from hepaflow.jobs.space import SHARED_MEMORY, places_without_space

_AGAIN = "then run Snakemake again: what is finished is kept, and nothing half-written is taken for a result"

_OF_FILES = {
    errno.ENOSPC: ("no space left on the disk", "space for what this job writes", f"make space, {_AGAIN}"),
    errno.EDQUOT: ("no space left in the quota", "space for what this job writes", f"make space, {_AGAIN}"),
    errno.EROFS: ("a read-only file system", "a folder that can be written", f"mount it writable, {_AGAIN}"),
    errno.EACCES: ("no permission", "a file or folder that can be read or written", f"change its mode, {_AGAIN}"),
    errno.EPERM: ("no permission", "a file or folder that can be read or written", f"change its mode, {_AGAIN}"),
    errno.EMFILE: ("too many open files", "a higher limit", f"raise it (`ulimit -n`), {_AGAIN}"),
    errno.ENFILE: ("too many open files", "a higher limit", f"raise the system's limit, {_AGAIN}"),
    errno.EFBIG: (
        "a file larger than may be written",
        "no limit on the size of files (`ulimit -f`), and a file system without one (FAT has 4 GiB)",
        f"lift the limit, or write elsewhere (`results`, `cache`), {_AGAIN}",
    ),
    errno.ENAMETOOLONG: (
        "a name that is longer than the file system takes",
        "shorter names",
        f"shorten the path of the results, or names in the sheet, {_AGAIN}",
    ),
    errno.EIO: ("a disk that fails", "a disk that reads and writes", f"look at the system's log, {_AGAIN}"),
}
_NETWORK = (
    "a file system that does not answer",
    "a mounted network file system whose server can be reached",
    f"look at the mount (`df`, the system's log), {_AGAIN}",
)
for _number in ("ESTALE", "ETIMEDOUT", "ENOTCONN", "EHOSTDOWN", "EHOSTUNREACH", "EREMOTEIO", "ENODEV"):
    if hasattr(errno, _number):
        _OF_FILES[getattr(errno, _number)] = _NETWORK

_OF_SPACE = (errno.ENOSPC, errno.EDQUOT)

_SHARED_MEMORY = (
    f"no space left in shared memory ({SHARED_MEMORY}), which is not on the disk",
    "room for the mini-batches that are loaded ahead",
    "give more (`docker run --shm-size=2g`, or `--ipc=host`; in Kubernetes an emptyDir of medium Memory), or set "
    f"`compute: {{workers: 0}}`, {_AGAIN}",
)
_PROCESSES = (
    "no more processes or threads",
    "a higher limit",
    f"raise it (`ulimit -u`, pids of the container or job), or run fewer jobs at a time (--cores), {_AGAIN}",
)
_MEMORY = (
    "no memory left",
    "memory for one exam at a time; docs/slurm.md and docs/faults.md say how much each stage takes",
    "give the job more (mem_mb, ulimit), run fewer at a time (--cores), or make batches smaller "
    f"(training.batch_size, compute.predict_batch_size), {_AGAIN}",
)
_WORKER = (
    "a process that loads training slices was killed",
    "all processes of a job to live as long as the job; the usual cause is too little memory, or shared memory",
    f"set `compute: {{workers: 0}}` or give the job more memory, {_AGAIN}",
)


def fault_of(error: BaseException | None, folders: Iterable[Path] = ()) -> UserError | None:
    """Return a fault of the machine as an error that says what to do; None if it is something else.

    Parameters
    ----------
    error : BaseException or None
        What ended the job. What it was raised from counts, too: libraries wrap errors in their own.
    folders : iterable of Path
        Where the job writes: the message names those on a file system without space.
    """
    while error is not None:
        if found := _fault(error, folders):
            return found
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None


def _fault(error: BaseException, folders: Iterable[Path]) -> UserError | None:
    words = str(error)
    in_words = _number_in(words)
    if isinstance(error, RuntimeError) and "shared memory" in words and in_words in (errno.ENOSPC, None):
        return _error(_SHARED_MEMORY)  # torch gives no number after a bus error
    if isinstance(error, RuntimeError) and "DataLoader worker (pid" in words:
        return _error(_WORKER)
    if isinstance(error, MemoryError):
        return _error(_MEMORY)
    if isinstance(error, RuntimeError) and ("can't allocate memory" in words or "out of memory" in words):
        return _error(_MEMORY)
    if isinstance(error, RuntimeError) and "can't start new thread" in words:
        return _error(_PROCESSES)
    number = error.errno if isinstance(error, OSError) and error.errno else in_words
    if number == errno.ENOMEM:
        return _error(_MEMORY)
    if number == errno.EAGAIN and isinstance(error, OSError) and not error.filename:  # of fork
        return _error(_PROCESSES)
    if number not in _OF_FILES:
        return None
    file = str(getattr(error, "filename", None) or "")
    return _error(_OF_FILES[number], file, _full(file, folders) if number in _OF_SPACE else [])


def _number_in(words: str) -> int | None:
    """Return the number of a system's error that the text of another library or process contains."""
    for number in (*_OF_FILES, errno.ENOMEM):
        text = os.strerror(number)
        if any(
            form in words for form in (f"{text} (os error {number})", f"{text} ({number})", f"[Errno {number}]")
        ):
            return number
    return None


def _full(file: str, folders: Iterable[Path]) -> list[str]:
    """Return the places without space: that of the file if it is known, else all to which the job writes."""
    if file:
        return places_without_space([Path(file).parent])
    return places_without_space([*folders, Path(), *_temporary(), SHARED_MEMORY])


def _temporary() -> list[Path]:
    try:
        return [Path(tempfile.gettempdir())]
    except OSError:
        return [Path(os.environ.get("TMPDIR") or "/tmp")]


def _error(parts: tuple[str, str, str], file: str = "", full: Iterable[str] = ()) -> UserError:
    found, expected, remedy = parts
    where = "; ".join(full)
    return UserError(f"{found} ({where})" if where else found, expected=expected, remedy=remedy, file=file)
