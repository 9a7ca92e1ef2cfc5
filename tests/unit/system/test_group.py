"""A program and its processes end as one, where this process is asked to end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

SAYING = """
import os
def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())
"""
"""Writes whole lines: `print` may write parts of them, between others' parts, and fails within a handler that came
while it was writing."""

CALLER = f"""{SAYING}
import sys
from hepaflow.system.group import run_group
ended = run_group([sys.executable, "-c", sys.argv[1]], asked=lambda: say("asked"),
                  beat=lambda seconds: say("beat"), every=0.05)
say(*ended)
"""
"""Calls a program, and says what `run_group` returns."""

PROGRAM = f"""{SAYING}
import signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)"],
                         stdout=subprocess.PIPE)
child.stdout.readline()
def end(number, frame):
    say("ends", signal.Signals(number).name, child.wait())
    {{and_then}}
signal.signal(signal.SIGTERM, end)
say("ready", os.getpgid(0), os.getpgid(child.pid))
time.sleep(60)
"""
"""Has a process of its own, and waits for its end when it is asked to end."""


def calling(program: str) -> subprocess.Popen[str]:
    """Call a program as one in a terminal: Ctrl-C reaches the group of the caller."""
    return subprocess.Popen(
        [sys.executable, "-c", CALLER, program], stdout=subprocess.PIPE, text=True, process_group=0
    )


def until(lines: IO[str], start: str) -> str:
    """Read until a line begins so; return it."""
    return next(line for line in lines if line.startswith(start))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_lets_all_of_the_group_end_in_order(number: signal.Signals) -> None:
    with calling(PROGRAM.format(and_then="sys.exit(3)")) as caller:
        assert caller.stdout
        _, own, others = until(caller.stdout, "ready").split()
        assert own == others != str(caller.pid)
        os.killpg(caller.pid, number)
        told = [line for line in caller.stdout.read().splitlines() if line != "beat"]
        assert sorted(told) == [f"3 {number:d}", "asked", f"ends SIGTERM {-signal.SIGTERM}"]
        assert caller.wait() == 0


def test_the_second_signal_kills() -> None:
    with calling(PROGRAM.format(and_then="time.sleep(60)")) as caller:
        assert caller.stdout
        until(caller.stdout, "ready")
        os.killpg(caller.pid, signal.SIGINT)
        until(caller.stdout, "ends")
        began = time.monotonic()
        os.killpg(caller.pid, signal.SIGINT)
        assert until(caller.stdout, "-").split() == [str(-signal.SIGKILL), str(signal.SIGINT.value)]
        assert time.monotonic() - began < 30


def test_what_is_hushed_says_nothing_after_the_first_signal() -> None:
    hushing = CALLER.replace("every=0.05", "hushed=True")
    program = PROGRAM.format(and_then="sys.exit(3)")
    with subprocess.Popen(
        [sys.executable, "-c", hushing, program], stdout=subprocess.PIPE, text=True, process_group=0
    ) as caller:
        assert caller.stdout
        until(caller.stdout, "ready")
        os.killpg(caller.pid, signal.SIGINT)
        assert caller.stdout.read().splitlines() == ["asked", f"3 {signal.SIGINT:d}"]


def test_without_a_signal_it_is_called_now_and_then_until_the_end() -> None:
    with calling("import time; time.sleep(0.5)") as caller:
        assert caller.stdout
        *beats, last = caller.stdout.read().splitlines()
        assert set(beats) == {"beat"}
        assert last == "0 0"


def test_a_lock_lasts_as_long_as_the_program(tmp_path: Path) -> None:
    from hepaflow.system.group import run_group

    with (tmp_path / "lock").open("w") as lock:
        code = f"import os; os.write({lock.fileno()}, b'open')"
        assert run_group([sys.executable, "-c", code], asked=list, inherited=[lock.fileno()]) == (0, 0)
    assert (tmp_path / "lock").read_text() == "open"
