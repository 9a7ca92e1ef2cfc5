"""Faults of the machine are told with what to do; whatever else goes wrong is not taken for one."""

import errno
import os
import subprocess
import sys

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
