"""What a start in SLURM's queue does before its first job, with pretended commands of SLURM."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from smoke_run import SMOKE, Checkout

from hepaflow.jobs.orphans import LOCK, NOTE, note_run

DEAD, OTHER = (f"hepaflow_0f3c1d52-6a0e-4a86-9d0e-0c1c7a3b1f1{number}" for number in (1, 2))
ON_SLURM = ("--profile", "profiles/slurm", "--retries", "0", "--slurm-init-seconds-before-status-checks", "1")
TARGET = "results/smoke/exams/one.json"


@pytest.fixture
def queued(fresh: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """Return a project with a queue that shows what is in `queue`, notes what is cancelled, and takes no jobs."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in {
        "squeue": f"cat {tmp_path}/queue",
        "scancel": f'echo "$@" >> {tmp_path}/cancelled; sed -i "/^$1\t/d" {tmp_path}/queue',
        **dict.fromkeys(("sbatch", "sacct", "sacctmgr", "scontrol", "sinfo"), "exit 1"),
    }.items():
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    return fresh


def test_only_jobs_of_an_earlier_run_with_these_results_are_ended(queued: Checkout, tmp_path: Path) -> None:
    lines = [
        (number, run, queued.folder, "rule_train") for number, run in (("7", DEAD), ("8", OTHER), ("9", OTHER))
    ]
    (tmp_path / "queue").write_text("".join("\t".join(map(str, line)) + "\n" for line in lines))
    note_run(queued.folder / "results/smoke", DEAD)
    note_run(queued.folder / "results/other", OTHER)
    told = queued.snakemake(*ON_SLURM, TARGET).stdout
    assert (tmp_path / "cancelled").read_text() == "7\n", told
    assert "2 jobs of another run in this folder" in told
    assert f"`scancel --name {OTHER}`" in told
    (run,) = re.findall(r"SLURM run ID: (\S+)", told)
    assert (queued.folder / "results/smoke" / NOTE).read_text() == f"{run}\n"
    assert (queued.folder / "results/other" / NOTE).read_text() == f"{OTHER}\n"


HOLDS = """
import sys
from pathlib import Path
from hepaflow.jobs.alone import hold
print(hold(Path(sys.argv[1]), ""), flush=True)
sys.stdin.read()
"""


def test_of_two_that_submit_jobs_for_the_same_results_the_second_is_refused(
    queued: Checkout, tmp_path: Path
) -> None:
    (tmp_path / "queue").write_text(f"7\t{DEAD}\t{queued.folder}\trule_train\n")
    note_run(queued.folder / "results/smoke", DEAD)
    lock = queued.folder / "results/smoke" / LOCK
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "\n"
        told = queued.snakemake(*ON_SLURM, TARGET)
        assert told.returncode
        assert f"another Snakemake that submits jobs for these results: process {first.pid} on " in told.stdout
        assert "Traceback" not in told.stdout
        assert not (tmp_path / "cancelled").exists()
        first.communicate()
    queued.snakemake(*ON_SLURM, TARGET)
    assert (tmp_path / "cancelled").read_text() == "7\n"  # now its jobs are orphans


def in_a_job(project: Checkout, job: str) -> tuple[int, str]:
    """Run Snakemake as a job of the queue does; return its status and what it says."""
    allowed = ("--allowed-rules", job.partition(":")[0])
    spawned = (
        "--force",
        "--nolock",
        "--no-hooks",
        "--ignore-incomplete",
        "--latency-wait",
        "1",
        "--mode",
        "remote",
    )
    ended = project.snakemake("--target-jobs", job, *allowed, *spawned)
    return ended.returncode, ended.stdout


def test_a_job_needs_its_own_files_alone(fresh: Checkout) -> None:
    sheet = fresh.folder / "config/exams/smoke.tsv"
    sheet.write_text(sheet.read_text() + "five\tfive.ct.nii.gz\tfive.ct.label.nii.gz\ttrain\n")
    started = fresh.snakemake(TARGET)
    assert started.returncode
    assert "no such image" in started.stdout
    assert "data/phantoms/five.ct.nii.gz" in started.stdout
    status, told = in_a_job(fresh, "phantom:exam=one")
    assert status == 0, told
    status, told = in_a_job(fresh, "survey:exam=five")
    assert status
    assert "data/phantoms/five.ct.nii.gz" in told
    assert "Traceback" not in told
    assert in_a_job(fresh, "survey:exam=one")[0] == 0


def test_a_job_uses_what_its_run_was_planned_with(
    queued: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "queue").touch()
    queued.snakemake(*ON_SLURM, TARGET)  # no job is taken
    run = (queued.folder / "results/smoke" / NOTE).read_text().strip()
    monkeypatch.setenv("HEPAFLOW_RUN", run)
    for job in ("phantom:exam=one", "survey:exam=one"):
        status, told = in_a_job(queued, job)
        assert status == 0, told
    queued.configure(phantoms=SMOKE["phantoms"] | {"size": 40})
    status, told = in_a_job(queued, "phantom:exam=one")
    assert status
    assert "settings that changed after this run was planned" in told
    assert "Traceback" not in told
    monkeypatch.delenv("HEPAFLOW_RUN")
    status, told = in_a_job(queued, "phantom:exam=one")
    assert status == 0, told
