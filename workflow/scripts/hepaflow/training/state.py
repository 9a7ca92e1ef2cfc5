"""The state of an interrupted training, in a side folder beside what it will write.

Snakemake deletes declared outputs before every attempt; this folder is not declared and survives. It is keyed by
all that the training depends on, and written atomically. It outlives the training, whose weights can be lost until
Snakemake knows that its job has ended (`jobs.states`). One job at a time owns it: a queue can start a job again
while what it killed is still ending.
"""

import errno
import fcntl
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from hepaflow.errors import UserError
from hepaflow.training.history import Part
from hepaflow.training.tensors import gathered, put_back

log = logging.getLogger(__name__)

PATIENCE = 120.0
"""Seconds to wait for another job to let go of the folder. Queues kill half a minute after they asked to end."""

_TRIES = 3
"""Times that a state is read before it counts as unreadable."""

_HEADER = "hepaflow"

_FORMAT = 2
"""Number of how a state is written; 1 held the momentum of SGD alone, and no number."""


@dataclass(frozen=True)
class Saved:
    """A state from which a training can go on.

    Attributes
    ----------
    path : Path
    history : list of dict
        The finished epochs.
    part : Part
        What is done of the next epoch.
    computed : list of dict
        Each arithmetic with which it was computed, in order.
    """

    path: Path
    history: list[dict[str, Any]]
    part: Part
    computed: list[dict[str, Any]]


Ask = Callable[[Callable[[], Saved | None]], Saved | None]


