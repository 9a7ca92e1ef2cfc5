"""A training in pieces, for machines that are there for minutes: `benchmarks/train_open.sh`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from smoke_run import ROOT, Checkout

TINY = {
    "results": "results/tiny",
    "methods": {
        "open": {
            "sampling": {"kind": "patches", "size": [16, 32, 32]},
            "training": {"epochs": 2, "batches_per_epoch": 2, "validation_share": 0.5},
            "stages": {stage: {"training": {"epochs": 2}} for stage in ("liver", "lesion")},
        }
    },
}


def piece(fresh: Checkout, minutes: float, given: Path, left: Path) -> str:
    """Train for some minutes; return what the script says at last."""
    own = left.with_name("tmp")
    own.mkdir(exist_ok=True)
    ended = subprocess.run(
        ["benchmarks/train_open.sh", str(minutes), given, left],
        cwd=fresh.folder,
        env={
            **os.environ,
            "CONFIG": "config/open.yaml config/tiny.yaml",
            "RESULTS": "results/tiny",
            "TMPDIR": str(own),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    assert not list(own.glob("*.yaml"))
    return ended.stdout.splitlines()[-1]


@pytest.mark.slow
def test_a_training_goes_on_where_another_machine_has_left_it(fresh: Checkout, tmp_path: Path) -> None:
    (fresh.folder / "benchmarks").mkdir()
    shutil.copy(ROOT / "benchmarks/train_open.sh", fresh.folder / "benchmarks")
    (fresh.folder / "config/tiny.yaml").write_text(yaml.safe_dump(TINY))
    left = tmp_path / "left"
    assert piece(fresh, 0.02, tmp_path / "none", left).startswith("Not finished: go on with IN=")
    assert list(left.glob("state.tar.*"))

    assert piece(fresh, 10, left, left) == "All three networks are trained."
    files = list(left.glob("state.tar.*"))
    assert files
    assert all(file.stat().st_size <= 15 * 2**20 for file in files)
    shutil.rmtree(fresh.folder / "results/tiny")
    assert piece(fresh, 10, left, left) == "All three networks are trained."
    log = (fresh.folder / "results/tiny/logs/train/lesion.open.log").read_text()
    assert log.count("starting") == 1  # it was not trained again
