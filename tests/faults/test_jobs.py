"""Jobs on a machine that others use as well: ended from outside, short of memory, beside each other."""

import errno
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cases import GOES_ON, STOPS, Case, Table, Tell, ids, neutral, refusal
from injected import start
from light import Light
from smoke_run import SMOKE
from snakemake.iocontainers import Namedlist

from hepaflow.errors import UserError
from hepaflow.jobs import alone, gpus
from hepaflow.jobs.cache import Cache
from hepaflow.jobs.environment import settle
from hepaflow.jobs.fingerprint import chosen_by, fingerprints
from hepaflow.jobs.machine import fault_of
from hepaflow.jobs.run import run
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.training import TrainSettings
from hepaflow.training import trainer as training
from hepaflow.training.loading import BYTES, fitting_workers

SCRIPTS = Path(training.__file__).parents[2]

ENDED = Case(
    "SIGKILL or SIGTERM to the job of a training that is done, at each of its steps until the job is done",
    GOES_ON,
    mended="the training's state was removed before its job was done: weights and state were lost, days of work",
)

LEFT = Case(
    "SIGKILL to Snakemake alone, then `--unlock` and another run, beside the training that goes on",
    GOES_ON,
    mended="both jobs wrote the same files, and a training whose end no Snakemake saw was lost without a cache",
)

READ = Case(
    "an entry of the shared cache of which a file cannot be read now: input/output error, no right, stale handle",
    "computes; the entry stays",
    ("cannot be read", "computing"),
    lambda: (errno.EIO, errno.EACCES, errno.ESTALE),
    mended="the entry was removed, for every user of the cache",
)
WRITTEN = Case(
    "an entry of the shared cache restored to a full disk, and to a folder that is not there",
    "stops; the entry stays",
    ("no space left on the disk",),
    mended="the entry was removed, and the result computed for a disk that had no space for it",
)
WRONG = Case(
    "an entry of the shared cache with one bit flipped, read twice",
    "computes; the entry is removed",
    ("is damaged", "removed"),
)
SHARED = Case(
    "four loading processes for the thesis' mini-batches in the 64 MiB of shared memory that Docker gives",
    "goes on with as many as have room",
    ("64 MiB of shared memory are free", "--shm-size", "workers: "),
    mended="the training waited for ever, and SIGTERM did not end it; with less, the disk was blamed",
)
BY_PLACE = Case(
    "no space left in shared memory, as torch's processes tell it",
    STOPS,
    ("in shared memory", "--shm-size", "workers: 0"),
    mended="no space left on the disk",
)
SILENT = Case(
    "nvidia-smi that does not answer",
    STOPS,
    ("does not answer", "accelerator: cpu"),
    mended="the run waited for ever, also where no GPU was wanted; so it did for squeue, scancel, the report's "
    "Snakemake and the server of ImageNet's weights",
)
ONE_RESULT = Case(
    "a job whose result another process, left of a dead Snakemake, is about to write",
    STOPS,
    ("another process that makes the same result", "end it"),
    mended="both wrote the same files; the last one's settings stood",
)
CARDS = Case(
    "two jobs of two GPUs each, started together",
    "one after the other",
    mended="each could take one card, give it back and take it again, for ever",
)
ALLOCATION = Case(
    "two jobs in one job of a queue that was given two GPUs",
    "a GPU each",
    mended="both took the first",
)
VARIABLES = Case(
    "variables of the shell that change arithmetic, Python's options or its end, "
    "such as NVIDIA_TF32_OVERRIDE and PYTHONINSPECT",
    "not passed on to jobs",
    mended="TF32 for fp32, jobs that ended in Python's prompt, warnings that ended jobs",
)

PART = Case(
    "variables of the shell that make a process a part of several, such as LOCAL_RANK and MASTER_ADDR",
    "not passed on to jobs",
    mended="jobs that left no record, or waited for others which do not exist",
)

JOBS = Table(
    "Jobs on a machine",
    "Jobs that are ended from outside, and what they share with each other and with other users: caches, memory, "
    "GPUs.",
    (ENDED, LEFT, READ, WRITTEN, WRONG, SHARED, BY_PLACE, SILENT, ONE_RESULT, CARDS, ALLOCATION, VARIABLES, PART),
)

linux = pytest.mark.skipif(sys.platform != "linux", reason="jobs are ended as on Linux")


