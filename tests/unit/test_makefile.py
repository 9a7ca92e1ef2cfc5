"""What the Makefile does where somebody waits at a terminal, and where a log is written."""

import os
import pty
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def planned(*arguments: str, terminal: bool = False) -> str:
    """Return what make would do, as it prints it; for a terminal if told to."""
    command = ["make", "--just-print", *arguments]
    if not terminal:
        return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    reader, writer = pty.openpty()
    told = []
    with subprocess.Popen(command, cwd=ROOT, stdout=writer):
        os.close(writer)
        while part := _read(reader):
            told.append(part)
    os.close(reader)
    return b"".join(told).decode()


def _read(reader: int) -> bytes:
    try:
        return os.read(reader, 1 << 16)
    except OSError:  # Linux says so at a terminal's end
        return b""


@pytest.mark.parametrize("terminal", [True, False])
def test_pip_shows_how_far_it_is_on_a_terminal_alone(*, terminal: bool) -> None:
    told = planned("VENV=nowhere", "setup", terminal=terminal)
    (line,) = [line for line in told.splitlines() if "requirements.txt" in line]
    assert ("-qq" in line) != terminal
    assert "6.5 GB" in told


def test_a_reader_that_goes_is_no_error_of_make() -> None:
    for target in ("why", "prune"):
        assert planned("--old-file", ".venv/.locked", target).rstrip().endswith("|| [ $? -eq 141 ]")


def test_the_demo_gets_the_cores_that_it_may_take() -> None:
    told = planned("--old-file", ".venv/.locked", "CORES=2", "demo")
    assert told.strip() == ".venv/bin/python workflow/demo.py --cores 2"
