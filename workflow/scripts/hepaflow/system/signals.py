"""The end that a user, a terminal or a queue asks of a command: SIGINT, SIGHUP, SIGTERM."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGHUP", "SIGTERM") if hasattr(signal, name)
)  # Windows has no terminal that hangs up


class EndedError(BaseException):
    """A signal came that asks for the end; like KeyboardInterrupt, no handler of errors takes it for one.

    Attributes
    ----------
    name : str
    status : int
        Exit status of a process that the signal has ended, as shells count: 128 and its number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.name = signal.Signals(number).name
        self.status = 128 + number


class Ending:
    """While entered, the first signal that asks for the end is raised as `EndedError`, so that all is put away.

    Those that come after it do not disturb that. A signal that is ignored, as SIGHUP under `nohup`, stays so.

    Examples
    --------
    >>> with Ending() as ending:
    ...     ending.check()
    """

    def __init__(self) -> None:
        self._number = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Ending":
        for number in ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise what a library may have swallowed."""
        if self._number:
            raise EndedError(self._number)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if not self._number:
            self._number = number
            raise EndedError(number)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let signals that ask for the end wait until a step is done that must not be left in its middle.

    They are noted, not blocked: what one thread blocks, the process receives in another, and Python answers it
    in the main thread all the same.
    """
    if threading.current_thread() is not threading.main_thread():  # which no signal disturbs
        yield
        return
    waiting: list[int] = []
    before = {
        number: signal.signal(number, lambda number, frame: waiting.append(number))
        for number in ENDING
        if signal.getsignal(number) not in (signal.SIG_IGN, None)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if waiting:
            signal.raise_signal(waiting[0])
