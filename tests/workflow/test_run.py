"""A small run from phantom exams to the tables, and what a second one does."""

import hashlib
import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import yaml
from smoke_run import EXAMS, SMOKE, Checkout

from hepaflow.evaluation.metrics.overlap import dice
from hepaflow.evaluation.scores import read_scores
from hepaflow.masks.file import Masks
from hepaflow.masks.restore import read_restored
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.system.call import NOTE
from hepaflow.volumes.labels import read_labels

FUSED = ("dense", "plain", "untrained")
NETWORKS = (*FUSED, "apart")
METHODS = (*NETWORKS, "fusion")
TEST = [name for name, split in EXAMS.items() if split == "test"]


def test_every_artifact_is_there(completed: Checkout) -> None:
    results = completed.folder / "results/smoke"
    expected = [f"exams/{exam}.json" for exam in EXAMS]
    expected += [f"preprocessed/{stage}/{exam}.safetensors" for stage in ("liver", "lesion") for exam in EXAMS]
    expected += [f"preprocessed/lesion-apart/{exam}.safetensors" for exam in TEST]
    for stage in ("liver", "lesion"):
        expected += [f"models/{stage}/{name}.{end}" for name in NETWORKS for end in ("safetensors", "history.csv")]
        expected += [f"maps/{stage}/{name}.train.npz" for name in FUSED]
        expected += [f"maps/{stage}/{name}.test.npz" for name in METHODS]
        expected += [f"fusion/{stage}.json"]
        expected += [f"clean/{stage}/{name}.test.npz" for name in METHODS]
    expected += [f"segmentations/{name}/{exam}.nii.gz" for name in METHODS for exam in TEST]
    expected += [f"metrics/{name}/{exam}.csv" for name in METHODS for exam in TEST]
    expected += [f"metrics/{exam}.{table}.csv" for exam in TEST for table in ("overlap", "uncertainty", "lesions")]
    for stage in ("liver", "lesion"):
        expected += [f"disagreement/{stage}/{exam}.nii.gz" for exam in TEST]
        expected += [
            f"tables/{name}{stage}.csv"
            for name in ("", "scores.", "comparison.", "exams.", "uncertainty.", "flagging.", "agreement.")
        ]
        expected += [
            f"figures/{name}.{stage}.svg"
            for name in ("training", "dice", "error_overlap", "samples", "uncertainty", "extremes", "agreement")
        ]
    expected += [f"tables/{name}.csv" for name in ("metrics", "summary", "comparison", "literature", "exams")]
    expected += [f"tables/{name}.csv" for name in ("configuration", "plan", "networks", "lesions", "detection")]
    expected += ["tables/metrics.json", "tables/fusion_weights.csv", "tables/provenance.csv"]
    twins = [path.replace(".csv", ".html") for path in expected if path.startswith("tables/")]
    expected += [path for path in twins if path.endswith(".html") and path != "tables/comparison.html"]
    expected += ["figures/detection.svg", "summary.html", "summary/report.html"]
    expected += [f"viewer/{folder}{exam}.html" for folder in ("", "report/") for exam in TEST]
    assert [path for path in expected if not (results / path).is_file()] == []


def test_nothing_is_left_of_the_training_states(completed: Checkout) -> None:
    assert list((completed.folder / "results/smoke/models").rglob("*.training")) == []


@pytest.mark.parametrize("exam", TEST)
@pytest.mark.parametrize("method", METHODS)
def test_segmentations_lie_on_the_exams_grid(completed: Checkout, exam: str, method: str) -> None:
    image = nib.load(completed.folder / f"data/phantoms/{exam}.image.nii.gz")
    made = nib.load(completed.folder / f"results/smoke/segmentations/{method}/{exam}.nii.gz")
    assert made.shape == image.shape
    np.testing.assert_array_equal(made.affine, image.affine)
    assert made.header.get_xyzt_units() == image.header.get_xyzt_units()
    assert set(np.unique(made.dataobj)) <= {0, 1, 2}


