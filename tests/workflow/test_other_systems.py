"""Segmentations by other systems, scored and drawn beside ours."""

import os
import re
import shutil
from collections import Counter
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from smoke_run import SMOKE, Checkout

from hepaflow.cli import main

RESULTS = Path("results/smoke")
OTHERS = {
    "reader": {"folder": "others/reader"},
    "organs": {"folder": "others/organs", "liver": [5], "lesion": []},
}


@pytest.fixture(scope="module")
def scored(completed: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return the smoke run with the references as one other system, and livers of a network as another's."""
    folder = tmp_path_factory.mktemp("predictions") / "run"
    shutil.copytree(completed.folder, folder, copy_function=shutil.copy2)
    run = Checkout(folder)
    for name in OTHERS:
        (folder / "others" / name).mkdir(parents=True)
    for exam in ("three", "four"):
        shutil.copy(folder / f"data/phantoms/{exam}.label.nii.gz", folder / f"others/reader/{exam}.nii.gz")
        image = nib.load(folder / RESULTS / f"segmentations/dense/{exam}.nii.gz")
        values = 5 * (np.asarray(image.dataobj) >= 1) + 3 * (np.asarray(image.dataobj) == 0)
        nib.save(nib.Nifti1Image(values.astype(np.int16), image.affine), folder / f"others/organs/{exam}.nii")
    run.configure(predictions=OTHERS)
    assert run.planned() == Counter(
        {
            "adopt": 4,
            "evaluate_given": 4,
            "summarise": 1,
            "tables": 2,
            "table_literature": 1,
            "figure_dice": 2,
            "figure_samples": 2,
            "viewer": 2,
            "lesions": 2,
            "figure_agreement": 2,
            "figure_detection": 1,
            "table_configuration": 1,
            "table_plan": 1,
            "provenance": 1,
            "pages_of_run": 1,
            "pages_of_structure": 2,
            "summary": 1,
            "html_report": 1,
        }
    )
    ended = run.snakemake()
    assert ended.returncode == 0, ended.stdout
    return run


def scores(run: Checkout, method: str) -> pd.DataFrame:
    table = pd.read_csv(run.folder / RESULTS / "tables/metrics.csv")
    return table[table["method"] == method].set_index(["structure", "metric", "exam"])["value"].sort_index()


def test_the_reference_agrees_with_itself(scored: Checkout) -> None:
    reader = scores(scored, "reader")
    for structure in ("liver", "lesion"):
        assert reader[structure, "dice"].tolist() == [1, 1]
        assert reader[structure, "msd_mm"].tolist() == [0, 0]
    assert (reader["lesion", "burden_error"] == 0).all()


def test_a_system_without_lesions_is_scored_for_the_liver_alone(scored: Checkout) -> None:
    organs = scores(scored, "organs")
    assert set(organs.index.get_level_values("structure")) == {"liver"}
    livers = pd.read_csv(scored.folder / RESULTS / "tables/liver.csv").set_index("method")
    assert livers.loc["organs", "with post-processing"] == pytest.approx(organs["liver", "dice"].mean(), abs=1e-4)
    assert "organs" not in pd.read_csv(scored.folder / RESULTS / "tables/lesion.csv")["method"].tolist()


def test_others_are_drawn_where_they_have_a_segmentation(scored: Checkout) -> None:
    drawn = {
        structure: (scored.folder / RESULTS / f"figures/samples.{structure}.svg").read_text()
        for structure in ("liver", "lesion")
    }
    assert ">organs<" in drawn["liver"]
    assert ">reader<" in drawn["liver"]
    assert ">reader<" in drawn["lesion"]
    assert ">organs<" not in drawn["lesion"]


def test_the_command_gives_the_same_numbers(scored: Checkout, tmp_path: Path) -> None:
    """Of our own segmentations, too; there the liver of a label map has all lesions, and is left out."""
    references = tmp_path / "references"
    references.mkdir()
    for exam in ("three", "four"):
        shutil.copy(scored.folder / f"data/phantoms/{exam}.label.nii.gz", references)
    arguments = {"organs": ["--liver", "5", "--lesion"], "reader": [], "fusion": []}
    for method, values in arguments.items():
        folder = scored.folder / RESULTS / "segmentations/fusion"
        if method in OTHERS:
            folder = scored.folder / OTHERS[method]["folder"]
        out = tmp_path / method
        assert main(["evaluate", str(folder), str(references), "--out", str(out), *values]) == 0
        found = pd.read_csv(out / "metrics.csv").set_index(["structure", "metric", "exam"])["value"].sort_index()
        expected = scores(scored, method)
        if method == "fusion":
            found, expected = (table["lesion"].drop(["burden", "burden_error"]) for table in (found, expected))
        pd.testing.assert_series_equal(found.sort_index(), expected.sort_index(), check_exact=True)


@pytest.mark.parametrize(
    ("change", "adopted"),
    [
        ({"liver": [5, 6]}, 2),
        ({"trust_grid": True}, 2),
        ({"liver": [5], "lesion": [3]}, 2),
    ],
)
def test_a_key_reruns_the_scores_alone(scored: Checkout, change: dict[str, object], adopted: int) -> None:
    scored.configure(predictions=OTHERS | {"organs": {**OTHERS["organs"], **change}})
    planned = scored.planned()
    assert planned["adopt"] == planned["evaluate_given"] == adopted
    assert not {"train", "predict", "fit_fusion", "restore", "disagreement", "evaluate", "overlap"} & set(planned)
    ours = re.findall(r"wildcards: given=(\w+)", scored.snakemake("--dry-run").stdout)
    assert set(ours) == {"organs"}


def test_a_score_that_failed_is_asked_for_again(scored: Checkout) -> None:
    """As its job leaves it: without table and record, though all that follows from it is there."""
    scored.configure(predictions=OTHERS)
    gone = [
        scored.folder / RESULTS / name
        for name in ("metrics/organs/three.csv", "records/evaluate_given/organs.three.json")
    ]
    for path in gone:
        path.rename(path.with_suffix(".away"))
    planned = scored.planned()
    for path in gone:
        path.with_suffix(".away").rename(path)
    assert (planned["evaluate_given"], planned["evaluate"], planned["adopt"]) == (1, 0, 0)
    assert planned["summarise"] == 1
    assert scored.planned() == {}


def test_the_content_of_the_files_counts_and_neither_their_place_nor_their_time(scored: Checkout) -> None:
    moved = scored.folder / "others/moved"
    shutil.copytree(scored.folder / "others/organs", moved)
    scored.configure(predictions=OTHERS | {"organs": {**OTHERS["organs"], "folder": "others/moved/"}})
    assert scored.planned() == {}
    (moved / "other").write_bytes((moved / "three.nii").read_bytes()[:-1] + b"?")
    os.utime(moved / "other", (10**9, 10**9))
    (moved / "other").rename(moved / "three.nii")
    assert scored.planned()["adopt"] == 1
    shutil.rmtree(moved)
    scored.configure(predictions=OTHERS)
    assert scored.planned() == {}


def test_a_missing_file_stops_the_run(scored: Checkout) -> None:
    scored.configure(predictions={"absent": {"folder": "others/nowhere"}})
    ended = scored.snakemake("--dry-run")
    assert ended.returncode != 0
    assert "predictions.absent" in ended.stdout
    assert "three" in ended.stdout
    assert "Traceback" not in ended.stdout


def test_a_name_that_a_backbone_has_is_refused(scored: Checkout) -> None:
    scored.configure(predictions={"dense": {"folder": "others/reader"}})
    ended = scored.snakemake("--dry-run")
    assert ended.returncode != 0
    assert "taken by a backbone" in ended.stdout
    assert SMOKE["backbones"].keys() >= {"dense"}
