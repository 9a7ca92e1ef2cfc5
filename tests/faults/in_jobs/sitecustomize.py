"""Faults inside of jobs. Python imports this at its start where this folder is in PYTHONPATH.

HEPAFLOW_FAULT names the fault, HEPAFLOW_FAULT_FOLDER a folder of marks: each place is struck but once.

jobs: every output, when a job opens it for writing; a few bytes are in it when SIGKILL or SIGTERM ends the job.
snakemake: the first output in every folder of results; SIGKILL ends the job, Snakemake and all other jobs.
full: the first output in every folder of results; HEPAFLOW_FAULT_FILLER then takes all the space of its disk,
until the next process starts.
"""

import builtins
import io
import os
import re
import signal
import time
import zlib
from typing import Any

FAULT = os.environ.get("HEPAFLOW_FAULT", "")
MARKS = os.environ.get("HEPAFLOW_FAULT_FOLDER", "")
FILLER = os.environ.get("HEPAFLOW_FAULT_FILLER", "")

_OUTPUT = re.compile(r"results/[^/]+/(?!logs/|records/|\.contents/|.*\.sha256|.*\.training/)[^/]+/.*[^/]")
_BESIDE = re.compile(r"/\.unfinished-[^/]+/")
"""Where an output is written before it takes its name."""
_open = io.open


def _first(mark: str) -> bool:
    try:
        os.close(os.open(os.path.join(MARKS, mark.replace("/", "+")), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def _fill() -> None:
    """Take all the space of the disk that the filler lies on."""
    with _open(FILLER, "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(1 << 16))
        except OSError:
            try:
                while True:
                    filler.write(bytes(16))
            except OSError:
                return


def _strike(path: str, handle: Any, mode: str) -> None:
    if FAULT == "full":
        if _first(path.split("/")[2]):
            _fill()
        return
    half = b"half" if "b" in mode else "half"
    if FAULT == "jobs" and _first(path):
        handle.write(half)
        handle.flush()
        os.kill(os.getpid(), signal.SIGKILL if zlib.crc32(path.encode()) & 1 else signal.SIGTERM)
        time.sleep(1)
        handle.seek(0)  # a training that is asked to end finishes what it is about, and goes on here
        handle.truncate()
    elif FAULT == "snakemake" and _first(path.split("/")[2]):
        handle.write(half)
        handle.flush()
        os.killpg(os.getpgid(0), signal.SIGKILL)


def _opened(file: Any, mode: str = "r", *arguments: Any, **keywords: Any) -> Any:
    handle = _open(file, mode, *arguments, **keywords)
    if ("w" in mode or "x" in mode) and isinstance(file, str | os.PathLike):
        path = os.fspath(file)
        if isinstance(path, str) and (found := _OUTPUT.search(_BESIDE.sub("/", path))):
            _strike(found[0], handle, mode)
    return handle


if FAULT:
    if FILLER and os.path.exists(FILLER):
        os.unlink(FILLER)
    io.open = builtins.open = _opened