@pytest.mark.parametrize("exam", TEST)
def test_metrics_are_those_of_the_masks(completed: Checkout, exam: str) -> None:
    results = completed.folder / "results/smoke"
    metrics = read_scores(*(results / f"metrics/{name}/{exam}.csv" for name in METHODS))
    labels, _ = read_labels(completed.folder / f"data/phantoms/{exam}.label.nii.gz")
    for stage, reference in (("liver", labels >= 1), ("lesion", labels == 2)):
        for method in METHODS:
            data = "lesion-apart" if (stage, method) == ("lesion", "apart") else stage
            slices = SliceFile(results / f"preprocessed/{data}/{exam}.safetensors")
            mask = read_restored(results / f"clean/{stage}/{method}.test.npz", exam, slices)
            row = metrics.query(
                "structure == @stage and method == @method and processing == 'clean' and metric == 'dice'"
            )
            assert row["value"].item() == pytest.approx(dice(mask, reference))


def test_tables_are_the_means_of_the_metrics(completed: Checkout) -> None:
    results = completed.folder / "results/smoke"
    metrics = read_scores(*(results / f"metrics/{name}/{exam}.csv" for exam in TEST for name in METHODS))
    table = pd.read_csv(results / "tables/liver.csv").set_index("method")
    for method in METHODS:
        dice_of = "structure == 'liver' and method == @method and processing == 'clean' and metric == 'dice'"
        values = metrics.query(dice_of)["value"]
        assert table.loc[method, "with post-processing"] == pytest.approx(values.mean(), abs=5e-5)
    assert table["exams"].eq(len(TEST)).all()


@pytest.mark.parametrize("stage", ["liver", "lesion"])
@pytest.mark.parametrize("method", ["untrained", "apart", "fusion"])
def test_post_processing_removes_something(completed: Checkout, stage: str, method: str) -> None:
    """Or else all that is below it would be tried on masks that are equal with and without it."""
    results = completed.folder / "results/smoke"
    given, cleaned = (Masks(results / f"{folder}/{stage}/{method}.test.npz") for folder in ("maps", "clean"))
    raw, clean = (np.concatenate([masks[exam] for exam in TEST]) for masks in (given, cleaned))
    assert (clean & raw).sum() < raw.sum()
    if (method, stage) != ("fusion", "lesion"):  # whose few pixels all go, where the processor rounds otherwise
        assert (clean & raw).any()
    if method != "apart":  # whose holes are filled
        assert not (clean & ~raw).any()


@pytest.mark.parametrize("stage", ["liver", "lesion"])
def test_tables_tell_masks_with_and_without_post_processing(completed: Checkout, stage: str) -> None:
    tables = completed.folder / "results/smoke/tables"
    metrics = pd.read_csv(tables / "metrics.csv").query("structure == @stage and method == 'untrained'")
    raw, clean = (
        metrics[metrics["processing"] == name].pivot(index="exam", columns="metric", values="value")
        for name in ("raw", "clean")
    )
    assert (clean["voxels"] < raw["voxels"]).all()
    assert clean["dice"].mean() != raw["dice"].mean()
    row = pd.read_csv(tables / f"{stage}.csv").set_index("method").loc["untrained"]
    assert row["without post-processing"] == pytest.approx(raw["dice"].mean(), abs=5e-5)
    assert row["with post-processing"] == pytest.approx(clean["dice"].mean(), abs=5e-5)


def test_test_exams_references_are_unknown_to_the_networks(completed: Checkout) -> None:
    results = completed.folder / "results/smoke"
    for stage in ("liver", "lesion"):
        for exam, split in EXAMS.items():
            assert SliceFile(results / f"preprocessed/{stage}/{exam}.safetensors").has_mask == (split == "train")


