"""What has to hold on a GPU: `make test-gpu` measures everything once, and writes docs/gpu.md."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from gpu import page
from gpu.measure import RESULTS, ROOT
from gpu.methods import networks
from gpu.parts import parts_of
from gpu.scale import ON_GPU

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device on this machine")

NAMES = [part.name for part in parts_of(list(networks()[0]), ON_GPU)]


@pytest.fixture(scope="session")
def results() -> dict[str, Any]:
    """Run the program as it runs where there is no pytest, with all threads; return what it wrote."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {name: value for name, value in os.environ.items() if name not in threads}
    environment["PYTHONPATH"] = f"{ROOT / 'workflow/scripts'}:{ROOT / 'tests'}"
    RESULTS.unlink(missing_ok=True)
    ended = subprocess.run([sys.executable, "-m", "gpu.measure", "--out", RESULTS], env=environment, check=False)
    assert ended.returncode in (0, 1)
    assert page.main([str(RESULTS)]) == 0
    return dict(json.loads(Path(RESULTS).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", NAMES)
def test_every_check_of_a_part_holds(results: dict[str, Any], name: str) -> None:
    for left_out in results["left_out"]:
        if left_out["part"] == name:
            pytest.skip(left_out["why"])
    part = next(part for part in results["parts"] if part["part"] == name)
    assert part["checks"]
    assert [check for check in part["checks"] if not check["ok"]] == []


def test_it_takes_less_than_eight_minutes(results: dict[str, Any]) -> None:
    assert results["seconds"] < 480
