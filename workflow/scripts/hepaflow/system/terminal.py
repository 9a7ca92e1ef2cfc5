"""A command in a terminal: what becomes of characters it cannot show, of its mistakes, and of its end."""

import io
import logging
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hepaflow.errors import UserError
from hepaflow.system.faults import remedy

STOPPED, NO_READER = 130, 141
"""Exit statuses of the shell: 128 and the number of the signal, SIGINT or SIGPIPE."""


def run_command(command: Callable[[], int | None]) -> int:
    """Run a command, report a user's mistake without a traceback, and return the exit status.

    Characters that the terminal's encoding lacks (the dash of an empty cell, where the locale is C) are written as
    escapes. Ctrl-C, a reader that has gone (`| head`), and what the system refuses (no right, no space, no such
    folder) end the command without a traceback.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = int(command() or 0)
        sys.stdout.flush()
    except UserError as error:
        print(f"hepaflow: error\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("hepaflow: stopped", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it once more at its end
        return NO_READER
    except OSError as error:
        if error.errno is None:
            raise
        found = UserError(
            error.strerror or str(error),
            file=error.filename or "",
            expected="a file or folder that can be read, or written",
            remedy=remedy(error, "correct the path, or make room where it leads"),
        )
        print(f"hepaflow: error\n{found}", file=sys.stderr)
        return 1
    return status


def command_name() -> str:
    """Return how `hepaflow` is called from this shell: by its path, where its environment is not activated."""
    own = Path(sys.executable).with_name("hepaflow")  # not resolved: in an environment, Python itself is a link
    found = shutil.which("hepaflow")
    if found is not None and Path(found).absolute() == own:
        return "hepaflow"
    return str(own.relative_to(Path.cwd())) if own.is_relative_to(Path.cwd()) else str(own)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keep libraries' warnings from the screen: nobody can act on them, and they may quote a patient's headers.

    Where Python is asked for warnings (`-W`, PYTHONWARNINGS) they are shown.
    """
    if sys.warnoptions:
        yield
        return
    last, logging.lastResort = logging.lastResort, None  # what prints messages of loggers that nobody has set up
    shown = logging.root.manager.disable
    logging.disable(max(shown, logging.INFO))  # some libraries set up their own, and tell what they do
    try:
        # Recorded, not only ignored: libraries put filters of their own before ours.
        with warnings.catch_warnings(record=True, action="ignore"):
            yield
    finally:
        logging.lastResort = last
        logging.disable(shown)
