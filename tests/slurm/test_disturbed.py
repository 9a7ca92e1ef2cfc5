"""Trainings that the queue or a user disturbs, and a Snakemake that dies: all end as if nothing had happened."""

import json
import os
import re
import signal
import time
from collections import Counter
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from cluster import ClusterProject, Run, slurm

pytestmark = pytest.mark.slow  # ten minutes beside other tests, mostly of waiting

DISTURBED = ("abandoned", "cancelled", "killed", "requeued", "limited")
NETWORKS = ("calm", *DISTURBED)
OWNER = re.compile(r"process (\d+) on \S+, SLURM job (\d+)")


class Disturbed:
    """Six networks of one recipe, five of which are disturbed while they train."""

    def __init__(self, folder: Path) -> None:
        # The name of a network is no part of its recipe: all must end with the same bytes.
        self.project = ClusterProject(
            folder,
            backbones={name: {"arch": "unet", "weights": "none"} for name in NETWORKS},
            training={"liver": {"epochs": EPOCHS, "batch_size": 4}},
        )
        self.models = self.project.results / "models/liver"

    @property
    def jobs(self) -> set[str]:
        """What of this project is in the queue."""
        lines = slurm("squeue", "--noheader", "--format=%i\t%Z").splitlines()
        return {line.split("\t")[0] for line in lines if line.endswith(str(self.project.folder))}

    def weights(self, *names: str) -> list[str]:
        return [f"results/smoke/models/liver/{name}.safetensors" for name in names]

    def owner(self, name: str) -> tuple[int, str] | None:
        """Return process and SLURM job of a training that has saved a state."""
        side = self.models / f"{name}.training"
        try:
            found = OWNER.match((side / "lock").read_text()) if (side / "state.safetensors").exists() else None
        except FileNotFoundError:
            return None
        return (int(found[1]), found[2]) if found else None


EPOCHS = 40


@pytest.fixture(scope="module")
def disturbed(whole: Run, tmp_path_factory: pytest.TempPathFactory) -> Disturbed:
    """Run it beside the whole run: Snakemake dies, starts again, and all but one training are disturbed."""
    made = Disturbed(tmp_path_factory.mktemp("disturbed") / "run")
    dying = made.project.start(*made.weights("abandoned"))
    until = time.monotonic() + 300
    while (owner := made.owner("abandoned")) is None:
        assert dying.poll() is None, made.project.said()
        assert time.monotonic() < until, made.project.said()
        time.sleep(0.1)
    os.kill(owner[0], signal.SIGSTOP)  # or it could be done before the next Snakemake has started
    dying.kill()
    dying.wait()
    assert made.jobs == {owner[1]}  # the queue knows nothing of it
    half = [made.models / "abandoned.safetensors", made.models / "abandoned.history.csv"]
    half.append(made.project.results / "records/train/liver.abandoned.json")
    for path in half:  # as if it had been writing them just then
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")

    made.project.run("--unlock")
    again = made.project.start(*made.weights(*NETWORKS))
    todo = {*DISTURBED} - {"abandoned"}
    slow: tuple[int, str] | None = None
    until = time.monotonic() + 900
    while again.poll() is None:
        assert time.monotonic() < until, slurm("sinfo", "--list-reasons") + made.project.said()
        for name in sorted(todo):
            owner = made.owner(name)
            if owner is None:
                continue
            process, job = owner
            if name == "cancelled":
                slurm("scancel", job)
            elif name == "killed":
                os.kill(process, signal.SIGKILL)
            elif name == "requeued":
                slurm("scontrol", "requeue", job)
            else:
                slurm("scontrol", "update", f"jobid={job}", "timelimit=1")
                slow = owner
            todo.remove(name)
        if slow and made.owner("limited") == slow:  # in slow motion, or it would finish before its limit
            with suppress(ProcessLookupError):  # it has ended
                os.kill(slow[0], signal.SIGSTOP)
                time.sleep(1)
                os.kill(slow[0], signal.SIGCONT)
        time.sleep(0.1)
    assert again.returncode == 0, made.project.said()
    assert not todo
    return made


def test_all_end_with_the_same_weights(disturbed: Disturbed) -> None:
    calm = (disturbed.models / "calm.safetensors").read_bytes()
    for name in DISTURBED:
        assert (disturbed.models / f"{name}.safetensors").read_bytes() == calm, name


@pytest.mark.parametrize("name", NETWORKS)
def test_each_goes_on_where_it_was(disturbed: Disturbed, name: str) -> None:
    log = (disturbed.project.results / f"logs/train/liver.{name}.log").read_text()
    assert ("going on after epoch" in log) is (name != "calm")
    assert f"epoch {EPOCHS}/{EPOCHS}" in log


def test_what_was_half_written_was_not_taken_for_done(disturbed: Disturbed) -> None:
    record = json.loads((disturbed.project.results / "records/train/liver.abandoned.json").read_text())
    assert record["outputs"]["results/smoke/models/liver/abandoned.safetensors"]
    assert len((disturbed.models / "abandoned.history.csv").read_text().splitlines()) == 1 + EPOCHS


def test_no_state_is_left(disturbed: Disturbed) -> None:
    assert list(disturbed.models.glob("*.training")) == []


def test_no_job_is_lost_and_none_runs_twice_at_a_time(disturbed: Disturbed) -> None:
    trainings = [job for job in disturbed.project.submitted() if job.rule == "train"]
    for name in NETWORKS:
        runs = sorted((job.start, job.end) for job in trainings if job.wildcards == f"liver_{name}")
        assert all(end <= start for (_, end), (start, _) in pairwise(runs)), (name, runs)
    # At its limit a job ends itself, or, where its process is slow to do so, SLURM ends it.
    told = {"TIMEOUT": "FAILED"}
    states = Counter(
        (job.wildcards.removeprefix("liver_"), told.get(job.state.split()[0], job.state.split()[0]))
        for job in trainings
    )
    expected = Counter({(name, "COMPLETED"): 1 for name in NETWORKS})
    expected |= {("abandoned", "CANCELLED"): 1, ("cancelled", "CANCELLED"): 1, ("requeued", "REQUEUED"): 1}
    expected |= {("killed", "FAILED"): 1, ("limited", "FAILED"): 1}
    assert states == expected
