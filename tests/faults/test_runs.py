"""Faults in whole runs: each ends, after another try, with the bytes of the run that nothing disturbed."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from cases import GOES_ON, STOPS, Case, Table, Tell, neutral
from injected import disk, end, outcomes, same, start
from light import Light
from test_screen import told

pytestmark = pytest.mark.slow

JOBS = Case("SIGKILL or SIGTERM to every job while it writes, for each output of a whole run", GOES_ON)
SNAKEMAKE = Case("SIGKILL to Snakemake and all jobs, in every stage, then `--unlock` and another run", GOES_ON)
ASKED = Case("SIGTERM to Snakemake, then another run", GOES_ON)
FULL = Case("disk full in every stage, then space, and another try", GOES_ON, ("no space left on the disk",))
READ_ONLY = Case("results on a read-only file system", STOPS, ("Write-protected output files",))
TWO = Case("two runs in one folder at once", STOPS, ("cannot be locked",))
CLOCK = Case(
    "clock set back by a day after the first run, then changed settings",
    STOPS,
    ("a time in the future", "what to do"),
    mended="the message was Snakemake's, after a job had run: a result older than what it is made from",
)
FAILED = Case(
    "changed settings, a job that fails, then another run",
    GOES_ON,
    mended="the second run had nothing to do, and left the results of the old settings: Snakemake does not miss "
    "what a failed job has not made where all that follows from it is still there",
)

RUNS = Table(
    "Faults in runs",
    "Small whole runs, with the fault in every step. Results are compared byte for byte with those of an "
    "undisturbed run.",
    (JOBS, SNAKEMAKE, ASKED, FULL, READ_ONLY, TWO, CLOCK, FAILED),
)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_signals_to_every_job(fresh: Light, undisturbed: Light, tmp_path: Path, tell: Tell) -> None:
    marks = tmp_path / "marks"
    run = start(fresh, tmp_path / "log", "--retries", "20", fault="jobs", marks=marks)
    assert run.wait(1500) == 0, (tmp_path / "log").read_text()
    struck = {path.name.replace("+", "/") for path in marks.iterdir()}
    missed = {f"results/smoke/{name}" for name in outcomes(undisturbed)} - struck
    assert {Path(name).suffix for name in missed} <= {".gz", ".html"}, missed
    same(fresh, undisturbed)
    tell(JOBS, "")


def test_a_dead_snakemake(fresh: Light, undisturbed: Light, tmp_path: Path, tell: Tell) -> None:
    marks = tmp_path / "marks"
    while True:
        run = start(fresh, tmp_path / "log", fault="snakemake", marks=marks)
        ended = run.wait(900)
        if ended == 0:
            break
        assert ended == -signal.SIGKILL, (tmp_path / "log").read_text()
        assert fresh.snakemake("--unlock").returncode == 0
    assert len(list(marks.iterdir())) >= 10
    same(fresh, undisturbed)
    assert fresh.planned() == {}
    tell(SNAKEMAKE, "")


def test_snakemake_is_asked_to_end(fresh: Light, undisturbed: Light, tmp_path: Path, tell: Tell) -> None:
    results = fresh.folder / "results/smoke"
    for wanted in ("preprocessed/liver/one.safetensors", "maps/liver/dense.test.npz"):
        run = start(fresh, tmp_path / "log")
        until = time.monotonic() + 600
        while run.poll() is None and not (results / wanted).exists():
            assert time.monotonic() < until
            time.sleep(0.1)
        run.send_signal(signal.SIGTERM)
        assert run.wait(300) != 0
    ended = fresh.snakemake()
    assert ended.returncode == 0, ended.stdout
    same(fresh, undisturbed)
    tell(ASKED, "")


def test_full_disk(fresh: Light, undisturbed: Light, tmp_path: Path, tell: Tell) -> None:
    marks = tmp_path / "marks"
    with disk(fresh.folder / "results", "256m"):
        run = start(
            fresh,
            tmp_path / "log",
            *("--retries", "4", "--cores", "1"),
            fault="full",
            marks=marks,
            HEPAFLOW_FAULT_FILLER=str(fresh.folder / "results/filler"),
        )
        try:
            ended = run.wait(1500)
        finally:
            end(run)
        told = (tmp_path / "log").read_text()
        assert ended == 0, told
        assert "Traceback" not in told
        stages = sorted(path.name for path in marks.iterdir())
        assert len(stages) >= 10
        assert told.count("hepaflow cannot go on:\nfound: no space left on the disk") >= len(stages)
        same(fresh, undisturbed)
    message = next(part for part in told.split("\n\n") if "hepaflow cannot go on" in part)
    tell(FULL, "; ".join(message.strip().splitlines()))


def test_read_only_results(undisturbed: Light, copied: Light, tmp_path: Path, tell: Tell) -> None:
    results = copied.folder / "results"
    kept = tmp_path / "kept"
    results.rename(kept)
    with disk(results, "256m"):
        subprocess.run(["cp", "-a", f"{kept}/.", str(results)], check=True)
        assert copied.planned() == {}
        subprocess.run(["mount", "-o", "remount,ro", str(results)], check=True)
        copied.configure(postprocessing={"lesion": {"min_area": 3}})
        ended = copied.snakemake()
        assert ended.returncode == 1
        assert "Traceback" not in ended.stdout, ended.stdout
        message = ended.stdout.partition("Exception in rule")[2].partition(":\n")[2].partition("\n")[0]
        subprocess.run(["mount", "-o", "remount,rw", str(results)], check=True)
        copied.configure()
        assert copied.planned() == {}
        same(copied, undisturbed)
    tell(READ_ONLY, re.sub("rule [a-z_]+", "rule ...", message))


def test_two_runs_at_once(copied: Light, undisturbed: Light, tmp_path: Path, tell: Tell) -> None:
    first = start(copied, tmp_path / "log", "--forcerun", "postprocess")
    try:
        until = time.monotonic() + 120
        while not list((copied.folder / ".snakemake/locks").glob("*")):
            assert first.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        second = copied.snakemake()
        assert second.returncode == 1
        assert "Traceback" not in second.stdout, second.stdout
        assert first.wait(600) == 0, (tmp_path / "log").read_text()
    finally:
        end(first)
    same(copied, undisturbed)
    lines = second.stdout.partition("LockException:")[2].replace(str(copied.folder), ".").strip().splitlines()
    tell(TWO, " ".join(line.strip() for line in lines[:6]))


def test_clock_that_was_set_back(copied: Light, tell: Tell) -> None:
    """All that was made is of tomorrow; what is made today would be older than what it is made from."""
    files = [
        path for folder in ("data", "results", "config", "workflow") for path in files_in(copied.folder / folder)
    ]
    tomorrow = time.time() + 86400
    for path in files:
        os.utime(path, (tomorrow, tomorrow))
    assert copied.planned() == {}
    copied.configure(samples={"count": 2})
    planned = copied.planned()
    ended = copied.snakemake()
    assert ended.returncode == 1
    assert "Traceback" not in ended.stdout, ended.stdout
    for path in files:
        if path.exists():
            os.utime(path)
    assert copied.planned() == planned  # nothing of it counts as done
    again = copied.snakemake()
    assert again.returncode == 0, again.stdout
    assert copied.planned() == {}
    message = neutral(told(ended.stdout), copied.folder)
    for volatile, words in (
        (r"\d{4}-\d\d-\d\d \d\d:\d\d\S*", "..."),
        (r"figure_\w+\.rst", "figure_NAME.rst"),
        (r"and \d+ more", "and N more"),
    ):
        message = re.sub(volatile, words, message)
    tell(CLOCK, message)


def test_a_failure_is_not_forgotten(copied: Light, tmp_path: Path, tell: Tell) -> None:
    """Each of these settings begins with one job a stage; all that follows is there from the run before."""
    for number, changed in enumerate(({"fusion": {"solver": "newton"}}, {"samples": {"count": 2}})):
        copied.configure(**changed)
        planned = copied.planned()
        run = start(copied, tmp_path / "log", "--keep-going", fault="jobs", marks=tmp_path / f"marks{number}")
        assert run.wait(600) == 1
        struck = list((tmp_path / f"marks{number}").iterdir())
        assert struck
        assert not any((copied.folder / path.name.replace("+", "/")).exists() for path in struck)
        again = copied.planned()
        assert again.keys() == planned.keys()
        ended = copied.snakemake()
        assert ended.returncode == 0, ended.stdout
        assert copied.planned() == {}
    tell(FAILED, "")
