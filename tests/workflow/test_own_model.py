"""The model that a run ends with segments its exams as the run did."""

import json
import re
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from dicom_series import Phantom, write
from safetensors.torch import load, load_file
from scipy import ndimage
from smoke_run import SMOKE, UNTRAINED, Checkout

from hepaflow.files import sha256
from hepaflow.masks.postprocess import clean
from hepaflow.methods.plan import model_of, networks_of, votes_of
from hepaflow.methods.thesis import plan_of
from hepaflow.model.bundle import read_bundle
from hepaflow.model.card import STARTED
from hepaflow.model.members import CARD
from hepaflow.model.segmenter import Segmenter
from hepaflow.model.shipped import SHIPPED
from hepaflow.model.trained import model_of_run
from hepaflow.names import STAGES
from hepaflow.segment.outside_liver import MARGIN_MM
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.plan import Plan
from hepaflow.settings.workflow import read_settings
from hepaflow.volumes.labels import label_map, read_labels
from hepaflow.volumes.volume import read_image, read_stored


@pytest.fixture(scope="module")
def segmenter(completed: Checkout) -> Segmenter:
    model = read_bundle(completed.folder / "results/smoke/hepaflow-model.zip")
    return Segmenter(model, ComputeSettings(accelerator="cpu", workers=0), threads=1)


@pytest.mark.parametrize("exam", ["three", "four"])
def test_one_process_gives_voxel_for_voxel_what_the_run_gave(
    completed: Checkout, segmenter: Segmenter, exam: str
) -> None:
    results = completed.folder / "results/smoke"
    hu, grid = read_image(completed.folder / f"data/phantoms/{exam}.image.nii.gz")
    found = segmenter.segment(hu)
    labels, _ = read_labels(results / f"segmentations/fusion/{exam}.nii.gz", image=grid)
    np.testing.assert_array_equal(found.labels, labels)
    assert (labels > 0).any()
    for stage, percent in found.disagreement.items():
        stored, _, _, _ = read_stored(results / f"disagreement/{stage}/{exam}.nii.gz", exam)
        np.testing.assert_array_equal(percent, stored)
        assert percent.any()


@pytest.mark.parametrize("method", [*SMOKE["backbones"], *SMOKE["methods"], "fusion"])
def test_every_method_has_the_same_label_maps_in_one_process(completed: Checkout, method: str) -> None:
    """By the plan that the rules follow, and the files that they made."""
    results = completed.folder / "results/smoke"
    plan = model_of(plan_of(read_settings(SMOKE)), method)
    networks = [results / f"models/{stage}/{network}.safetensors" for network, stage in networks_of(plan)]
    votes = [results / f"{vote}/{stage}.json" for vote, stage in votes_of(plan)]
    model = model_of_run(Plan.model_validate_json(plan.canonical()), networks, votes)
    whole = Segmenter(model, ComputeSettings(accelerator="cpu", workers=0), threads=1)
    for exam in ("three", "four"):
        hu, grid = read_image(completed.folder / f"data/phantoms/{exam}.image.nii.gz")
        labels, _ = read_labels(results / f"segmentations/{method}/{exam}.nii.gz", image=grid)
        assert (labels == 1).any()
        np.testing.assert_array_equal(whole.segment(hu).labels, labels)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("fused", [False, True], ids=["networks", "fusion"])
def test_without_one_post_processing_the_result_is_another(
    completed: Checkout, segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch, stage: str, fused: bool
) -> None:
    """Left out of one place: of the masks of a stage's networks, or of what they fuse to."""
    results = completed.folder / "results/smoke"
    order = [(name, last) for name in STAGES for last in (*[False] * len(SMOKE["backbones"]), True)]
    differing = 0
    for exam in ("three", "four"):
        places = iter(order)
        monkeypatch.setattr(
            "hepaflow.model.segmenter.clean",
            lambda maps, how, region, places=places: clean(
                maps, () if next(places) == (stage, fused) else how, region
            ),
        )
        hu, grid = read_image(completed.folder / f"data/phantoms/{exam}.image.nii.gz")
        found = segmenter.segment(hu)
        assert next(places, None) is None
        labels, _ = read_labels(results / f"segmentations/fusion/{exam}.nii.gz", image=grid)
        stored, _, _, _ = read_stored(results / f"disagreement/{stage}/{exam}.nii.gz", exam)
        differing += int((found.labels != labels).sum() + (found.disagreement[stage] != stored).sum())
    assert differing


