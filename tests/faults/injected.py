"""Whole runs with faults: see `in_jobs/sitecustomize.py` for how they come into the jobs."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from smoke_run import Checkout

INJECTED = Path(__file__).parent / "in_jobs"

WITH_TIMES = ("records", "logs", ".contents")
"""Folders of a run in which times, durations and inodes stand."""
NAMES_WITH_TIMES = (
    *("provenance.csv", "provenance.html", "networks.csv", "networks.html"),
    *("report.html", "summary.html", "hepaflow-model.zip"),
)


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"} | more


def start(run: Checkout, log: Path, *arguments: str, fault: str = "", marks: Path | None = None, **more: str):  # type: ignore[no-untyped-def]
    """Start Snakemake, with a fault in its jobs; it leads a group of processes."""
    if fault:
        assert marks is not None
        marks.mkdir(exist_ok=True)
        more |= {
            "HEPAFLOW_FAULT": fault,
            "HEPAFLOW_FAULT_FOLDER": str(marks),
            "PYTHONPATH": str(INJECTED),
        }
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments, "--configfile", "config/smoke.yaml"]
    with open(log, "a") as out:
        return subprocess.Popen(
            command, cwd=run.folder, env=environment(**more), stdout=out, stderr=out, start_new_session=True
        )


def end(process: "subprocess.Popen[bytes]") -> None:
    """End Snakemake and all its jobs, if they still run."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def outcomes(run: Checkout) -> dict[str, bytes]:
    """Return every result of a run that must not differ from another run's."""
    results = run.folder / "results/smoke"
    return {
        str(path.relative_to(results)): content(path)
        for path in sorted(results.rglob("*"))
        if path.is_file()
        and path.relative_to(results).parts[0] not in WITH_TIMES
        and path.name not in NAMES_WITH_TIMES
        and not {".sha256"} & set(path.parts)
        and ".unfinished-" not in str(path)  # of a process that was killed
    }


def content(path: Path) -> bytes:
    """Return a file's bytes; of a history of training all but the seconds."""
    if path.name.endswith(".history.csv"):
        return b"\n".join(line.rpartition(b",")[0] for line in path.read_bytes().splitlines())
    return path.read_bytes()


def same(run: Checkout, undisturbed: Checkout) -> None:
    own, other = outcomes(run), outcomes(undisturbed)
    assert sorted(own.keys() ^ other.keys()) == []
    assert [name for name in own if own[name] != other[name] and not name.startswith("figures/training")] == []


@contextmanager
def disk(folder: Path, size: str) -> Iterator[None]:
    """Put a small disk of its own below a folder; root alone can."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here ({mounted.stderr.decode().strip()})")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
