"""A program with processes of its own, which is asked to end, as a whole, where this one is."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType

from hepaflow.system.relay import Relay
from hepaflow.system.signals import ENDING


def run_group(
    command: Sequence[str],
    *,
    asked: Callable[[], None],
    beat: Callable[[float], None] = lambda _: None,
    every: float = 60,
    inherited: Sequence[int] = (),
    hushed: bool = False,
) -> tuple[int, int]:
    """Run a program as a group of processes, and wait for its end.

    A terminal sends Ctrl-C to all processes at once, whatever they are doing, and others send SIGTERM to one of
    them. The group gets neither. The first signal that asks this process for its end reaches all of the group as
    SIGTERM, which lets each end in order; the second kills them.

    Parameters
    ----------
    command : sequence of str
    asked : callable
        Called within the handler of the first signal, where `print` may fail: write with `os.write`.
    beat : callable, optional
        Called now and then until the program ends or is asked to, with the seconds that it has run.
    every : float, optional
        Seconds from one call to the next.
    inherited : sequence of int, optional
        Descriptors of files that stay open in the program: a lock, say, that is to last as long as it does.
    hushed : bool, optional
        Whether nothing is shown of what the program says after it was asked to end.

    Returns
    -------
    (int, int)
        The program's exit status, and the number of the signal that asked for its end; 0 for none.
    """
    numbers: list[int] = []
    group: list[int] = []
    relays = [Relay(output) for output in (1, 2)] if hushed else []

    def pass_on(number: int, _: FrameType | None) -> None:
        numbers.append(number)
        for relay in relays:
            relay.hush()
        for leader in group:
            with suppress(ProcessLookupError):
                os.killpg(leader, signal.SIGTERM if len(numbers) == 1 else signal.SIGKILL)
        if len(numbers) == 1:
            asked()

    before = {
        number: signal.signal(number, pass_on)
        for number in ENDING
        if signal.getsignal(number) not in (signal.SIG_IGN, None)
    }
    try:
        began = time.monotonic()
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=relays[0].end if relays else None,
            stderr=relays[1].end if relays else None,
            process_group=0,
            pass_fds=tuple(inherited),
        ) as process:
            group.append(process.pid)
            for relay in relays:
                relay.start()
            if numbers:  # it came before there was a group
                os.killpg(process.pid, signal.SIGTERM)
            while True:
                try:
                    status = process.wait(every)
                    break
                except subprocess.TimeoutExpired:
                    if not numbers:
                        beat(time.monotonic() - began)
            for relay in relays:
                relay.finish()
            return status, numbers[0] if numbers else 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
