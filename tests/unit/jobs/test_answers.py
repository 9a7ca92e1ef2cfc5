"""Answers of other programs: what they print, and no longer than promised."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from hepaflow.jobs.answers import answer

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_an_answer_is_returned() -> None:
    code = r"import sys; sys.stdout.buffer.write(b'a\xff\n'); print('b', file=sys.stderr); sys.exit(3)"
    got = answer([sys.executable, "-c", code], 60)
    assert (got.returncode, got.stdout, got.stderr) == (3, "a\ufffd\n", "b\n")


def test_a_question_gets_no_answer() -> None:
    assert answer([sys.executable, "-c", "print(open(0).read())"], 60).stdout == "\n"


def test_a_program_that_takes_too_long_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    killed = []
    kill = subprocess.Popen.kill
    monkeypatch.setattr(subprocess.Popen, "kill", lambda asked: (killed.append(asked), kill(asked)))
    with pytest.raises(subprocess.TimeoutExpired):
        answer(SLEEP, 0.3)
    assert [asked.returncode for asked in killed] == [-signal.SIGKILL]


@pytest.fixture
def left() -> Iterator[list[int]]:
    numbers: list[int] = []
    yield numbers
    for number in numbers:
        os.kill(number, signal.SIGKILL)
        os.waitpid(number, 0)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_program_that_cannot_be_killed_is_left_behind(monkeypatch: pytest.MonkeyPatch, left: list[int]) -> None:
    monkeypatch.setattr(subprocess.Popen, "kill", lambda asked: left.append(asked.pid))
    began = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        answer(SLEEP, 0.3)
    assert len(left) == 1
    assert time.monotonic() - began < 30


def test_a_program_that_is_not_there_is_told() -> None:
    with pytest.raises(FileNotFoundError):
        answer(["/nowhere/tool"], 1)
