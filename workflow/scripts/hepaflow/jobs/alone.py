"""One process at a time for one result.

A Snakemake that is killed leaves its jobs running. The next one starts the same jobs again, maybe with other
settings: without a lock, an old job could write last, and its result would stay with a digest that fits.
"""

import errno
import fcntl
import logging
import os
import time
from pathlib import Path

from hepaflow.errors import UserError

log = logging.getLogger(__name__)

PATIENCE = 120.0
"""Seconds to wait for another process. Queues kill half a minute after they asked to end."""

_held: list[int] = []
"""Open lock files: the locks end with the process, however it dies."""


def lock_of(record: Path) -> Path:
    """Return the file with which the job of a record locks its results."""
    return record.parent / ".sha256" / f"{record.name}.lock"


def is_held(lock: Path) -> bool:
    """Return whether another process holds a lock, as far as this file system tells."""
    try:
        with open(lock, "rb+") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:  # others: this file system has no locks
                return error.errno in (errno.EACCES, errno.EAGAIN)
    except OSError:  # there is none, or no right to open it
        return False
    return False


def keep_others_out(record: Path) -> None:
    """Make this process the only one that makes the results of a job.

    Parameters
    ----------
    record : Path
        The job's record.

    Raises
    ------
    UserError
        If another process still makes them after two minutes.
    """
    path = lock_of(record)
    until = time.monotonic() + PATIENCE
    while owner := hold(path, "start no run twice"):
        if time.monotonic() > until:
            raise UserError(
                f"another process that makes the same result: {owner}",
                expected="one at a time; that one was left by a Snakemake that was killed, or is another clone's",
                remedy="end it (`kill`), or wait until it has ended, and run Snakemake again",
                file=record,
            )
        log.info("waiting for %s, which makes the same result", owner)
        time.sleep(1)


def hold(path: Path, without: str) -> str:
    """Lock a file until this process ends, however it dies.

    Parameters
    ----------
    path : Path
        It is made, with its folder, unless it is there.
    without : str
        What a user has to see to on a file system without locks; told in a warning there.

    Returns
    -------
    str
        The process that holds the lock, if another one does; empty if this one does, or if there are no locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = os.pread(file, 1000, 0).decode(errors="replace")
        os.close(file)
        if error.errno in (errno.EACCES, errno.EAGAIN):
            return owner or "a process that starts"
        log.warning("%s: this file system has no locks (%s); %s", path, error.strerror, without)
        return ""
    _held.append(file)
    os.truncate(file, 0)
    os.write(file, f"process {os.getpid()} on {os.uname().nodename}".encode())
    return ""
