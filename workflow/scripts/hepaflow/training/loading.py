"""Processes that load slices for a training: how many there is room for, and waiting for what they load.

Whatever keeps such a process from handing over a mini-batch (no shared memory, a file system that does not answer)
ends a training with a message. Torch itself would wait for the mini-batch for ever.
"""

import atexit
import logging
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing import active_children
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader, get_worker_info

from hepaflow.errors import UserError
from hepaflow.sampling.protocol import Batch
from hepaflow.training.interruption import ignore

log = logging.getLogger(__name__)

SHARED_MEMORY = Path("/dev/shm")

POLL = 5.0
"""Seconds between two checks of a training that waits for slices."""

PATIENCE = 600.0
"""Seconds after which it stops waiting."""

BYTES = 4
"""Bytes of a pixel, in each channel of an image and in its mask."""

_AHEAD = 2
"""Mini-batches that each process loads ahead; torch's default."""

_SEMAPHORES = 1 << 20
"""Bytes of shared memory that are not mini-batches': a page for each semaphore of the processes."""


def fitting_workers(workers: int, batch: int) -> tuple[int, int]:
    """Return how many loading processes the machine has room for, and how many mini-batches each loads ahead.

    Results do not depend on either.

    Parameters
    ----------
    workers : int
        Processes that are wanted.
    batch : int
        Bytes of the largest mini-batch of all devices together, images and masks.

    Returns
    -------
    workers, ahead : int
        Where there is room, `workers` and 2; else as many as there is room for, after a warning.
    """
    if not workers or sys.platform != "linux":
        return workers, _AHEAD
    if reason := _cannot_hand_over():
        log.warning("slices are loaded in the training process, as others could not hand them over: %s", reason)
        return 0, _AHEAD
    room = _free(SHARED_MEMORY)
    for fewer in range(workers, 0, -1):
        for ahead in (_AHEAD, 1):
            if _needed(fewer, ahead, batch) + _SEMAPHORES <= room:
                if (fewer, ahead) != (workers, _AHEAD):
                    _warn(workers, fewer, batch, room)
                return fewer, ahead
    _warn(workers, 0, batch, room)
    return 0, _AHEAD


def _needed(workers: int, ahead: int, batch: int) -> int:
    """Return the shared memory that mini-batches take: those loaded ahead, the one in use and the next."""
    return (workers * ahead + 2) * batch


def _warn(workers: int, fewer: int, batch: int, room: int) -> None:
    log.warning(
        "%d MiB of shared memory are free (%s), and %d loading processes need %d: going on with %d. To load "
        "faster, give more (`docker run --shm-size=2g`, or `--ipc=host`; in Kubernetes an emptyDir of medium "
        "Memory); or set `compute: {workers: %d}`",
        room >> 20,
        SHARED_MEMORY,
        workers,
        -(-_needed(workers, _AHEAD, batch) // 2**20),
        fewer,
        fewer,
    )


def _free(folder: Path) -> int:
    """Return the free bytes of the file system that a folder lies on; 0 if there is no such folder."""
    try:
        state = os.statvfs(folder)
    except OSError:
        return 0
    return state.f_bavail * state.f_frsize


def _cannot_hand_over() -> str:
    """Return why processes cannot open the sockets by which they hand over memory; empty if they can."""
    try:
        # As multiprocessing does it, in a folder and by a name of the same length.
        with tempfile.TemporaryDirectory(prefix="pymp-") as folder, socket.socket(socket.AF_UNIX) as one:
            one.bind(os.path.join(folder, "listener-xxxxxxxx"))
    except OSError as error:
        return f"{error} (temporary files, TMPDIR={os.environ.get('TMPDIR', '')!r})"
    return ""


def in_shared_memory(batch: Any) -> Any:
    """Move a mini-batch to shared memory in the process that loads it; elsewhere leave it.

    Torch would do so in a thread of that process, and its errors would be lost.
    """
    if get_worker_info() is not None:
        for part in batch:
            part.share_memory_()
    return batch


def begin(worker: int) -> None:
    """Set up a loading process: it ignores signals, and ends if it cannot hand over a mini-batch."""
    ignore()  # a queue sends SIGTERM to all processes of a job; these are needed until the state is saved
    Queue._on_queue_feeder_error = staticmethod(_end)  # type: ignore[attr-defined]


def _end_processes() -> None:
    """End what still loads slices when the training ends by an error.

    Python would send SIGTERM, which these processes ignore, and would wait for ever.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # of torch, which would tell of them as of a second error
    for process in active_children():
        process.kill()


atexit.register(_end_processes)  # before multiprocessing's own, which was registered when it was imported


def _end(error: Exception, batch: Any) -> None:
    print(f"a process that loads slices cannot hand them over: {error}", file=sys.stderr, flush=True)
    os._exit(1)


def _begun(loader: DataLoader[Batch]) -> Iterator[Batch]:
    """Begin an epoch; processes that stay from the last one may take longer to answer than `POLL`."""
    last: Any = loader._iterator
    if last is None:
        return iter(loader)
    last._timeout = PATIENCE
    try:
        return iter(loader)
    finally:
        last._timeout = loader.timeout


def arriving(loader: DataLoader[Batch], waiting: Callable[[float], None]) -> Iterator[Batch]:
    """Yield a loader's mini-batches; call `waiting` every few seconds while there is none.

    Parameters
    ----------
    loader : DataLoader
        With `timeout=POLL`, if it has processes.
    waiting : callable
        Gets the seconds of waiting so far; may end the process.

    Raises
    ------
    UserError
        If a mini-batch does not come within ten minutes.
    """
    batches, began = _begun(loader), time.monotonic()
    while True:
        try:
            batch = next(batches)
        except StopIteration:
            return
        except RuntimeError as error:
            if "DataLoader timed out" not in str(error):
                raise
        else:
            yield batch
            began = time.monotonic()
            continue
        waited = time.monotonic() - began
        waiting(waited)
        if waited > PATIENCE:
            raise UserError(
                f"no training slices for {waited / 60:.0f} minutes",
                expected="mini-batches from the processes that load slices",
                remedy="check that the file system of the slices answers, and run Snakemake again: the training "
                "goes on after its last finished epoch. `compute: {workers: 0}` does without these processes",
            )
