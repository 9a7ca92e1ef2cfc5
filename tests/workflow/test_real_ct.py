"""A real CT exam through the whole workflow, where one is at hand; none is part of the project."""

import os
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from smoke_run import ROOT, Checkout

FOLDER = Path(os.environ.get("HEPAFLOW_REAL_CT", ROOT.parent / "shared" / "data"))
IMAGE, LABEL = "totalsegmentator_ct.nii.gz", "totalsegmentator_liver.nii.gz"


@pytest.mark.slow
@pytest.mark.skipif(not (FOLDER / IMAGE).is_file(), reason="needs the real CT exam that HEPAFLOW_REAL_CT names")
def test_liver_of_a_real_exam_is_learned(fresh: Checkout) -> None:
    data, rows = fresh.folder / "data/real", []
    data.mkdir(parents=True)
    for name in ("train", "test"):  # a copy for each: a file that is there twice would be refused
        for path in (IMAGE, LABEL):
            shutil.copyfile(FOLDER / path, data / f"{name}.{path}")
        rows.append(f"{name}\t{name}.{IMAGE}\t{name}.{LABEL}\t{name}")
    (fresh.folder / "config/exams/smoke.tsv").write_text("\n".join(["exam\timage\tlabel\tsplit", *rows]))
    fresh.configure(
        data="data/real",
        phantoms=None,
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
    results = fresh.folder / "results/smoke"
    metrics = pd.read_csv(results / "metrics/fusion/test.csv")
    # It was trained on this very exam: a figure below this means that something is wrong.
    fused = metrics.query("structure == 'liver' and metric == 'dice'")
    assert fused["value"].item() > 0.8

    made = nib.load(results / "segmentations/fusion/test.nii.gz")
    image, label = nib.load(FOLDER / IMAGE), nib.load(FOLDER / LABEL)
    assert made.shape == image.shape
    np.testing.assert_array_equal(made.affine, image.affine)
    liver, reference = np.asarray(made.dataobj) > 0, np.asarray(label.dataobj) > 0
    assert 2 * (liver & reference).sum() / (liver.sum() + reference.sum()) > 0.8
