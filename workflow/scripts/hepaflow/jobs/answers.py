"""Answers of other programs, within a time that is kept even where they cannot be ended."""

import subprocess
from collections.abc import Sequence
from contextlib import suppress

_TO_END = 1.0
"""Seconds in which a program that was killed is gone, unless the system itself waits for a device in it."""


def answer(command: Sequence[str], patience: float) -> subprocess.CompletedProcess[str]:
    """Run a program, and return its status and what it printed.

    Unlike `subprocess.run`, which waits without end for a program that it has killed: one that waits for a driver
    or a file server cannot be killed.

    Parameters
    ----------
    command : sequence of str
    patience : float
        Seconds in which it has to end.

    Raises
    ------
    subprocess.TimeoutExpired
        If it has not. It is killed, or left behind where that does nothing.
    OSError
        If it cannot be started.
    """
    asked = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    try:
        told, wrong = asked.communicate(timeout=patience)
    except BaseException:
        asked.kill()
        with suppress(subprocess.TimeoutExpired):
            asked.wait(_TO_END)
        raise
    finally:
        for pipe in filter(None, (asked.stdout, asked.stderr)):
            pipe.close()
    return subprocess.CompletedProcess(command, asked.returncode, told, wrong)
