"""GPUs of one machine: no card for two jobs at a time. No card is needed, only their names."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
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

    def __init__(self, wanted: int, locks: Path, **more: str) -> None:
        environment = {"PYTHONPATH": str(Path(gpus.__file__).parents[2]), VISIBLE: "0,1"} | more
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
        first = _told(jobs, 2)
        time.sleep(1.5)
        assert first == _told(jobs, 0), "the third does not wait"
        assert len(first) == 2
        assert set.union(*(job.cards() for job in first)) == {"0", "1"}
        (third,) = waiting - set(first)
        first[0].kill()  # without a chance to tidy up
        assert len(third.cards()) == 1
    finally:
        for job in jobs:
            job.kill()


def _told(jobs: list[Job], count: int) -> list[Job]:
    """Wait until so many jobs have told which cards they have, and return all that have."""
    end = time.monotonic() + 60
    while len(told := [job for job in jobs if _has_told(job)]) < count and time.monotonic() < end:
        time.sleep(0.05)
    return told


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
    with pytest.raises(UserError, match=r"1 GPU on this machine, for a job that needs 2"):
        claim_gpus(2, {VISIBLE: "3"}, tmp_path)


def test_jobs_with_two_cards_each_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """Started in the same moment, and looking for cards that are only partly the same."""
    jobs = [Job(2, tmp_path, CUDA_VISIBLE_DEVICES=cards) for cards in ("0,1", "1,0", "1,2", "2,0", "0,1")]
    waiting = set(jobs)
    try:
        until = time.monotonic() + 60
        while waiting:
            assert time.monotonic() < until
            ended = [job for job in waiting if _has_told(job)]
            assert len(ended) <= 1  # of three cards
            for job in ended:
                assert len(job.cards()) == 2
                job.kill()
                waiting.remove(job)
            time.sleep(0.05)
    finally:
        for job in jobs:
            job.kill()


def test_a_job_that_needs_two_cards_is_not_overtaken_for_ever(tmp_path: Path) -> None:
    small = [Job(1, tmp_path) for _ in range(2)]
    assert set.union(*(job.cards() for job in small)) == {"0", "1"}
    large = Job(2, tmp_path)
    time.sleep(2)
    later = [Job(1, tmp_path) for _ in range(2)]
    try:
        small[0].kill()
        time.sleep(2)
        assert not any(_has_told(job) for job in later)
        small[1].kill()
        assert large.cards() == {"0", "1"}
    finally:
        for job in [*small, large, *later]:
            job.kill()


def test_jobs_in_one_allocation_of_a_queue_share_its_cards_out(tmp_path: Path) -> None:
    jobs = [Job(1, tmp_path, SLURM_JOB_ID="7") for _ in range(2)]
    try:
        assert set.union(*(job.cards() for job in jobs)) == {"0", "1"}
    finally:
        for job in jobs:
            job.kill()


@pytest.mark.parametrize("number", ["SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID"])
def test_jobs_of_a_queue_that_each_count_from_0_do_not_wait_for_each_other(tmp_path: Path, number: str) -> None:
    jobs = [Job(1, tmp_path, **{VISIBLE: "0", number: name}) for name in ("7", "8")]
    try:
        assert [job.cards() for job in jobs] == [{"0"}, {"0"}]
    finally:
        for job in jobs:
            job.kill()


def write_tool(folder: Path, text: str) -> Path:
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{text}\n")
    tool.chmod(0o755)
    return tool


def test_one_card_by_two_names_is_one_card(tmp_path: Path) -> None:
    """A queue's job that sees but its second card calls it 0; another calls it by the driver's name."""
    (tmp_path / "locks").mkdir()
    tools = {name: tmp_path / name for name in ("one", "both")}
    for folder in tools.values():
        folder.mkdir()
    write_tool(tools["one"], "echo 'GPU 0: H100 (UUID: GPU-bb)'")
    write_tool(tools["both"], "printf 'GPU 0: H100 (UUID: GPU-aa)\\nGPU 1: H100 (UUID: GPU-bb)\\n'")
    first = Job(1, tmp_path / "locks", PATH=str(tools["one"]), SLURM_JOB_ID="7", **{VISIBLE: "0"})
    assert first.cards() == {"0"}
    others = [Job(1, tmp_path / "locks", PATH=str(tools["both"]), **{VISIBLE: name}) for name in ("1", "GPU-bb")]
    try:
        time.sleep(2)
        assert not any(_has_told(job) for job in others)
    finally:
        for job in [first, *others]:
            job.kill()


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("0,1", ["0", "1"]),
        (" 1 , 0 ", ["1", "0"]),
        ("0,0,1", ["0", "1"]),
        ("0,-1,1", ["0"]),
        ("", []),
        (",0", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("void", []),
        ("none", []),
        ("GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", ["GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"]),
        ("MIG-GPU-8932f937/1/0", ["MIG-GPU-8932f937/1/0"]),
        ("MIG-41b36014-b4e2", ["MIG-41b36014-b4e2"]),
    ],
)
def test_visible_cards_are_read_as_cuda_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, found: list[str]
) -> None:
    assert cards({VISIBLE: value}) == found
    monkeypatch.setenv("PATH", str(tmp_path))
    if found:
        environment = {VISIBLE: value}
        assert claim_gpus(1, environment, tmp_path) == found[:1]
        assert environment[VISIBLE] == found[0]


@pytest.mark.parametrize(
    ("wanted", "environment"),
    [(0, {VISIBLE: "0"}), (1, {VISIBLE: ""}), (1, {VISIBLE: "-1"}), (1, {VISIBLE: "NoDevFiles"})],
    ids=["needs none", "has none", "hides all", "queue gave none"],
)
def test_nothing_to_share_changes_nothing(tmp_path: Path, wanted: int, environment: dict[str, str]) -> None:
    before = dict(environment)
    assert claim_gpus(wanted, environment, tmp_path) == []
    assert environment == before
    assert list(tmp_path.iterdir()) == []


def test_cards_are_named_by_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = write_tool(tmp_path, "printf 'GPU 0: A100 (UUID: GPU-aa)\\nGPU 1: A100 (UUID: GPU-bb)\\n'")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cards({}) == ["GPU-aa", "GPU-bb"]
    tool.unlink()
    assert cards({}) == []


def test_instances_of_a_card_are_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = (
        "GPU 0: A100 (UUID: GPU-aa)",
        "  MIG 3g.20gb     Device  0: (UUID: MIG-11)",
        "  MIG 3g.20gb     Device  1: (UUID: MIG-GPU-aa/2/0)",
        "GPU 1: A100 (UUID: GPU-bb)",
    )
    write_tool(tmp_path, "\n".join(f"echo '{line}'" for line in listed))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cards({}) == ["MIG-11", "MIG-GPU-aa/2/0", "GPU-bb"]


def test_a_driver_that_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    tool = write_tool(tmp_path, "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18")
    assert cards({}) == []
    assert "Driver/library version mismatch" in caplog.text
    tool.write_text("#!/nowhere\n")
    assert cards({}) == []
    assert "cannot be started" in caplog.text


def test_a_driver_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(gpus, "PATIENCE", 0.5)
    write_tool(tmp_path, "exec /bin/sleep 60")
    with pytest.raises(UserError, match=r"does not answer\n(.*\n)*.*accelerator: cpu"):
        cards({})
    assert claim_gpus(0, {}, tmp_path) == []  # and is not asked where no card is wanted


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put what a user has in /tmp, /var/tmp and at home into folders of the test; return the first."""
    real = Path

    def moved(*parts: str) -> Path:
        path = real(*parts)
        return tmp_path / path.relative_to("/") if path.is_absolute() and tmp_path not in path.parents else path

    for name in ("tmp", "var/tmp", "home"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(gpus, "Path", moved)
    return tmp_path / f"tmp/hepaflow-gpus-{os.getuid()}"


def test_locks_are_the_users_own(place: Path, tmp_path: Path) -> None:
    assert gpus._lock_folder({"HOME": "/home"}) == place
    assert place.stat().st_mode & 0o777 == 0o700
    assert gpus._lock_folder({"HOME": "/home", "TMPDIR": "/elsewhere"}) == place


def link(folder: Path) -> None:
    (folder.parent / "theirs").mkdir()
    folder.symlink_to(folder.parent / "theirs")


def others(folder: Path) -> None:
    folder.mkdir()
    os.chown(folder, 12345, 12345)


def open_to_all(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


def a_file(folder: Path) -> None:
    folder.write_text("")


def no_tmp(folder: Path) -> None:
    folder.parent.rmdir()
    folder.parent.write_text("")


@pytest.mark.parametrize("made", [link, others, open_to_all, a_file, no_tmp])
def test_a_folder_for_locks_that_others_have_made_is_not_used(
    place: Path, tmp_path: Path, made: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    if made is others and os.getuid() != 0:
        pytest.skip("root alone can give a folder away")
    made(place)
    assert gpus._lock_folder({"HOME": "/home"}) == tmp_path / "var/tmp" / place.name
    assert str(place) in caplog.text
