"""The benchmark: a row for each network, precision and mode, measured in a process of its own."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BENCHMARK = ROOT / "benchmarks/images_per_second.py"


def bench(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings = {"size": 32, "backbones": {"plain": {"arch": "unet", "weights": "none"}}}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    command = [sys.executable, str(BENCHMARK), "--configfile", str(folder / "config.yaml"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_small_network_is_measured(tmp_path: Path) -> None:
    told = bench(tmp_path, "--precision", "fp32", "--batch", "2", "--steps", "2")
    assert told.returncode == 0, told.stderr
    rows = list(csv.DictReader(told.stdout.splitlines()))
    assert [(row["network"], row["mode"], row["size"], row["batch"]) for row in rows] == [
        ("plain", "train", "32", "2"),
        ("plain", "predict", "32", "2"),
    ]
    for row in rows:
        assert float(row["images_per_second"]) > 1
        assert 0.1 < float(row["gib"]) < 8


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--networks", "no"), "no such network: no; there are plain"),
        (("--batch", "-1", "--mode", "train"), "not measured"),
    ],
)
def test_what_cannot_be_measured_is_told(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    ended = bench(tmp_path, "--precision", "fp32", "--steps", "1", *arguments)
    assert ended.returncode != 0
    assert told in ended.stderr
