"""What a program says is passed on, to a terminal as from one, until it is hushed."""

import os
import subprocess
import sys
import termios
import time
from collections.abc import Iterator

import pytest

from hepaflow.system.relay import Relay

SIZE = (33, 77)


@pytest.fixture(params=["pipe", "terminal"])
def output(request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """Where the relay writes to, and where that can be read."""
    read, write = os.pipe() if request.param == "pipe" else os.openpty()
    if request.param == "terminal":
        termios.tcsetwinsize(write, SIZE)
    yield write, read
    for end in (read, write):
        os.close(end)


def said(relay: Relay, code: str) -> subprocess.Popen[bytes]:
    program = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=relay.end)
    relay.start()
    return program


def read_to(output: int, last: bytes) -> bytes:
    """Read until some words have come: a terminal hands on what is written in as many pieces as it likes."""
    told = b""
    while last not in told:
        told += os.read(output, 1000)
    return told


def test_words_are_passed_on_as_they_are_and_a_terminal_keeps_its_size(output: tuple[int, int]) -> None:
    write, read = output
    relay = Relay(write)
    code = "import os, sys; print(sys.stdout.isatty()); print(sys.stdout.isatty() and (*os.get_terminal_size(),))"
    with said(relay, code) as program:
        program.communicate(timeout=60)
    relay.finish()
    told = read_to(read, b")" if os.isatty(write) else b"False\nFalse\n").split()
    if os.isatty(write):
        assert b" ".join(told) == f"True ({SIZE[1]}, {SIZE[0]})".encode()
    else:
        assert told == [b"False", b"False"]


def test_after_the_hush_nothing_is_passed_on(output: tuple[int, int]) -> None:
    write, read = output
    relay = Relay(write)
    with said(relay, "print('before', flush=True); input(); print('after')") as program:
        told = read_to(read, b"before\n" if not os.isatty(write) else b"\n")
        relay.hush()
        program.communicate(b"\n", timeout=60)
    relay.finish()
    assert told.strip() == b"before"
    os.write(write, b"end\n")
    assert read_to(read, b"end").strip() == (b"\x1b[?25h\x1b[0mend" if os.isatty(write) else b"end")


def test_a_program_goes_on_where_nobody_reads_it() -> None:
    read, write = os.pipe()
    os.close(read)
    relay = Relay(write)
    with said(relay, "print('x' * 1000000); print('y' * 1000000)") as program:
        program.communicate(timeout=60)
    relay.finish()
    os.close(write)
    assert program.returncode == 0


def test_what_outlives_a_program_is_not_waited_for() -> None:
    read, write = os.pipe()
    relay = Relay(write)
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(8)'])"
    with said(relay, code) as program:
        program.communicate(timeout=60)
    began = time.monotonic()
    relay.finish()
    assert time.monotonic() - began < 6
    for end in (read, write):
        os.close(end)
