"""A project on the cluster: how its jobs are submitted, found and looked up afterwards."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from smoke_run import ROOT, checkout

BACKBONES = {"plain": {"arch": "unet", "weights": "none"}}
TRAINING = {"liver": {"epochs": 2, "batch_size": 8}, "lesion": {"epochs": 1, "batch_size": 8}}

# What a site fills in, and less patience than on a real cluster.
SITE = {
    "default-resources": {
        "slurm_account": "hepaflow",
        "slurm_partition": "cpu",
        "mem_mb": "1500 * attempt",
        "runtime": "10 * attempt",
    },
    "set-resources": {
        "train": {"slurm_partition": "gpu", "mem_mb": 3000},
        "predict": {"slurm_partition": "gpu", "mem_mb": 3000},
        "segment": {"slurm_partition": "gpu", "mem_mb": 3000},
    },
    "jobs": 4,  # more would wait for each other on two cores
    "latency-wait": 10,
    "slurm-init-seconds-before-status-checks": 1,
    "seconds-between-status-checks": 1,
}


WITHOUT_CARDS = """

def check_gpus(*_, **__):
    return None
"""
"""The cluster's GPUs are pretended: its jobs compute on the CPU, which they else would refuse."""


@dataclass(frozen=True)
class Job:
    """What the accounting knows of a job."""

    number: str
    rule: str
    wildcards: str
    partition: str
    state: str
    resources: str
    memory: str
    start: str
    end: str

    @property
    def gpus(self) -> int:
        """GPUs that SLURM gave to the job."""
        found = re.search(r"gres/gpu=(\d+)", self.resources)
        return int(found[1]) if found else 0

    @property
    def cores(self) -> int:
        """Cores that SLURM gave to the job."""
        return int(re.search(r"cpu=(\d+)", self.resources)[1])


class ClusterProject:
    """A copy of the project whose Snakemake submits to the cluster."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.checkout = checkout(folder)
        self.folder = folder
        self.results = folder / "results/smoke"
        rows = "one\tone.image.nii.gz\tone.label.nii.gz\ttrain\ntwo\ttwo.image.nii.gz\ttwo.label.nii.gz\ttest\n"
        (folder / "config/exams/smoke.tsv").write_text("exam\timage\tlabel\tsplit\n" + rows)
        driver = folder / "workflow/scripts/hepaflow/jobs/driver.py"
        driver.write_text(driver.read_text() + WITHOUT_CARDS)
        self.configure(**{"backbones": BACKBONES, "training": TRAINING, **settings})
        self.site()

    def configure(self, **settings: Any) -> None:
        """Write the smoke configuration with these keys changed; GPUs are used where there are any."""
        self.checkout.configure(**{"compute": {"workers": 0}, "methods": {}, **settings})

    def site(self, **changes: Any) -> None:
        """Write the profile of the site."""
        (self.folder / "site").mkdir(exist_ok=True)
        (self.folder / "site/config.yaml").write_text(yaml.safe_dump(SITE | changes))

    def scored(self) -> list[str]:
        """Return targets for which all runs but the report, whose many small steps take long in a queue."""
        return [f"results/smoke/{name}" for name in ("tables/lesion.csv", "segmentations/fusion/two.nii.gz")]

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start Snakemake as a user of the cluster does; what it says goes to `snakemake.log`."""
        command = [sys.executable, "-m", "snakemake", "--profile", "profiles/slurm", "--profile", "site"]
        with open(self.folder / "snakemake.log", "ab") as log:
            return subprocess.Popen(
                [*command, *arguments, "--configfile", "config/smoke.yaml"],
                cwd=self.folder,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
                stdout=log,
                stderr=log,
            )

    def run(self, *arguments: str) -> None:
        """Run Snakemake to its end, which must be a good one."""
        assert self.start(*arguments).wait(timeout=1200) == 0, self.said()

    def said(self) -> str:
        """Return what Snakemake has said."""
        return (self.folder / "snakemake.log").read_text()

    def submitted(self) -> list[Job]:
        """Return the jobs that this project has submitted, in their order; one that ran twice is there twice."""
        numbers = re.findall(r"has been submitted with SLURM jobid (\d+)", self.said())
        if not numbers:
            return []
        fields = "JobID,Comment,Partition,State,AllocTRES,ReqMem,Start,End"
        told = slurm(
            "sacct", "--jobs", ",".join(numbers), "--allocations", "--duplicates", "--parsable2", "--noheader",
            "--format", fields,
        )  # fmt: skip
        jobs = []
        for line in told.splitlines():
            number, comment, *rest = line.split("|")
            rule, _, wildcards = comment.removeprefix("rule_").partition("_wildcards_")
            jobs.append(Job(number, rule, wildcards, *rest))
        return jobs


@dataclass(frozen=True)
class Run:
    """A Snakemake that runs in a project."""

    project: ClusterProject
    process: subprocess.Popen[bytes]


def slurm(*command: str) -> str:
    """Run one of SLURM's commands; return what it says."""
    asked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert asked.returncode == 0, asked.stderr
    return asked.stdout


def documented_groups() -> dict[str, Any]:
    """Return the part of a profile that docs/slurm.md offers for small jobs, as it stands there."""
    snippets = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/slurm.md").read_text(), re.DOTALL)
    (found,) = (yaml.safe_load(text) for text in snippets if text.startswith("groups:"))
    return found
