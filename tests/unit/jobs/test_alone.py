"""Jobs that make the same result: one waits for the other, and is refused where that takes long."""

import errno
import fcntl
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hepaflow.errors import UserError
from hepaflow.jobs import alone
from hepaflow.jobs.alone import keep_others_out, lock_of

OTHER = """
import sys
from pathlib import Path
from hepaflow.jobs.alone import keep_others_out
keep_others_out(Path(sys.argv[1]))
print("alone", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "records/net.json"


@pytest.fixture
def other(record: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that a dead Snakemake has left, and that makes the same result."""
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER, str(record)],
        env={**os.environ, "PYTHONPATH": str(Path(alone.__file__).parents[2])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "alone\n"
    yield process
    process.kill()
    process.communicate()


def test_a_job_waits_for_another_one(
    record: Path, other: "subprocess.Popen[str]", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    threading.Timer(1.5, other.kill).start()
    began = time.monotonic()
    keep_others_out(record)
    assert 1 < time.monotonic() - began < 10
    assert f"waiting for process {other.pid} on " in caplog.text
    assert f"process {os.getpid()} on " in lock_of(record).read_text()


def test_a_job_that_waits_long_is_refused(
    record: Path, other: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alone, "PATIENCE", 0.0)
    with pytest.raises(UserError, match=rf"same result: process {other.pid} on (.*\n)*what to do: end it"):
        keep_others_out(record)


def test_jobs_of_other_results_do_not_wait(record: Path, other: "subprocess.Popen[str]") -> None:
    keep_others_out(record.with_name("another.json"))


def test_a_file_system_without_locks_is_told(
    record: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def without(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "lockf", without)
    keep_others_out(record)
    assert "has no locks" in caplog.text
