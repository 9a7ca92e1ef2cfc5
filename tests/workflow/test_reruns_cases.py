"""Exact reruns: the cases of docs/reruns.md job by job, what failed, and what is left over."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from reruns import BACKBONES, Finished, label, with_value
from smoke_run import ROOT, SMOKE, Checkout

# The headline cases, job by job.

PAGES = {
    "summarise": 1,
    "tables.liver": 1,
    "tables.lesion": 1,
    "table_literature": 1,
    "figure_dice.liver": 1,
    "figure_dice.lesion": 1,
    "figure_samples.liver": 1,
    "figure_samples.lesion": 1,
    "viewer.test": 2,
    "figure_agreement.liver": 1,
    "figure_agreement.lesion": 1,
    "lesions.test": 2,
    "figure_detection": 1,
    "provenance": 1,
    "pages_of_run": 1,
    "pages_of_structure.liver": 1,
    "pages_of_structure.lesion": 1,
    "summary": 1,
    "html_report": 1,
}
TOLD = {"table_configuration": 1, "table_plan": 1}
SCORE_JOBS = {
    **PAGES,
    "bundle": 1,  # of the fusion
    "restore.test": 8,  # the fusion and what is fused, two test exams
    "evaluate.test": 8,
    "uncertainty.test": 2,
    "figure_extremes.liver": 1,
    "figure_extremes.lesion": 1,
    "figure_uncertainty.liver": 1,
    "figure_uncertainty.lesion": 1,
}
EVALUATION_JOBS = {**SCORE_JOBS, "overlap.test": 2, "figure_overlap.liver": 1, "figure_overlap.lesion": 1}
EVERY_METHOD = {"restore.test": 10, "evaluate.test": 10}
LESION_FUSED = {
    "fit_fusion.lesion": 1,
    "figure_weights": 1,
    "table_weights": 1,
    "fuse.lesion.test": 1,
}
LESION_MAPS = {"disagreement.lesion.test": 2}
MAPS = {"disagreement.liver.test": 2, **LESION_MAPS}
HEADLINES: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "one backbone's epochs for the lesion stage": (
        {"backbones": {**BACKBONES, "dense": {**BACKBONES["dense"], "training": {"lesion": {"epochs": 2}}}}},
        {
            "train.lesion": 1,
            "figure_training.lesion": 1,
            "table_networks": 1,
            "predict.lesion.train": 1,
            "predict.lesion.test": 1,
            "postprocess.lesion.test": 2,  # its own masks and the fused ones
            **LESION_FUSED,
            **LESION_MAPS,
            **EVALUATION_JOBS,
            **TOLD,
            "restore.test": 4,  # the other backbones' segmentations and scores stay
            "evaluate.test": 4,
        },
    ),
    "one backbone's architecture": (
        {"backbones": {**BACKBONES, "dense": {"arch": "densenet169", "weights": "none"}}},
        {
            "train.liver": 1,
            "figure_training.liver": 1,
            "predict.liver.train": 1,
            "predict.liver.test": 1,
            "fit_fusion.liver": 1,
            "fuse.liver.test": 1,
            "postprocess.liver.test": 2,
            "preprocess.lesion.test": 2,  # their volume of interest; the training exams' comes from the reference
            "train.lesion": 1,  # starts from the liver network
            "figure_training.lesion": 1,
            "table_networks": 1,
            "predict.lesion.train": 1,
            "predict.lesion.test": 3,
            "postprocess.lesion.test": 4,
            **LESION_FUSED,
            **MAPS,
            **EVALUATION_JOBS,
            **TOLD,
        },
    ),
    "the fusion's learning rate": (
        {"fusion": {"sgd": {"learning_rate": 5.0}}},
        {
            "fit_fusion.liver": 1,
            "fuse.liver.test": 1,
            "postprocess.liver.test": 1,
            "preprocess.lesion.test": 2,
            "predict.lesion.test": 3,
            "postprocess.lesion.test": 4,
            **LESION_FUSED,
            **LESION_MAPS,
            **EVALUATION_JOBS,
            **TOLD,
        },
    ),
    "a threshold of the liver's post-processing": (
        {"postprocessing": {"liver": {"min_area_ratio": 0.5}, "lesion": {"min_area": 8}}},
        {
            "postprocess.liver.test": 4,  # the method beside the backbones has steps of its own
            "fuse.liver.test": 1,
            "preprocess.lesion.test": 2,
            "predict.lesion.test": 3,
            "postprocess.lesion.test": 4,
            "fuse.lesion.test": 1,
            **MAPS,
            **EVALUATION_JOBS,
            **TOLD,
        },
    ),
    "a threshold of the lesions' post-processing": (
        {"postprocessing": {"lesion": {"min_area": 4}}},
        {"postprocess.lesion.test": 4, "fuse.lesion.test": 1, **LESION_MAPS, **SCORE_JOBS, **TOLD},
    ),
    "CLAHE's clip limit": (
        {"contrast": {"clip_limit": 0.03}},
        {
            "preprocess.lesion.train": 2,
            "preprocess.lesion.test": 2,
            "preprocess.lesion-apart.test": 2,
            "train.lesion": 4,
            "figure_training.lesion": 1,
            "table_networks": 1,
            "predict.lesion.train": 3,
            "predict.lesion.test": 4,
            "postprocess.lesion.test": 5,
            **LESION_FUSED,
            **LESION_MAPS,
            **EVALUATION_JOBS,
            **TOLD,
            **EVERY_METHOD,
        },
    ),
    "one more backbone": (
        {"backbones": {**BACKBONES, "third": {"arch": "resnet50", "weights": "none"}}},
        {
            "train.liver": 1,
            "figure_training.liver": 1,
            "predict.liver.train": 1,
            "predict.liver.test": 1,
            "fit_fusion.liver": 1,
            "fuse.liver.test": 1,
            "postprocess.liver.test": 2,
            "preprocess.lesion.test": 2,
            "train.lesion": 1,
            "figure_training.lesion": 1,
            "table_networks": 1,
            "predict.lesion.train": 1,
            "predict.lesion.test": 4,
            "postprocess.lesion.test": 5,
            **LESION_FUSED,
            **MAPS,
            **EVALUATION_JOBS,
            **TOLD,
            "restore.test": 10,
            "evaluate.test": 10,
        },
    ),
    "one backbone fewer": (
        {"backbones": {name: BACKBONES[name] for name in ("dense", "plain")}},
        {
            "figure_training.liver": 1,
            "figure_training.lesion": 1,
            "table_networks": 1,
            "fit_fusion.liver": 1,
            "fuse.liver.test": 1,
            "postprocess.liver.test": 1,
            "preprocess.lesion.test": 2,
            "predict.lesion.test": 2,
            "postprocess.lesion.test": 3,
            **LESION_FUSED,
            **MAPS,
            **EVALUATION_JOBS,
            **TOLD,
            "restore.test": 6,
            "evaluate.test": 6,
        },
    ),
    "one more method beside the backbones": (
        {"methods": {**SMOKE["methods"], "more": {"network": {"arch": "resnet50", "weights": "none"}}}},
        {
            "train.liver": 1,
            "figure_training.liver": 1,
            "predict.liver.test": 1,
            "postprocess.liver.test": 1,
            "preprocess.lesion-more.test": 2,
            "train.lesion": 1,  # on the training exams' data that are there
            "figure_training.lesion": 1,
            "table_networks": 1,
            "predict.lesion.test": 1,
            "postprocess.lesion.test": 1,
            "restore.test": 2,
            "evaluate.test": 2,  # and no other method's scores
            **PAGES,
            **TOLD,
        },
    ),
    "segmentations by another system": (
        {"predictions": {"reader": {"folder": "given"}}},
        {
            "adopt.test": 2,
            "evaluate_given.test": 2,  # and no other method's scores
            **PAGES,
            **TOLD,
        },
    ),
}


MORE_EXAMS: dict[str, dict[str, int]] = {
    "test": {
        "phantom": 1,
        "survey": 1,
        "preprocess.liver": 1,
        "predict.liver.test": 4,  # one file holds the maps of all test exams
        "postprocess.liver.test": 5,
        "fuse.liver.test": 1,
        "preprocess.lesion": 1 + 2,
        "preprocess.lesion-apart": 1 + 2,
        "predict.lesion.test": 4,
        "postprocess.lesion.test": 5,
        "fuse.lesion.test": 1,
        **MAPS,
        **EVALUATION_JOBS,
        **EVERY_METHOD,
        "data_card": 1,
        "restore": 5,
        "evaluate": 5,
        "overlap": 1,
        "uncertainty": 1,
        "lesions": 1,
        "disagreement.liver": 1,
        "disagreement.lesion": 1,
        "viewer": 1,
    },
    "train": {
        "phantom": 1,
        "survey": 1,
        "preprocess.liver": 1,
        "preprocess.lesion": 1,
        "train.liver": 4,
        "train.lesion": 4,
        "figure_training.liver": 1,
        "figure_training.lesion": 1,
        "table_networks": 1,
        "predict.liver.train": 3,
        "predict.liver.test": 4,
        "predict.lesion.train": 3,
        "predict.lesion.test": 4,
        "fit_fusion.liver": 1,
        "fuse.liver.test": 1,
        "postprocess.liver.test": 5,
        "preprocess.lesion.test": 2,
        "preprocess.lesion-apart.test": 2,
        "postprocess.lesion.test": 5,
        **LESION_FUSED,
        **MAPS,
        **EVALUATION_JOBS,
        **EVERY_METHOD,
        "data_card": 1,
    },
}
"""What one more exam runs, by its split."""


@pytest.mark.parametrize("case", HEADLINES)
def test_headline_case_runs_exactly_these_jobs(finished: Finished, case: str) -> None:
    change, expected = HEADLINES[case]
    assert finished.jobs(SMOKE | change) == Counter(expected)


@pytest.mark.parametrize("split", MORE_EXAMS)
def test_one_more_exam_runs_exactly_these_jobs(finished: Finished, split: str) -> None:
    sheet = finished.folder / "config/exams/more.tsv"
    row = f"five\tfive.image.nii.gz\tfive.label.nii.gz\t{split}\n"
    sheet.write_text((finished.folder / "config/exams/smoke.tsv").read_text() + row)
    jobs = finished.jobs(SMOKE | {"exams": "config/exams/more.tsv"})
    if split == "test":  # the new exam has no split in the labels, the others have
        for data in ("preprocess.lesion", "preprocess.lesion-apart"):
            jobs[data] += jobs.pop(f"{data}.test")
    assert jobs == Counter(MORE_EXAMS[split])


# What failed.


def test_a_job_that_failed_runs_again_though_all_that_follows_from_it_is_there(finished: Finished) -> None:
    """As a failed job leaves it: without outputs and record. One job of every rule."""
    records = {}
    for path in sorted((finished.folder / "results/smoke/records").rglob("*.json")):
        record = json.loads(path.read_text())
        records[record["rule"]] = (path, record["outputs"])
    assert len(records) > 20
    for rule, (path, outputs) in records.items():
        made = [path, *(finished.folder / name for name in outputs)]
        for output in made:
            output.rename(output.with_name(output.name + ".away"))
        try:
            jobs = finished.would_run()
        finally:
            for output in made:
                output.with_name(output.name + ".away").rename(output)
        assert rule in {job.split(".")[0] for job in jobs}
        assert rule == "html_report" or "html_report" in jobs


# docs/reruns.md has the same numbers.

COLUMNS = {
    "preprocessing": ("preprocess",),
    "training": ("train",),
    "prediction": ("predict",),
    "fusion weights": ("fit_fusion",),
    "post-processing, fusing": ("postprocess", "fuse"),
}
PAGE_CASES = {
    **{case: jobs for case, (_, jobs) in HEADLINES.items()},
    **{
        f"one more exam to {purpose}": MORE_EXAMS[split]
        for split, purpose in (("test", "test"), ("train", "train on"))
    },
    "a caption of the report": {"html_report": 1},
}


def page_row(case: str, jobs: dict[str, int]) -> str:
    counts: Counter[str] = Counter()
    for name, count in jobs.items():
        counts[name.partition(".")[0]] += count
    cells = [sum(counts.pop(rule, 0) for rule in rules) for rules in COLUMNS.values()]
    return f"| {' | '.join([case, *(str(cell or '') for cell in cells), str(counts.total() or '')])} |"


@pytest.mark.parametrize("case", PAGE_CASES)
def test_page_says_these_numbers_of_jobs(case: str) -> None:
    assert page_row(case, PAGE_CASES[case]) in (ROOT / "docs/reruns.md").read_text().splitlines()


# When Snakemake's notes are lost.


def test_changes_are_told_even_where_snakemake_has_lost_its_notes(completed: Checkout, tmp_path: Path) -> None:
    clone = tmp_path / "moved"
    shutil.copytree(completed.folder, clone, copy_function=shutil.copy2)
    shutil.rmtree(clone / ".snakemake")  # then times are all it has: those of a run that nobody touched since
    key = "postprocessing.lesion.min_area"
    told = [job for job in Finished(clone).planned(with_value(key, 3)) if job.forgotten]
    # Of the jobs that read the key themselves: a model's bundle holds it, too, and tables tell of it.
    assert {(label(job), job.forgotten) for job in told} == {
        ("postprocess.lesion.test", ("setting postprocessing.0.min_area: 8 → 3",)),
        ("table_configuration", ("setting run.postprocessing.lesion.min_area: 8 → 3",)),
        (
            "table_plan",
            tuple(
                f"setting plan.methods.{name}.lesion.postprocessing.0.min_area: 8 → 3"
                for name in sorted([*BACKBONES, "fusion"])
            ),
        ),
        (
            "bundle",
            tuple(
                f"setting methods.{name}.lesion.postprocessing.0.min_area: 8 → 3"
                for name in sorted([*BACKBONES, "fusion"])
            ),
        ),
    }


def test_a_record_that_is_not_whole_tells_nothing(finished: Finished) -> None:
    records = sorted((finished.folder / "results/smoke/records").glob("*/*.json"))[:4]
    before = [record.read_text() for record in records]
    for record, damaged in zip(records, ("{", "[]", '{"settings": 1}', '{"inputs": {}}'), strict=True):
        record.write_text(damaged)
    try:
        planned = finished.planned()
    finally:
        for record, text in zip(records, before, strict=True):
            record.write_text(text)
    assert not any(job.forgotten for job in planned)


def test_a_folder_that_cannot_be_written_is_told(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), "iocache")

    monkeypatch.setattr("snakemake.persistence.PersistenceBase.save_iocache", refuse)
    with pytest.raises(SystemExit, match="a read-only file system") as caught:
        finished.planned()
    assert "what to do" in str(caught.value)


def test_other_installed_libraries_are_told_but_do_not_count(finished: Finished) -> None:
    record = finished.folder / "results/smoke/records/fit_fusion/liver.fusion.json"
    before = record.read_text()
    record.write_text(before.replace('"scipy": "', '"scipy": "0.'))
    try:
        planned = finished.planned()
    finally:
        record.write_text(before)
    (job,) = [job for job in planned if job.note]
    assert label(job) == "fit_fusion.liver"
    assert job.note[0].startswith("scipy 0.")
    assert not job.runs


def test_files_of_what_is_gone_are_told_and_removed_on_request(finished: Finished, tmp_path: Path) -> None:
    clone = Finished(tmp_path / "run")
    shutil.copytree(finished.folder, clone.folder, copy_function=shutil.copy2)
    less = SMOKE | {"backbones": {"dense": BACKBONES["dense"]}}
    assert prune(clone, SMOKE) == "Nothing is left over from earlier runs."
    listed = prune(clone, less)
    for name in (
        "models/liver/plain.safetensors",
        "segmentations/plain/three.nii.gz",
        "metrics/plain/three.csv",
        "logs/evaluate/plain.three.log",
        "logs/train/liver.plain.log",
    ):
        assert f"results/smoke/{name}" in listed
        assert (clone.folder / "results/smoke" / name).exists()
    assert "dense.safetensors" not in listed
    assert "metrics/dense" not in listed
    assert "Nothing was removed" in listed
    others = clone.folder / "results/smoke/models/liver/mine.txt"
    others.touch()
    assert "Removed" in prune(clone, less, "--remove")
    assert not [path for path in (clone.folder / "results").rglob("*plain*") if path.is_file()]
    assert others.exists()
    assert prune(clone, less) == "Nothing is left over from earlier runs."
    assert {label(job) for job in clone.planned(less) if job.runs} == set(HEADLINES["one backbone fewer"][1])


def prune(run: Finished, config: dict[str, Any], *arguments: str) -> str:
    (run.folder / "config/changed.yaml").write_text(yaml.safe_dump(config))
    note = run.folder / "results/smoke/logs/call.json"  # as if this had been the last run's
    note.write_text(note.read_text().replace("config/smoke.yaml", "config/changed.yaml"))
    chosen = ["--configfile", "config/changed.yaml", "--directory", str(run.folder), *arguments]
    done = subprocess.run(
        [sys.executable, ROOT / "workflow/prune.py", *chosen],
        cwd=run.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
