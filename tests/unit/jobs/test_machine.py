"""Faults of the machine are told with what to do; whatever else goes wrong is not taken for one."""

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors import SafetensorError

from hepaflow.jobs.machine import fault_of


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "no space left on the disk"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "no permission"),
        (errno.EMFILE, "too many open files"),
        (errno.EIO, "disk that fails"),
        (errno.EFBIG, "ulimit -f"),
        (errno.ENAMETOOLONG, "shorten the path"),
        (errno.ESTALE, "does not answer"),
        (errno.ENOTCONN, "does not answer"),
        (errno.ETIMEDOUT, "does not answer"),
    ],
)
def test_files(number: int, words: str) -> None:
    fault = fault_of(OSError(number, os.strerror(number), "a.npz"))
    assert fault is not None
    for part in (words, "file: a.npz", "expected: ", "what to do: ", "run Snakemake again"):
        assert part in str(fault)


def test_no_space_as_libraries_in_rust_tell_it() -> None:
    error = SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
    assert "no space left on the disk" in str(fault_of(error))


SHARED = "unable to allocate shared memory(shm) for file </torch_7_1_0>: No space left on device (28)"
TOO_MANY = "Too many open files (24)"
BUS_ERROR = (
    "DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that dataloader's workers are out "
    "of shared memory. Please try to raise your shared memory limit."
)
WRAPPED = "Caught {} in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n{}"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError(SHARED), ("no space left in shared memory (/dev/shm)", "--shm-size", "workers: 0")),
        (
            RuntimeError(WRAPPED.format("RuntimeError", f"RuntimeError: {SHARED}")),
            ("in shared memory", "--ipc=host"),
        ),
        (RuntimeError(BUS_ERROR), ("in shared memory", "--shm-size")),
        (RuntimeError("DataLoader worker (pid(s) 7) exited unexpectedly"), ("was killed", "shared memory")),
        (
            RuntimeError(
                "unable to open shared memory object </torch_7> in read-write mode: Too many open files (24)"
            ),
            ("too many open files",),
        ),
        (OSError(WRAPPED.format("OSError", "OSError: [Errno 5] Input/output error: 'a'")), ("disk that fails",)),
        (OSError(WRAPPED.format("OSError", "OSError: [Errno 28] No space left on device")), ("on the disk",)),
        (RuntimeError("unable to mmap 8 bytes from file <a>: Cannot allocate memory (12)"), ("no memory left",)),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), ("no memory left",)),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), ("no more processes", "ulimit -u")),
        (RuntimeError("can't start new thread"), ("no more processes or threads",)),
    ],
)
def test_what_torch_and_its_processes_tell(error: Exception, words: tuple[str, ...]) -> None:
    told = str(fault_of(error))
    for part in (*words, "what to do: ", "run Snakemake again"):
        assert part in told


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, int]]:
    """Return free MiB and free names of file systems by their folder, to be filled; all else has room."""
    found: dict[str, tuple[int, int]] = {}
    stat = Path.stat

    def told(folder: Path) -> Any:
        if str(folder) not in found:
            return SimpleNamespace(f_bavail=1 << 30, f_frsize=1, f_blocks=1 << 30, f_files=9, f_favail=9)
        free, names = found[str(folder)]
        return SimpleNamespace(f_bavail=free << 20, f_frsize=1, f_blocks=64 << 20, f_files=9, f_favail=names)

    def with_own_device(self: Path, **more: bool) -> Any:
        real = stat(self, **more)
        return SimpleNamespace(st_dev=hash(str(self)), st_mode=real.st_mode) if str(self) in found else real

    monkeypatch.setattr(os, "statvfs", told)
    monkeypatch.setattr(Path, "stat", with_own_device)
    return found


@pytest.mark.parametrize(
    ("full", "expected"),
    [
        ({"out": (0, 9)}, "out: 0 of 64 MiB free)"),
        ({"/dev/shm": (0, 9)}, "/dev/shm, the shared memory: 0 of 64 MiB free)"),
        ({"out": (30, 0)}, "out: no more files (inodes), 30 of 64 MiB free)"),
        ({"temporary": (0, 9), "out": (0, 9)}, "temporary: 0 of 64 MiB free)"),
    ],
)
def test_no_space_is_told_by_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sizes: dict[str, tuple[int, int]], full: Any, expected: str
) -> None:
    for name in ("out", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    sizes |= {name if name.startswith("/") else str(tmp_path / name): size for name, size in full.items()}
    found = str(fault_of(OSError(errno.ENOSPC, "full"), [tmp_path / "out", tmp_path / "out/none"]))
    assert "found: no space left on the disk (" in found
    assert expected in found


def test_a_full_place_is_that_of_the_file_where_it_is_known(
    tmp_path: Path, sizes: dict[str, tuple[int, int]]
) -> None:
    (tmp_path / "a").mkdir()
    sizes |= {str(tmp_path / "a"): (0, 9), "/dev/shm": (0, 9)}
    found = str(fault_of(OSError(errno.ENOSPC, "full", str(tmp_path / "a/b.npz"))))
    assert f"({tmp_path / 'a'}: 0 of 64 MiB free)" in found


def raised(hidden: bool) -> ValueError:
    """An error that was raised from a full disk, or while that was handled and hidden."""
    try:
        raise OSError(errno.ENOSPC, "full")
    except OSError as error:
        made = ValueError("cannot save")
        made.__cause__ = None if hidden else error
        made.__context__, made.__suppress_context__ = error, hidden
        return made


def test_what_an_error_was_raised_from_counts() -> None:
    assert "no space left" in str(fault_of(raised(hidden=False)))
    assert fault_of(raised(hidden=True)) is None


LIMITED = """
import resource, torch, numpy
from hepaflow.jobs.machine import fault_of
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 28),) * 2)
for take in (lambda: numpy.ones(1 << 28), lambda: torch.ones(1 << 28), lambda: bytearray(1 << 31)):
    try:
        take()
    except Exception as error:
        print(fault_of(error))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="address space can be limited on Linux alone")
def test_memory() -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True)
    assert done.stdout.count("found: no memory left") == 3


def test_memory_of_a_gpu() -> None:
    assert "no memory left" in str(fault_of(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")))


def test_a_process_that_loads_slices() -> None:
    error = RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed.")
    assert "was killed" in str(fault_of(error))


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        RuntimeError("shapes differ"),
        FileNotFoundError(errno.ENOENT, "gone"),
        KeyError("a"),
        None,
    ],
)
def test_anything_else_is_no_fault_of_the_machine(error: BaseException | None) -> None:
    assert fault_of(error) is None
