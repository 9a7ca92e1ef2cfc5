"""Faults of the machine that a user can mend, told like a user's own mistakes: no space, no rights, no memory."""

import errno
import os

from hepaflow.errors import UserError

_AGAIN = "then run Snakemake again: what is finished is kept, and nothing half-written is taken for a result"

_OF_FILES = {
    errno.ENOSPC: ("no space left on the disk", "space for what this job writes", f"make space, {_AGAIN}"),
    errno.EDQUOT: ("no space left in the quota", "space for what this job writes", f"make space, {_AGAIN}"),
    errno.EROFS: ("a read-only file system", "a folder that can be written", f"mount it writable, {_AGAIN}"),
    errno.EACCES: ("no permission", "a file or folder that can be read or written", f"change its mode, {_AGAIN}"),
    errno.EPERM: ("no permission", "a file or folder that can be read or written", f"change its mode, {_AGAIN}"),
    errno.EMFILE: ("too many open files", "a higher limit", f"raise it (`ulimit -n`), {_AGAIN}"),
    errno.ENFILE: ("too many open files", "a higher limit", f"raise the system's limit, {_AGAIN}"),
    errno.EIO: ("a disk that fails", "a disk that reads and writes", f"look at the system's log, {_AGAIN}"),
}
_MEMORY = (
    "no memory left",
    "memory for one exam at a time; docs/slurm.md and docs/faults.md tell how much each stage takes",
    "give the job more (mem_mb, ulimit), run fewer at a time (--cores), or make batches smaller "
    f"(training.batch_size, compute.predict_batch_size), {_AGAIN}",
)
_WORKER = (
    "a process that loads training slices was killed",
    "all processes of a job to live as long as the job; most often it is memory that was short",
    f"set `compute: {{workers: 0}}` or give the job more memory, {_AGAIN}",
)


def fault_of(error: BaseException | None) -> UserError | None:
    """Return a fault of the machine as an error that says what to do; None if it is something else.

    Parameters
    ----------
    error : BaseException or None
        What ended the job. What it was raised from counts, too: libraries wrap errors in their own.
    """
    while error is not None:
        if told := _told(error):
            return told
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None


def _told(error: BaseException) -> UserError | None:
    words = str(error)
    if isinstance(error, OSError) and error.errno in _OF_FILES:
        return _error(_OF_FILES[error.errno], str(error.filename or ""))
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return _error(_MEMORY)
    if isinstance(error, RuntimeError) and "DataLoader worker" in words:
        return _error(_WORKER)
    if isinstance(error, RuntimeError) and ("can't allocate memory" in words or "out of memory" in words):
        return _error(_MEMORY)
    for number, parts in _OF_FILES.items():  # of libraries that are not written in Python
        if f"{os.strerror(number)} (os error {number})" in words:
            return _error(parts)
    return None


def _error(parts: tuple[str, str, str], file: str = "") -> UserError:
    found, expected, remedy = parts
    return UserError(found, expected=expected, remedy=remedy, file=file)
