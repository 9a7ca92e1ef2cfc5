"""GPUs of one machine: no card for two jobs at a time. No card is needed, only their names."""

import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hepaflow.errors import UserError
from hepaflow.jobs import gpus
from hepaflow.jobs.gpus import VISIBLE, cards, claim_gpus

JOB = """
import os, sys
from pathlib import Path
from hepaflow.jobs.gpus import claim_gpus
claim_gpus(int(sys.argv[1]), os.environ, Path(sys.argv[2]))
print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
sys.stdin.read()
"""


class Job:
    """A process that takes cards of a machine with two, and keeps them until it is ended."""

    def __init__(self, wanted: int, locks: Path) -> None:
        environment = {"PYTHONPATH": str(Path(gpus.__file__).parents[2]), VISIBLE: "0,1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", JOB, str(wanted), str(locks)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def cards(self) -> set[str]:
        assert self.process.stdout is not None
        return set(self.process.stdout.readline().strip().split(","))

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def test_two_jobs_never_share_a_card(tmp_path: Path) -> None:
    jobs = [Job(1, tmp_path) for _ in range(3)]
    waiting = set(jobs)
    try:
        time.sleep(3)
        first = [job for job in jobs if _has_told(job)]
        assert len(first) == 2
        assert set.union(*(job.cards() for job in first)) == {"0", "1"}
        (third,) = waiting - set(first)
        first[0].kill()  # without a chance to tidy up
        assert len(third.cards()) == 1
    finally:
        for job in jobs:
            job.kill()


def _has_told(job: Job) -> bool:
    return bool(select.select([job.process.stdout], [], [], 0)[0])


def test_a_job_with_two_cards_waits_for_both(tmp_path: Path) -> None:
    small, large = Job(1, tmp_path), None
    try:
        assert len(small.cards()) == 1
        large = Job(2, tmp_path)
        time.sleep(1.5)
        assert not _has_told(large)
        small.kill()
        assert large.cards() == {"0", "1"}
    finally:
        small.kill()
        if large:
            large.kill()


def test_fewer_cards_than_wanted_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"1 GPU\(s\) on this machine, for a job that needs 2"):
        claim_gpus(2, {VISIBLE: "3"}, tmp_path)


@pytest.mark.parametrize(
    ("wanted", "environment"),
    [(0, {VISIBLE: "0"}), (1, {VISIBLE: ""}), (1, {VISIBLE: "-1"}), (1, {VISIBLE: "0", "SLURM_JOB_ID": "7"})],
    ids=["needs none", "has none", "hides all", "has slurm's"],
)
def test_nothing_to_share_changes_nothing(tmp_path: Path, wanted: int, environment: dict[str, str]) -> None:
    before = dict(environment)
    assert claim_gpus(wanted, environment, tmp_path) == []
    assert environment == before
    assert list(tmp_path.iterdir()) == []


def test_cards_are_named_by_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nprintf 'GPU-aa\\nGPU-bb\\n'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cards({}) == ["GPU-aa", "GPU-bb"]
    tool.write_text("#!/bin/sh\nexit 9\n")  # a driver without cards
    assert cards({}) == []
    tool.unlink()
    assert cards({}) == []
