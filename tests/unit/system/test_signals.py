"""Signals that ask for the end are raised once, and wait where a step must not be left in its middle."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread

import pytest

from hepaflow.system.signals import ENDING, EndedError, Ending, undisturbed


def _send(number: int) -> None:
    os.kill(os.getpid(), number)


def _ended(work: Callable[[Ending], None]) -> EndedError:
    """Return the end of something that is entered."""
    try:
        with Ending() as ending:
            work(ending)
    except EndedError as ended:
        return ended
    raise AssertionError("went on")


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_is_raised_and_tells_its_status(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    ended = _ended(lambda _: _send(number))
    assert (ended.name, ended.status) == (number.name, 128 + number)
    assert signal.getsignal(number) is before


def test_no_handler_of_errors_takes_it_for_one() -> None:
    def work(_: Ending) -> None:
        with suppress(Exception):
            _send(signal.SIGTERM)

    assert _ended(work).name == "SIGTERM"


def test_a_second_signal_does_not_disturb_the_putting_away() -> None:
    put_away = []

    def work(_: Ending) -> None:
        try:
            _send(signal.SIGTERM)
        finally:
            _send(signal.SIGINT)
            put_away.append("all")

    assert _ended(work).name == "SIGTERM"
    assert put_away == ["all"]


def test_what_a_library_swallows_is_raised_at_the_next_look() -> None:
    def work(ending: Ending) -> None:
        with suppress(BaseException):
            _send(signal.SIGHUP)
        ending.check()

    assert _ended(work).name == "SIGHUP"


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with Ending() as ending:
            _send(signal.SIGHUP)
            ending.check()
    finally:
        signal.signal(signal.SIGHUP, before)


def _step(done: list[str]) -> Callable[[Ending], None]:
    def work(_: Ending) -> None:
        with undisturbed():
            _send(signal.SIGTERM)
            time.sleep(0.01)
            done.append("all")

    return work


def test_a_step_is_done_to_its_end() -> None:
    done: list[str] = []
    assert _ended(_step(done)).name == "SIGTERM"
    assert done == ["all"]


def test_a_step_is_done_to_its_end_whichever_thread_receives_the_signal() -> None:
    done: list[str] = []
    over = Event()
    other = Thread(target=over.wait)
    other.start()
    try:
        assert _ended(_step(done)).name == "SIGTERM"
    finally:
        over.set()
        other.join()
    assert done == ["all"]


def test_a_step_of_another_thread_leaves_signals_to_the_main_one() -> None:
    done: list[str] = []
    other = Thread(target=lambda: _step(done)(Ending()))

    def work(_: Ending) -> None:
        other.start()
        other.join()

    assert _ended(work).name == "SIGTERM"
    other.join()
    assert done == ["all"]
