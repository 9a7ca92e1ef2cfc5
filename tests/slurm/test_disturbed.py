"""Trainings that the queue or a user disturbs, and a Snakemake that dies: all end as if nothing had happened."""

import os
import re
import signal
import time
from collections import Counter
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from cluster import ClusterProject, slurm

DISTURBED = ("cancelled", "killed", "requeued", "limited")
NETWORKS = ("calm", *DISTURBED)
OWNER = re.compile(r"process (\d+) on \S+, SLURM job (\d+)")


class Disturbed:
    """Five networks of one recipe, four of which are disturbed while they train."""

    def __init__(self, folder: Path) -> None:
        # The name of a network is no part of its recipe: all five must end with the same bytes.
        self.project = ClusterProject(
            folder,
            backbones={name: {"arch": "unet", "weights": "none"} for name in NETWORKS},
            training={"liver": {"epochs": EPOCHS, "batch_size": 4}},
        )
        self.models = self.project.results / "models/liver"

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
def disturbed(cluster: None, tmp_path_factory: pytest.TempPathFactory) -> Disturbed:
    """Run it: Snakemake dies, starts again, and all but one training are disturbed."""
    made = Disturbed(tmp_path_factory.mktemp("disturbed") / "run")
    first = ("cancelled", "killed")
    dying = made.project.start(*made.weights(*first))
    until = time.monotonic() + 120
    while not all(made.owner(name) for name in first):
        assert dying.poll() is None, made.project.said()
        assert time.monotonic() < until, made.project.said()
        time.sleep(0.1)
    dying.kill()
    dying.wait()
    left = {owner[1] for name in first if (owner := made.owner(name))}
    assert left == set(slurm("squeue", "--noheader", "--format=%i").split())  # the queue knows nothing of it

    made.project.run("--unlock")
    again = made.project.start(*made.weights(*NETWORKS))
    todo = set(DISTURBED)
    slow: tuple[int, str] | None = None
    until = time.monotonic() + 300
    while again.poll() is None:
        assert time.monotonic() < until, made.project.said()
        for name in sorted(todo):
            owner = made.owner(name)
            if owner is None or owner[1] in left:
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


def test_no_state_is_left(disturbed: Disturbed) -> None:
    assert list(disturbed.models.glob("*.training")) == []


def test_no_job_is_lost_and_none_runs_twice_at_a_time(disturbed: Disturbed) -> None:
    trainings = [job for job in disturbed.project.submitted() if job.rule == "train"]
    for name in NETWORKS:
        runs = sorted((job.start, job.end) for job in trainings if job.wildcards == f"liver_{name}")
        assert all(end <= start for (_, end), (start, _) in pairwise(runs)), (name, runs)
    states = Counter((job.wildcards.removeprefix("liver_"), job.state.split()[0]) for job in trainings)
    assert [states[name, "COMPLETED"] for name in NETWORKS] == [1] * 5
    assert sum(states[name, "CANCELLED"] for name in ("cancelled", "killed")) == 3  # two by the new Snakemake
    assert {name for name, _ in states} == set(NETWORKS)
