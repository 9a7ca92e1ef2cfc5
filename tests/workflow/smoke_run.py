"""A copy of the project in a folder of its own, with a configuration that runs in a minute."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]

UNTRAINED = {"epochs": 1, "learning_rate": 1e-9}

SMOKE = {
    "results": "results/smoke",
    "data": "data/phantoms",
    "exams": "config/exams/smoke.tsv",
    "phantoms": {
        "size": 48,
        "slices": [8, 10],
        "slice_thickness": [16, 22],
        "lesion_free": 0,
        "lesion_radius": [14, 32],
    },
    "size": 32,
    "backbones": {
        "dense": {"arch": "densenet121", "weights": "none"},
        "plain": {"arch": "unet", "weights": "none"},
        # Stays as it was drawn: its masks are rags, of which post-processing has much to remove.
        "untrained": {"arch": "unet", "weights": "none", "training": {"liver": UNTRAINED, "lesion": UNTRAINED}},
    },
    # Not fused: it has data, sampling, prediction and post-processing of its own.
    "methods": {
        "apart": {
            "network": {"arch": "unet", "weights": "none"},
            "sampling": {"kind": "slabs", "slices": 3},
            "flips": ["horizontal"],
            # So few epochs that its liver has holes, and parts that do not belong to it.
            "training": {"loss": "dice", "epochs": 3},
            "restore": "maps",
            "stages": {
                "liver": {"postprocessing": [{"kind": "largest_component"}, {"kind": "fill_holes"}]},
                "lesion": {"postprocessing": [{"kind": "inside"}, {"kind": "min_area", "min_area": 4}]},
            },
        },
    },
    "head": {"channels": 8, "dropout": 0.1},
    "training": {
        # Enough for masks that are not empty: what is below them would be tried on nothing.
        "liver": {"epochs": 6, "batch_size": 4, "decay_every": 4, "decay_factor": 0.5, "loss": "bce+dice"},
        "lesion": {"epochs": 6, "batch_size": 4, "loss": "bce+dice"},
    },
    # So few and small steps that the networks keep equal votes: where two differ the third decides, and what they
    # fuse to is ragged as well.
    "fusion": {"sgd": {"epochs": 1, "learning_rate": 0.01}},
    "postprocessing": {"lesion": {"min_area": 8}},
    "samples": {"count": 2},
    "compute": {"accelerator": "cpu", "workers": 0},
}
EXAMS = {"one": "train", "two": "train", "three": "test", "four": "test"}


class Checkout:
    """A copy of the project in which Snakemake runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def records(self, *rules: str) -> dict[str, dict[str, Any]]:
        """Return what the jobs of some rules noted about themselves, by rule and job."""
        folder = self.folder / "results/smoke/records"
        return {
            f"{rule}/{path.stem}": json.loads(path.read_text())
            for rule in rules
            for path in sorted((folder / rule).glob("*.json"))
        }

    def snakemake(self, *arguments: str, config: str = "config/smoke.yaml") -> subprocess.CompletedProcess[str]:
        """Run Snakemake and return how it ended; standard output and error are one text."""
        chosen = ["--configfile", config] if config else []
        return subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "2", *arguments, *chosen],
            cwd=self.folder,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def planned(self, *arguments: str, config: str = "config/smoke.yaml") -> Counter[str]:
        """Return how many jobs of each rule the next run would run."""
        ended = self.snakemake(*arguments, "--dry-run", "--quiet", "rules", config=config)
        assert ended.returncode == 0, ended.stdout
        jobs: Counter[str] = Counter()
        table = ended.stdout.partition("Job stats:")[2].splitlines()
        for line in table:
            name, _, count = line.strip().rpartition(" ")
            if count.isdigit() and name.strip() not in ("", "total", "all"):
                jobs[name.strip()] = int(count)
        return jobs

    def configure(self, **changes: object) -> None:
        """Write the smoke configuration with some top-level keys changed."""
        (self.folder / "config/smoke.yaml").write_text(yaml.safe_dump(SMOKE | changes))


def checkout(folder: Path) -> Checkout:
    """Copy what git has of the project into a folder, with the smoke configuration."""
    folder.mkdir(parents=True)
    for part in ("Snakefile", "LICENSE", "workflow", "config", "profiles"):
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    made = Checkout(folder)
    made.configure()
    rows = [f"{name}\t{name}.image.nii.gz\t{name}.label.nii.gz\t{split}\n" for name, split in EXAMS.items()]
    (folder / "config/exams/smoke.tsv").write_text("exam\timage\tlabel\tsplit\n" + "".join(rows))
    return made
