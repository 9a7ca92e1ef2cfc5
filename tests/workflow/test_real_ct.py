"""A real CT exam through the whole workflow, where one is at hand; none is part of the project."""

import os
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import yaml
from smoke_run import ROOT, Checkout

FOLDER = Path(os.environ.get("HEPAFLOW_REAL_CT", ROOT.parent / "shared" / "data"))
IMAGE, LABEL = "totalsegmentator_ct.nii.gz", "totalsegmentator_liver.nii.gz"


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (FOLDER / IMAGE).is_file(), reason="needs the real CT exam that HEPAFLOW_REAL_CT names"
    ),
]


def with_real_exam(fresh: Checkout, **settings: object) -> None:
    """Set up a run that trains on the real exam, and is tested with it."""
    data, rows = fresh.folder / "data/real", []
    data.mkdir(parents=True)
    for name in ("train", "test"):  # a copy for each: a file that is there twice would be refused
        for path in (IMAGE, LABEL):
            shutil.copyfile(FOLDER / path, data / f"{name}.{path}")
        rows.append(f"{name}\t{name}.{IMAGE}\t{name}.{LABEL}\t{name}")
    (fresh.folder / "config/exams/smoke.tsv").write_text("\n".join(["exam\timage\tlabel\tsplit", *rows]))
    fresh.configure(data="data/real", phantoms=None, **settings)


def liver_dice(fresh: Checkout, method: str) -> float:
    metrics = pd.read_csv(fresh.folder / f"results/smoke/metrics/{method}/test.csv")
    return float(
        metrics.query("structure == 'liver' and metric == 'dice' and processing != 'raw'")["value"].item()
    )


def test_liver_of_a_real_exam_is_learned(fresh: Checkout) -> None:
    with_real_exam(
        fresh,
        size=64,
        backbones={"densenet121": {"arch": "densenet121", "weights": "none"}},
        head={"rates": [1, 2, 3], "channels": 64, "dropout": 0},
        training={
            "liver": {"epochs": 6, "batch_size": 8, "decay_factor": 0.2, "decay_every": 4, "loss": "bce+dice"},
            "lesion": {"epochs": 1, "batch_size": 8},
        },
    )
    ended = fresh.snakemake()
    assert ended.returncode == 0, ended.stdout
    # It was trained on this very exam: a figure below this means that something is wrong.
    assert liver_dice(fresh, "fusion") > 0.8

    made = nib.load(fresh.folder / "results/smoke/segmentations/fusion/test.nii.gz")
    image, label = nib.load(FOLDER / IMAGE), nib.load(FOLDER / LABEL)
    assert made.shape == image.shape
    np.testing.assert_array_equal(made.affine, image.affine)
    liver, reference = np.asarray(made.dataobj) > 0, np.asarray(label.dataobj) > 0
    assert 2 * (liver & reference).sum() / (liver.sum() + reference.sum()) > 0.8


def test_the_demos_modern_recipe_learns_a_real_liver_better(fresh: Checkout) -> None:
    """The exam's label has no lesions: their network trains for one mini-batch."""
    modern = yaml.safe_load((ROOT / "config/demo.yaml").read_text(encoding="utf-8"))["methods"]["modern"]
    modern["stages"]["liver"]["training"] = {"oversample": modern["training"].pop("oversample")}
    modern["stages"]["lesion"]["training"] = {"epochs": 1, "batches_per_epoch": 1}
    with_real_exam(fresh, size=96, backbones={}, model="modern", methods={"modern": modern}, training={})
    ended = fresh.snakemake("results/smoke/metrics/modern/test.csv")
    assert ended.returncode == 0, ended.stdout
    assert liver_dice(fresh, "modern") > 0.96  # on the exam that it was trained on, too