def test_fusion_weights_name_what_is_fused(completed: Checkout) -> None:
    found = json.loads((completed.folder / "results/smoke/fusion/liver.json").read_text())
    assert found["methods"] == list(FUSED)
    assert sum(abs(weight) for weight in found["normalised"]) == pytest.approx(1)


def test_finished_run_has_nothing_to_do(completed: Checkout) -> None:
    assert completed.planned() == {}


def test_touched_code_and_speed_rerun_nothing(copied: Checkout) -> None:
    for path in (copied.folder / "workflow").rglob("*.py"):
        path.touch()
    helper = copied.folder / "workflow/scripts/hepaflow/volumes/resize.py"
    helper.write_text(helper.read_text() + "\n# a comment\n")
    copied.configure(
        compute={"accelerator": "auto", "workers": 2, "channels_last": True, "predict_batch_size": 3},
        backbones=dict(reversed(SMOKE["backbones"].items())),
    )
    assert copied.planned() == {}


def test_changed_threshold_reruns_what_follows_from_it(copied: Checkout) -> None:
    copied.configure(postprocessing={"lesion": {"min_area": 3}})
    jobs = copied.planned()
    assert jobs["postprocess"] == len(METHODS) - 1  # but of the one with steps of its own
    assert not {"train", "predict", "fit_fusion", "preprocess", "survey"} & set(jobs)


def test_changed_helper_reruns_the_stages_that_import_it(copied: Checkout) -> None:
    helper = copied.folder / "workflow/scripts/hepaflow/preprocessing/contrast.py"
    helper.write_text(helper.read_text().replace("np.where(liver, image,", "np.where(liver, image + 0,"))
    jobs = copied.planned()
    assert jobs["preprocess"] == len(EXAMS) + 2  # of the lesions; test exams have one for each of two livers
    assert jobs["train"] == len(NETWORKS)  # of the lesions
    assert "survey" not in jobs


def test_changed_survey_reruns_the_survey_and_what_tells_of_it(copied: Checkout) -> None:
    helper = copied.folder / "workflow/scripts/hepaflow/exams/survey.py"
    helper.write_text(helper.read_text().replace("_VALUES_OF_A_MASK = 3", "_VALUES_OF_A_MASK = 4"))
    pages = {"provenance": 1, "pages_of_run": 1, "summary": 1, "html_report": 1}
    assert copied.planned() == {"survey": len(EXAMS), "data_card": 1, "bundle": 1, **pages}


def test_configuration_stays_as_given(completed: Checkout) -> None:
    given = SMOKE | {"cache": str(completed.folder.parent / "cache")}
    assert yaml.safe_load((completed.folder / "config/smoke.yaml").read_text()) == given


def test_an_unfinished_run_would_be_gone_on_with_as_it_was_called(completed: Checkout) -> None:
    call = json.loads((completed.folder / "results/smoke" / NOTE).read_text())
    assert call["results"] == "results/smoke"
    assert call["configfiles"] == ["config/smoke.yaml"]


def test_every_job_has_a_record(completed: Checkout) -> None:
    records = completed.folder / "results/smoke/records"
    logs = completed.folder / "results/smoke/logs"
    expected = {path.relative_to(logs).with_suffix("") for path in logs.rglob("*.log")}
    assert {path.relative_to(records).with_suffix("") for path in records.rglob("*.json")} == expected
    for path in records.rglob("*.json"):
        record = json.loads(path.read_text())
        assert record["code"]
        assert record["versions"]["python"]
        for name, digest in {**record["inputs"], **record["outputs"]}.items():
            assert hashlib.sha256((completed.folder / name).read_bytes()).hexdigest() == digest, name


def test_provenance_counts_the_jobs(completed: Checkout) -> None:
    table = pd.read_csv(completed.folder / "results/smoke/tables/provenance.csv").set_index("rule")
    assert table.loc["train", "jobs"] == 2 * len(NETWORKS)
    assert table.loc["train", "restored"] == 0
    assert "torch " in table.loc["train", "versions"]
    assert "torch " not in table.loc["preprocess", "versions"]
