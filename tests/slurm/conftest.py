"""A cluster of one machine, and a finished run on it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import SITE, ClusterProject, Run, documented_groups

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


@pytest.fixture(scope="session")
def whole(cluster: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Start the workflow up to the scores; its preprocessing has too little memory at first."""
    made = ClusterProject(tmp_path_factory.mktemp("whole") / "run")
    offered = documented_groups()
    too_little = {"preprocess": {"mem_mb": "120 * 10 ** (attempt - 1)"}}
    made.site(
        **offered | {"groups": offered["groups"] | {"phantom": "exams"}},
        **{"set-resources": SITE["set-resources"] | too_little},
    )
    run = Run(made, made.start(*made.scored()))
    yield run
    if run.process.poll() is None:  # nobody waited for it
        run.process.kill()
        run.process.wait()