class TrainingState:
    """Where one training keeps its network, what its optimiser keeps, and its history after every epoch.

    Parameters
    ----------
    folder : Path
        The side folder; belongs to this training alone.
    key : str
        Digest of everything that the training's result depends on. A state with another key is never used.
    arithmetic : mapping, optional
        What can change last bits, such as devices and threads. A state with another one is used, with a warning.

    Attributes
    ----------
    computed : list of dict
        The arithmetic of all that was computed so far, each with the epoch and mini-batch after which it began.
    """

    def __init__(self, folder: Path, key: str, arithmetic: Mapping[str, Any] | None = None) -> None:
        self._folder, self._key = folder, key
        self._arithmetic = dict(arithmetic or {})
        self.computed = [{"after_epoch": 0, "after_batch": 0, **self._arithmetic}]
        self._current = folder / "state.safetensors"
        self._previous = folder / "previous.safetensors"

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Make the folder, and keep every other job out of it.

        It is a POSIX lock, which NFS and parallel file systems also have, and ends with this process, however it
        dies.

        Raises
        ------
        UserError
            If another job still has the folder after two minutes.
        """
        file = self._lock()
        try:
            for partial in self._folder.glob("partial.*"):  # of jobs that were killed while they saved
                partial.unlink()
            yield
        finally:
            if _absent(self._current) and _absent(self._previous):
                self.delete()
            os.close(file)
            with suppress(OSError):  # NFS keeps a file that was open, and so its folder, until now
                self._folder.rmdir()

    def _lock(self) -> int:
        """Lock the folder; return the open file that holds the lock."""
        path = self._folder / "lock"
        until = time.monotonic() + PATIENCE
        while True:
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            except FileNotFoundError:  # the folder was removed meanwhile
                continue
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EAGAIN):
                    log.warning("%s: this file system has no locks (%s); start no job twice", path, error.strerror)
                    return file
                owner = os.read(file, 1000).decode(errors="replace")
                os.close(file)
                if time.monotonic() > until:
                    raise UserError(
                        f"another job that trains this network: {owner}",
                        expected="one at a time",
                        remedy="wait until it has ended, or end it (`kill`, or `scancel` in SLURM)",
                        file=self._folder,
                    ) from None
                time.sleep(1)
                continue
            if _is(path, file):
                os.truncate(file, 0)
                os.write(file, f"process {os.getpid()} on {os.uname().nodename}{_slurm_job()}".encode())
                return file
            os.close(file)  # the job that had it finished meanwhile, and removed the folder

    def save(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        history: list[dict[str, Any]],
        part: Part | None = None,
        average: nn.Module | None = None,
    ) -> None:
        """Write the state after an epoch, or within one; the one before it is kept until the next.

        Parameters
        ----------
        network : Module
        optimizer : Optimizer
        history : list of dict
            The finished epochs.
        part : Part, optional
            What is done of the next epoch.
        average : Module, optional
            Average of the network's weights so far.
        """
        header = {
            "format": _FORMAT,
            "key": self._key,
            "history": history,
            "part": asdict(part or Part()),
            "computed": self.computed,
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = self._folder / f"partial.{os.getpid()}"
        save_file(gathered(network, optimizer, average), partial, {_HEADER: json.dumps(header)})
        with open(partial, "rb+") as file:
            os.fsync(file.fileno())  # or a machine that dies can leave a file of the right length and no content
        if self._current.exists():
            os.replace(self._current, self._previous)
        os.replace(partial, self._current)

    def newest(self) -> Saved | None:
        """Find the newest usable state; None if the training has to start.

        Raises
        ------
        UserError
            If there is a state that cannot be read, and none that can: to start again would replace it.
        """
        unread: OSError | None = None
        for path in (self._current, self._previous):
            try:
                header = _header(path)
                if header["key"] != self._key:
                    log.info("%s belongs to another recipe and is left aside", path)
                    continue
                if header.get("format") != _FORMAT:
                    log.warning("%s is of another version of hepaflow and is left aside", path)
                    continue
                return Saved(path, header["history"], Part(**header["part"]), header["computed"])
            except FileNotFoundError:
                continue
            except OSError as error:
                log.warning("%s cannot be read (%s); looking for the state before it", path, error)
                unread = unread or error
            except (SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
                log.warning("%s is damaged (%s); looking for the state before it", path, error)
                path.unlink(missing_ok=True)  # or the next save would keep it in the place of the one before
        if unread is not None:
            raise UserError(
                f"the state of an interrupted training, which cannot be read ({unread.strerror})",
                expected="a disk that answers; the state is left as it is",
                remedy="run again when it does: the training goes on. Or delete the folder to start it anew",
                file=self._folder,
            )
        return None

    def load(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        ask: Ask = lambda find: find(),
        average: nn.Module | None = None,
    ) -> tuple[list[dict[str, Any]], Part]:
        """Put the newest usable state into what it was saved of; warn if the arithmetic has changed since.

        Parameters
        ----------
        network : Module
        optimizer : Optimizer
        ask : callable, optional
            Takes the function that finds the state (`newest`), and returns what it finds. One of several processes
            should search, and share the result: on a disk that fails now and then, each might find another state.
        average : Module, optional
            Average of the network's weights, if the training has one.

        Returns
        -------
        history : list of dict
            The finished epochs up to that state; empty if there is none and the training starts.
        part : Part
            What is done of the next epoch.

        Raises
        ------
        UserError
            See `newest`.
        """
        saved = ask(self.newest)
        if saved is None:
            return [], Part()
        with safe_open(saved.path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            put_back(network, optimizer, tensors, average)
        begun = {"after_epoch": len(saved.history), "after_batch": saved.part.batches, **self._arithmetic}
        changes = _changes(saved.computed[-1], begun)
        self.computed = [*saved.computed, begun] if changes else saved.computed
        if changes:
            log.warning(
                "this training began with other arithmetic (%s): last bits will differ from those of a training "
                "that goes on with the same. Delete %s to start it anew",
                "; ".join(changes),
                self._folder,
            )
        return saved.history, saved.part

    def keep_newest(self) -> None:
        """Remove the state before the newest: no epoch follows that could damage it."""
        if self._current.exists():
            self._previous.unlink(missing_ok=True)

    def delete(self) -> None:
        """Remove the side folder."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _header(path: Path) -> dict[str, Any]:
    """Read the header of a state; if the disk fails, try again."""
    for left in reversed(range(_TRIES)):
        try:
            with open(path, "rb") as file:
                # First in full: safetensors reports any file that it cannot open as absent, and a page that it has
                # mapped but cannot read kills the process.
                while file.read(1 << 24):
                    pass
            with safe_open(path, framework="pt") as tensors:
                header: dict[str, Any] = json.loads(tensors.metadata()[_HEADER])
            return header
        except FileNotFoundError:
            raise
        except OSError as error:
            if not left:
                raise
            log.warning("%s: %s; reading it again", path, error.strerror)
            time.sleep(1)
    raise AssertionError("a try succeeds or raises")


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return how the arithmetic of two parts of a training differs."""
    return [
        f"{name}: {before.get(name)} → {now.get(name)}"
        for name in sorted({*before, *now} - {"after_epoch", "after_batch"})
        if before.get(name) != now.get(name)
    ]


def _absent(path: Path) -> bool:
    """Return whether there is certainly no such file; False if the disk does not answer."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def _is(path: Path, file: int) -> bool:
    """Return whether an open file is still the one at a path."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(file))
    except FileNotFoundError:
        return False


def _slurm_job() -> str:
    job = os.environ.get("SLURM_JOB_ID")
    return f", SLURM job {job}" if job else ""
