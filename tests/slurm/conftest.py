"""A cluster of one machine, and a finished run on it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import SITE, ClusterProject, Run

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    """Start the cluster, and stop it after the last test."""
    subprocess.run([HERE / "start"], check=True, timeout=600)
    conf = subprocess.run([HERE / "start", "--conf"], check=True, capture_output=True, text=True)
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = conf.stdout.strip()
    yield
    subprocess.run([HERE / "stop"], check=True, timeout=120)
    if before is None:
        del os.environ["SLURM_CONF"]
    else:
        os.environ["SLURM_CONF"] = before


# As docs/slurm.md has it: what takes seconds shares a job.
GROUPS = {
    "exams": ("phantom", "survey", "liver_slices"),
    "fusions": ("postprocess", "fit_fusion", "fuse"),
    "scores": ("restore", "evaluate", "tables", "provenance"),
}


@pytest.fixture(scope="session")
def whole(cluster: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Start the whole workflow; its lesion slices have too little memory at first."""
    made = ClusterProject(tmp_path_factory.mktemp("whole") / "run")
    groups = {rule: group for group, rules in GROUPS.items() for rule in rules}
    groups |= {path.stem: "scores" for path in (made.folder / "workflow/scripts").glob("figure_*.py")}
    too_little = {"lesion_slices": {"mem_mb": "120 * 10 ** (attempt - 1)"}}
    made.site(
        **{
            "groups": groups,
            "group-components": {"exams": 2, "scores": 100},
            "set-resources": SITE["set-resources"] | too_little,
        }
    )
    run = Run(made, made.start())
    yield run
    if run.process.poll() is None:  # nobody waited for it
        run.process.kill()
        run.process.wait()
