"""Signals that ask a process to end: noted where work can be saved, and obeyed when it is."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import hepaflow
from hepaflow.training.interruption import ASKING, Interruption

WORK = """
import os, signal, sys
from hepaflow.training.interruption import Interruption
if sys.argv[2] == "ignored":
    signal.signal(int(sys.argv[1]), signal.SIG_IGN)
with Interruption() as interruption:
    for _ in range(2 if sys.argv[2] == "twice" else 1):
        os.kill(os.getpid(), int(sys.argv[1]))
    print("saved", interruption.asked, flush=True)
print("went on")
"""


def work(number: int, how: str = "once") -> tuple[int, str]:
    """Send a signal to a process that saves its work; return how it ended and what it said."""
    ended = subprocess.run(
        [sys.executable, "-c", WORK, str(int(number)), how],
        env={**os.environ, "PYTHONPATH": str(Path(hepaflow.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout


@pytest.mark.parametrize("number", ASKING)
def test_work_is_saved_and_the_process_ends(number: int) -> None:
    assert work(number) == (-signal.SIGTERM, "saved True\n")


def test_ctrl_c_twice_ends_at_once() -> None:
    assert work(signal.SIGINT, "twice") == (-signal.SIGTERM, "")


def test_sigterm_twice_is_sigterm() -> None:
    assert work(signal.SIGTERM, "twice") == (-signal.SIGTERM, "saved True\n")


def test_what_is_ignored_stays_ignored() -> None:
    """As under nohup."""
    assert work(signal.SIGHUP, "ignored") == (0, "saved False\nwent on\n")


def test_handlers_are_put_back() -> None:
    before = {number: signal.getsignal(number) for number in ASKING}
    with Interruption():
        assert signal.getsignal(signal.SIGHUP) != before[signal.SIGHUP]
    assert {number: signal.getsignal(number) for number in ASKING} == before