class Job:
    """A job of the rule `train`, on slices of one exam, in a process that can be ended at any of its steps."""

    def __init__(self, folder: Path, slices: list[Path], settings: TrainSettings) -> None:
        self.outputs = {
            "weights": folder / "net.safetensors",
            "history": folder / "net.history.csv",
            "record": folder / "records/net.json",
        }
        self.trained = folder / "trained"
        (folder / "records").mkdir()
        self._slices, self._settings = slices, settings
        code = json.dumps(fingerprints(SCRIPTS / "train.py", chosen_by(settings.as_json())))
        self._job = SimpleNamespace(
            rule="train",
            scriptdir=str(SCRIPTS),
            wildcards=Namedlist(fromdict={"stage": "liver", "network": "net"}),
            input=Namedlist(fromdict={f"slices{number}": str(path) for number, path in enumerate(slices)}),
            output=Namedlist(fromdict={name: str(path) for name, path in self.outputs.items()}),
            params=Namedlist(
                fromdict={"settings": settings.canonical(), "code": code, "cache": str(folder / "cache")}
            ),
            log=[str(folder / "log")],
            threads=1,
            resources=Namedlist(),
        )

    def run(self, end_at: int = -1) -> int:
        """Run the job in a process that ends itself at a step after its training; return how it ended.

        A step is a file opened for writing, renamed or removed, or a folder made or removed.
        """
        child = os.fork()
        if child == 0:
            try:
                run(self._job, lambda: self._work(end_at))
                os._exit(0)
            finally:
                os._exit(1)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status:  # as Snakemake does
            for path in self.outputs.values():
                path.unlink(missing_ok=True)
        return status

    def _work(self, end_at: int) -> None:
        train, train_epoch = training.Trainer.train, training.Trainer._train_epoch

        def counted(*arguments: Any) -> Any:
            with open(self.trained, "a") as file:
                file.write("1")
            return train_epoch(*arguments)

        def train_then_strike(*arguments: Any) -> Any:
            done = train(*arguments)
            sys.addaudithook(striking(end_at))
            return done

        training.Trainer.train, training.Trainer._train_epoch = train_then_strike, counted
        training.train_network(
            self._slices,
            self._settings,
            code="code",
            output=self.outputs["weights"],
            history=self.outputs["history"],
            compute=ComputeSettings(accelerator="cpu", workers=0),
            threads=1,
        )


def striking(end_at: int) -> Callable[[str, Any], None]:
    """Return an auditor that ends its process at a step that touches files, by two signals in turn."""
    steps = 0

    def strike(event: str, arguments: Any) -> None:
        nonlocal steps
        if event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate") or (
            event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        ):
            steps += 1
            if steps == end_at:
                os.kill(os.getpid(), signal.SIGKILL if steps % 2 else signal.SIGTERM)

    return strike


@linux
@pytest.mark.slow
def test_a_training_is_never_lost(tmp_path: Path, tell: Tell) -> None:
    from unit.training.test_trainer import recipe, write_exams

    slices = write_exams(tmp_path / "slices", 4)
    settings = recipe("unet", epochs=1)
    (tmp_path / "whole").mkdir()
    whole = Job(tmp_path / "whole", slices, settings)
    assert whole.run() == 0
    expected = whole.outputs["weights"].read_bytes()

    (tmp_path / "struck").mkdir()
    job = Job(tmp_path / "struck", slices, settings)
    step = 0
    while True:
        step += 1
        ended = job.run(step)
        if ended == 0:
            break
        assert ended in (-signal.SIGKILL, -signal.SIGTERM)
        shutil.rmtree(tmp_path / "struck/cache", ignore_errors=True)  # which would have kept it as well
    assert step > 12, step
    assert job.outputs["weights"].read_bytes() == expected
    assert job.trained.read_text() == "1"
    tell(ENDED, "")


@linux
@pytest.mark.slow
def test_a_training_that_outlives_snakemake(copied: Light, tmp_path: Path, tell: Tell) -> None:
    results = copied.folder / "results/smoke"
    weights, record = results / "models/liver/dense.safetensors", results / "records/train/liver.dense.json"
    expected = weights.read_bytes()
    for path in (weights, weights.with_suffix(".history.csv"), record):
        path.unlink()
    target = str(weights.relative_to(copied.folder))
    run = start(copied, tmp_path / "log", target)
    try:
        until = time.monotonic() + 300
        while not weights.with_suffix(".training").exists():
            assert run.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < until
            time.sleep(0.05)
        run.kill()
        run.wait()
        assert copied.snakemake("--unlock").returncode == 0
        again = copied.snakemake(target)
        assert again.returncode == 0, again.stdout
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
    assert weights.read_bytes() == expected
    log = (results / "logs/train/liver.dense.log").read_text()
    assert f"going on after epoch {SMOKE['training']['liver']['epochs']}" in log
    assert not weights.with_suffix(".training").exists()
    tell(LEFT, "")


RESULT = {"weights": b"weights" * 1000}
DIGESTS = {name: sha256(content).hexdigest() for name, content in RESULT.items()}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """A cache with one entry, `key`."""
    (tmp_path / "first").write_bytes(RESULT["weights"])
    made = Cache(tmp_path / "cache")
    made.store("key", {"weights": tmp_path / "first"}, DIGESTS, {"seconds": 1})
    return made


def restored(cache: Cache, path: Path) -> bool:
    return cache.restore("key", {"weights": path}) is not None and path.read_bytes() == RESULT["weights"]