def test_the_card_tells_data_networks_and_scores(completed: Checkout) -> None:
    model = completed.folder / "results/smoke/hepaflow-model.zip"
    with zipfile.ZipFile(model) as archive:
        card = archive.read(CARD).decode()
    assert "2 exams to train and 2 to test, phantoms" in card
    assert "Not a medical device" in card
    for network in ("| liver dense | 32×32 pixels, -250 to 250 HU | densenet121 | 6 |", "HU | unet | 6 |"):
        assert network in card
    summary = json.loads((completed.folder / "results/smoke/tables/metrics.json").read_text())
    dice = summary["liver"]["fusion"]["clean"]["dice"]["mean"]["value"]
    assert f"{dice:.3f}" in next(line for line in card.splitlines() if line.startswith("| Dice, mean |"))


def test_provenance_names_no_file_and_no_exam(completed: Checkout) -> None:
    told = json.dumps(read_bundle(completed.folder / "results/smoke/hepaflow-model.zip").provenance)
    assert "train liver dense" in told
    assert "preprocessed" not in re.sub(r"hepaflow\.[\w.]+", "", told)  # but in names of modules
    assert str(completed.folder) not in told


def train_further(run: Checkout) -> None:
    """Train one of the networks further, with hardly any learning rate; its liver network stays as it is."""
    further = {
        "arch": "unet",
        "weights": "results/smoke/hepaflow-model.zip",
        "training": {"liver": {"epochs": 0}, "lesion": UNTRAINED | {"start": "backbone"}},
    }
    run.configure(results="results/further", backbones={"plain": further}, methods={}, model="plain")


def test_networks_start_from_the_model_of_an_earlier_run(copied: Checkout) -> None:
    train_further(copied)
    before = copied.folder / "results/smoke/hepaflow-model.zip"
    targets = [f"results/further/models/{stage}/plain.safetensors" for stage in STAGES]
    ended = copied.snakemake(*targets, "--quiet")
    assert ended.returncode == 0, ended.stdout
    for stage, target in zip(STAGES, targets, strict=True):
        found, first = load_file(copied.folder / target), load(read_bundle(before).network(stage, "plain"))
        assert found.keys() == first.keys()
        learned = [name for name in found if "running" not in name and found[name].is_floating_point()]
        assert all(torch.allclose(found[name], first[name], atol=1e-6) for name in learned)
        assert stage != "liver" or all(torch.equal(found[name], first[name]) for name in found)
    shutil.copy(SHIPPED, before)  # another model
    ended = copied.snakemake(*targets, "--quiet")
    assert ended.returncode == 1
    assert "a model without networks/liver/plain.safetensors" in ended.stdout


def test_a_run_that_trains_nothing_scores_a_model_on_test_exams_alone(copied: Checkout) -> None:
    sheet = copied.folder / "config/exams/smoke.tsv"
    lines = sheet.read_text().splitlines(keepends=True)
    sheet.write_text("".join(line for line in lines if not line.rstrip().endswith("train")))
    weights = "results/smoke/hepaflow-model.zip"
    copied.configure(
        results="results/scored",
        backbones={},
        model="plain",
        methods={
            "plain": {
                "network": {"arch": "unet", "weights": weights},
                "training": {"epochs": 0, "start": "backbone"},
            }
        },
    )
    target = "results/scored/hepaflow-model.zip"
    assert copied.planned(target) == {
        "preprocess": 4, "train": 2, "predict": 2, "postprocess": 2, "evaluate": 2, "bundle": 1
    }  # fmt: skip
    ended = copied.snakemake(target, "--quiet")
    assert ended.returncode == 0, ended.stdout
    first, scored = (read_bundle(copied.folder / name) for name in (weights, target))
    for stage in STAGES:
        taken, own = (load(bundle.network(stage, "plain")) for bundle in (scored, first))
        assert taken.keys() == own.keys()
        assert all(torch.equal(taken[name], own[name]) for name in own)
    assert first.origin is not None
    assert scored.origin is not None
    assert scored.origin.dice != first.origin.dice  # of the fusion
    assert scored.origin == replace(first.origin, dice=scored.origin.dice, test_phantoms=True)


