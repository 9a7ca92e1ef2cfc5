"""States of finished trainings: removed, but never under a job that uses them, and nothing else with them."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hepaflow.jobs.states import remove_states

HOLD = """
import fcntl, sys
file = open(sys.argv[1], "rb+")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Return weights with a state beside them, and with that of another network."""
    for name in ("net", "other"):
        (tmp_path / f"{name}.training").mkdir()
        for file in ("lock", "state.safetensors"):
            (tmp_path / f"{name}.training" / file).write_bytes(b"1")
    (tmp_path / "net.safetensors").write_bytes(b"weights")
    return tmp_path / "net.safetensors"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_state_goes_and_nothing_else(weights: Path) -> None:
    remove_states([weights, weights.with_name("never.safetensors")])
    assert names(weights.parent) == ["net.safetensors", "other.training"]


def test_a_state_in_use_stays(weights: Path) -> None:
    lock = weights.with_suffix(".training") / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        remove_states([weights])
        holder.kill()
    assert names(weights.with_suffix(".training")) == ["lock", "state.safetensors"]


@pytest.mark.parametrize(("number", "stays"), [(errno.EACCES, True), (errno.EAGAIN, True), (errno.ENOLCK, False)])
def test_a_lock_is_held_whatever_the_system_calls_that(
    weights: Path, monkeypatch: pytest.MonkeyPatch, number: int, stays: bool
) -> None:
    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "lockf", refused)
    remove_states([weights])
    assert weights.with_suffix(".training").exists() == stays


def test_without_weights_the_state_stays(weights: Path) -> None:
    weights.unlink()
    remove_states([weights])
    assert names(weights.with_suffix(".training")) == ["lock", "state.safetensors"]


def test_a_state_that_cannot_be_removed_is_told(
    weights: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(os, "unlink", refused)
    remove_states([weights])
    assert "Permission denied" in caplog.text
