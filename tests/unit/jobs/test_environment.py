"""What the calling shell may not change in the jobs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import hepaflow
from hepaflow.jobs.environment import DROPPED, KEPT, kept, settle, shadowed


def test_what_would_change_results_is_dropped_and_told() -> None:
    environment = dict.fromkeys(DROPPED, "1") | {"HOME": "/home/one", "OMP_NUM_THREADS": "2"}
    assert settle(environment) == sorted(f"{name}=1" for name in DROPPED)
    assert environment == {"HOME": "/home/one", "OMP_NUM_THREADS": "2", "PYTHONUTF8": "1"}
    assert settle(environment) == []


def test_what_chooses_instructions_is_kept_and_recorded() -> None:
    environment = dict.fromkeys(KEPT, "1")
    assert settle(dict(environment)) == []
    assert kept(environment | {"LANG": "C"}) == environment


def test_modules_in_the_place_of_others_are_told(tmp_path: Path) -> None:
    for name in ("numpy", "mine"):
        (tmp_path / "a" / name).mkdir(parents=True)
    (tmp_path / "a/statistics.py").touch()
    (tmp_path / "b").mkdir()
    (tmp_path / "b/sitecustomize.py").touch()
    folders = ["", str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path / "none")]
    assert shadowed(folders) == [f"{tmp_path / 'a'}: numpy, statistics"]


ORDER = """
import json
from hepaflow.jobs.fingerprint import chosen_by, fingerprints, libraries
from pathlib import Path
from hepaflow.methods.job_settings import JobSettings
from hepaflow.methods.thesis import plan_of
from hepaflow.settings.workflow import read_settings
script = Path(__import__("sys").argv[1]) / "train.py"
chosen = chosen_by({"arch": "unet"})
print(json.dumps([fingerprints(script, chosen), sorted(libraries(script, chosen))]))
settings = read_settings({})
print(JobSettings(settings, plan_of(settings)).of("train", "liver", "resnet152").canonical())
print(plan_of(settings).canonical())
"""


@pytest.mark.parametrize(
    "more",
    [
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "2"},
        {"PYTHONOPTIMIZE": "2"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"TZ": "Pacific/Kiritimati"},
        {"TMPDIR": "/nowhere"},
        {"HOME": "/nowhere"},
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_decides_reruns_is_the_same_in_every_environment(more: dict[str, str]) -> None:
    scripts = str(Path(hepaflow.__file__).parents[1])

    def printed(**given: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", ORDER, scripts],
            env={**os.environ, "PYTHONPATH": scripts, **given},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert printed(**more) == printed(PYTHONHASHSEED="0")
