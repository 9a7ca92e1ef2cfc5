"""Jobs on a machine that others use as well: ended from outside, short of memory, beside each other."""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cases import GOES_ON, Case, Table, Tell
from injected import start
from light import Light
from smoke_run import SMOKE
from snakemake.iocontainers import Namedlist

from hepaflow import training
from hepaflow.fingerprint import fingerprints
from hepaflow.jobs.run import run
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.training import TrainSettings

SCRIPTS = Path(training.__file__).parents[1]

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

JOBS = Table(
    "Jobs on a machine",
    "What ends jobs from outside, and what jobs share with each other and with other users.",
    (ENDED, LEFT),
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
        code = json.dumps(fingerprints(SCRIPTS / "train.py", "unet"))
        self._job = SimpleNamespace(
            rule="train",
            scriptdir=str(SCRIPTS),
            wildcards=Namedlist(fromdict={"stage": "liver", "backbone": "net"}),
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
        train, train_epoch = training._train, training._train_epoch

        def counted(*arguments: Any) -> Any:
            with open(self.trained, "a") as file:
                file.write("1")
            return train_epoch(*arguments)

        def train_then_strike(*arguments: Any) -> Any:
            done = train(*arguments)
            sys.addaudithook(striking(end_at))
            return done

        training._train, training._train_epoch = train_then_strike, counted
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
    from test_training import recipe, write_exams

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