@pytest.mark.slow
def test_a_model_tells_what_its_networks_started_from(copied: Checkout) -> None:
    train_further(copied)
    before, after = (f"results/{name}/hepaflow-model.zip" for name in ("smoke", "further"))
    ended = copied.snakemake(after, "--quiet")
    assert ended.returncode == 0, ended.stdout
    started, bundle = (read_bundle(copied.folder / name) for name in (before, after))
    assert bundle.provenance[STARTED] == {sha256(copied.folder / before): started.provenance}
    assert "Networks started from a model trained on 2 synthetic phantoms, no patient" in bundle.card
    assert "(MIT)" in bundle.card


def test_a_new_exam_is_two_jobs_and_has_what_the_command_writes(copied: Checkout, segmenter: Segmenter) -> None:
    """A NIfTI file and a folder with a DICOM series, without labels; nothing else runs again for them."""
    phantom = Phantom(stored=np.random.default_rng(3).integers(900, 1200, (4, 40, 48)).astype(np.int16))
    write(phantom.slices(), copied.folder / "data/phantoms/scan")
    sheet = copied.folder / "config/exams/smoke.tsv"
    shutil.copy(copied.folder / "data/phantoms/three.image.nii.gz", copied.folder / "data/phantoms/mine.nii.gz")
    sheet.write_text(sheet.read_text() + "mine\tmine.nii.gz\t\tnew\nscanned\tscan\t\tnew\n")
    assert copied.planned() == {"segment": 2, "present": 2}
    ended = copied.snakemake("--cores", "1")  # as many threads as the run's predictions had
    assert ended.returncode == 0, ended.stdout
    results = copied.folder / "results/smoke"
    files = {"segmentation.nii.gz", "measurements.json", "report.html", "thumbnail.webp", ".sha256"}
    assert {path.name for path in (results / "new/mine").iterdir()} == files
    assert {path.name for path in (results / "new/scanned").iterdir()} == files | {"segmentation.dcm", "overlay"}
    hu, grid = read_image(copied.folder / "data/phantoms/three.image.nii.gz")
    found = segmenter.segment(hu)  # which is what the run has, by the first test
    near = ndimage.distance_transform_edt(~found.liver, sampling=grid.spacing) <= MARGIN_MM
    np.testing.assert_array_equal(
        read_labels(results / "new/mine/segmentation.nii.gz")[0], label_map(found.liver, found.lesion & near)
    )
    assert (found.lesion & ~near).sum() == json.loads((results / "new/mine/measurements.json").read_text())[
        "outside_liver"
    ]["voxels"]
    told = json.loads((results / "new/scanned/measurements.json").read_text())
    bundle = read_bundle(results / "hepaflow-model.zip")
    assert told["model"] == bundle.identity
    assert bundle.origin is not None
    assert bundle.origin.in_words.startswith("trained on 2 synthetic phantoms, no patient; test Dice liver 0.")
    assert told["model_origin"] == {"in_words": bundle.origin.in_words, **bundle.origin.as_json()}
    assert copied.planned() == {}

    record = (
        results / "records/segment/mine.json"
    )  # as a job that failed leaves it, with the result of an earlier run
    for path in (record, results / "segmented/mine.npz"):
        path.unlink()
    assert copied.planned() == {"segment": 1, "present": 1}
