"""The end that a queue or a user asks of a process: SIGTERM."""

import os
import signal
from types import FrameType
from typing import Any, NoReturn


class Interruption:
    """While entered, SIGTERM is noted, and ends the process only when it says that it is ready.

    A queue sends SIGTERM before the time limit, at a cancellation and before a preemption, and kills half a
    minute later. Elsewhere in the program SIGTERM ends the process at once, as always.

    Examples
    --------
    >>> with Interruption() as interruption:
    ...     interruption.asked
    False
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = signal.SIG_DFL

    def __enter__(self) -> "Interruption":
        self._before = signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, self._before)
        if self.asked:  # too late to be looked at, but a process must not go on after it
            self.end()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = True

    @staticmethod
    def end() -> NoReturn:
        """End this process as the signal would have: no handler, caller or waiting thread keeps it alive."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("a process cannot outlive its SIGTERM")


def ignore() -> None:
    """Leave SIGTERM to the parent process: for helpers that it needs to the end, and that end with it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