def test_entries_that_cannot_be_read_stay(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tell: Tell
) -> None:
    real = open
    for number in READ.do():

        def failing(path: Any, *arguments: Any, number: int = number, **keywords: Any) -> Any:
            if str(path).endswith("key/weights"):
                raise OSError(number, os.strerror(number))
            return real(path, *arguments, **keywords)

        with monkeypatch.context() as patch:
            patch.setattr("builtins.open", failing)
            assert not restored(cache, tmp_path / "own")
        assert restored(cache, tmp_path / "own")
    tell(READ, neutral(caplog.messages[0], tmp_path))


@linux
def test_entries_outlive_what_they_cannot_be_restored_to(cache: Cache, tmp_path: Path, tell: Tell) -> None:
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space") as caught:
        cache.restore("key", {"weights": tmp_path / "full"})
    with pytest.raises(FileNotFoundError):
        cache.restore("key", {"weights": tmp_path / "none/weights"})
    assert restored(cache, tmp_path / "own")
    tell(WRITTEN, str(fault_of(caught.value)).splitlines()[0].partition(" (")[0])


def test_damaged_entries_go(cache: Cache, tmp_path: Path, caplog: pytest.LogCaptureFixture, tell: Tell) -> None:
    (entry,) = (tmp_path / "cache").glob("*/key")
    (entry / "weights").write_bytes(RESULT["weights"][:-1] + b"t")
    assert not restored(cache, tmp_path / "own")
    assert not entry.exists()
    tell(WRONG, neutral(caplog.messages[0], tmp_path))


@linux
def test_little_shared_memory(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tell: Tell
) -> None:
    """That as many do run in it, and that more are told by place, tests/unit/training/test_loading.py shows."""
    monkeypatch.setattr(os, "statvfs", lambda folder: SimpleNamespace(f_bavail=64 << 20, f_frsize=1))
    batch = (32 + 1) * (1 + 1) * BYTES * 256**2  # image and mask
    workers, ahead = fitting_workers(4, batch)
    assert (workers * ahead + 2) * batch <= 64 << 20
    assert 0 < workers < 4
    tell(SHARED, caplog.messages[0])


def test_full_shared_memory_is_told_by_name(tell: Tell) -> None:
    error = RuntimeError("unable to allocate shared memory(shm) for file </torch_7>: No space left on device (28)")
    tell(BY_PLACE, neutral(str(fault_of(error)), Path("/none")))


def test_probes_that_do_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell) -> None:
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(gpus, "PATIENCE", 0.4)
    assert gpus.claim_gpus(0, {}) == []
    with pytest.raises(UserError) as caught:
        gpus.claim_gpus(1, {})
    tell(SILENT, neutral(refusal(caught.value), tmp_path).replace("within 0 s", "within 60 s"))


@linux
def test_two_processes_for_one_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell) -> None:
    record = tmp_path / "records/net.json"
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        alone.keep_others_out(record)
        os.write(writing, b"1")
        time.sleep(60)
        os._exit(0)
    try:
        assert os.read(reading, 1) == b"1"
        monkeypatch.setattr(alone, "PATIENCE", 0.0)
        with pytest.raises(UserError) as caught:
            alone.keep_others_out(record)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    message = neutral(refusal(caught.value, file=record), tmp_path)
    tell(ONE_RESULT, re.sub(r"process \d+ on [^;]+", "process ... on ...", message))


@linux
@pytest.mark.parametrize("case", [CARDS, ALLOCATION], ids=ids)
def test_jobs_share_cards(tmp_path: Path, case: Case, tell: Tell) -> None:
    wanted = 2 if case is CARDS else 1
    environment = {gpus.VISIBLE: "0,1"} | ({"SLURM_JOB_ID": "7"} if case is ALLOCATION else {})
    reading, writing = os.pipe()
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            mine = gpus.claim_gpus(wanted, environment, tmp_path)
            os.write(writing, ("+" + "".join(mine)).encode())
            time.sleep(2)
            os.write(writing, b"-")
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    told = os.read(reading, 100).decode()
    assert told in ({"+01-+01-"} if case is CARDS else {"+0+1--", "+1+0--"})
    tell(case, "")


def test_variables_of_the_shell(tell: Tell) -> None:
    given = {"NVIDIA_TF32_OVERRIDE": "1", "PYTHONINSPECT": "1", "PATH": "/bin"}
    assert settle(given) == ["NVIDIA_TF32_OVERRIDE=1", "PYTHONINSPECT=1"]
    assert given == {"PATH": "/bin", "PYTHONUTF8": "1"}
    tell(VARIABLES, "")


def test_a_shell_that_is_one_of_several(tell: Tell) -> None:
    several = {"LOCAL_RANK": "1", "MASTER_ADDR": "node-0", "MASTER_PORT": "29500", "RANK": "1", "WORLD_SIZE": "2"}
    given = {"PATH": "/bin", **several}
    assert settle(given) == [f"{name}={value}" for name, value in sorted(several.items())]
    assert given == {"PATH": "/bin", "PYTHONUTF8": "1"}
    tell(PART, "")
