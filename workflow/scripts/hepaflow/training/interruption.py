"""The end that a queue or a user asks of a process: SIGTERM, Ctrl-C, a closed terminal."""

import os
import signal
from types import FrameType
from typing import Any, NoReturn

ASKING = tuple(
    getattr(signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGXCPU", "SIGUSR1", "SIGUSR2")
    if hasattr(signal, name)
)
"""Signals that ask a process to end. Before they kill, Grid Engine and LSF send SIGUSR2, SIGXCPU or SIGINT."""


class Interruption:
    """While entered, a signal that asks to end is noted, and ends the process only when it says that it is ready.

    A queue sends SIGTERM before the time limit, at a cancellation and before a preemption, and kills half a
    minute later. Ctrl-C goes to all processes of a terminal, SIGHUP when it closes; a second Ctrl-C ends the
    process at once. Elsewhere in the program these signals do what they always do. What a process was started
    to ignore (`nohup`), it ignores here as well.

    Examples
    --------
    >>> with Interruption() as interruption:
    ...     interruption.asked
    False
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}
        self._by_hand = False

    def __enter__(self) -> "Interruption":
        for number in ASKING:
            if signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        if self.asked:  # too late to be looked at, but a process must not go on after it
            self.end()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self._by_hand:
            self.end()
        self._by_hand |= number == signal.SIGINT
        self.asked = True

    @staticmethod
    def end() -> NoReturn:
        """End this process as SIGTERM would have: no handler, caller or waiting thread keeps it alive."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("a process cannot outlive its SIGTERM")


def ignore() -> None:
    """Leave such signals to the parent process: for helpers that it needs to the end, and that end with it."""
    for number in ASKING:
        signal.signal(number, signal.SIG_IGN)
