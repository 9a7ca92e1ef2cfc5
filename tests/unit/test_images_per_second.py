"""The benchmark: a row for each network, precision and mode, measured in a process of its own."""

import csv
from pathlib import Path

import pytest
import yaml
from benchmarks.images_per_second import main


def bench(folder: Path, *arguments: str) -> int:
    settings = {"size": 32, "backbones": {"plain": {"arch": "unet", "weights": "none"}}}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    return main(["--configfile", str(folder / "config.yaml"), *arguments])


def test_a_small_network_is_measured(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert bench(tmp_path, "--precision", "fp32", "--batch", "2", "--steps", "2") == 0
    rows = list(csv.DictReader(capfd.readouterr().out.splitlines()))
    assert [(row["network"], row["mode"], row["size"], row["batch"]) for row in rows] == [
        ("plain", "train", "32", "2"),
        ("plain", "predict", "32", "2"),
    ]
    for row in rows:
        assert float(row["images_per_second"]) > 1
        assert 0.1 < float(row["gib"]) < 8


def test_a_network_that_is_not_there_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        bench(tmp_path, "--networks", "no")
    assert ended.value.code == 2
    assert "no such network: no; there are plain" in capfd.readouterr().err


def test_what_cannot_be_measured_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert bench(tmp_path, "--precision", "fp32", "--steps", "1", "--batch", "-1", "--mode", "train") == 1
    assert "plain, fp32, train: not measured" in capfd.readouterr().err
