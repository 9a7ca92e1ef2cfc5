"""A cluster of one machine, and a finished run on it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

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
