"""Exact reruns: files of exams by their content, and what is no change."""

import ast
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from reruns import (
    ALL_NETWORKS,
    APART,
    CONFIGURATION,
    LESION_NETWORKS,
    LIVER_CLEAN,
    NETWORKS,
    OF_THE_RUN,
    OVERLAP,
    PLAN,
    SCORES,
    SCRIPTS,
    TABLES_OF_STRUCTURES,
    Finished,
    following,
    label,
    longer,
    names,
    with_value,
)
from smoke_run import EXAMS, ROOT, SMOKE, Checkout, checkout
from why import plan

from hepaflow.exams.sheet import read_sheet
from hepaflow.methods.inputs import Inputs
from hepaflow.methods.thesis import plan_of
from hepaflow.settings.workflow import read_settings

# What is no change.


def test_nothing_has_changed(finished: Finished) -> None:
    assert finished.would_run() == set()


def test_touching_every_file_reruns_nothing(finished: Finished) -> None:
    for folder in ("data", "results", "workflow", "config"):
        for path in sorted((finished.folder / folder).rglob("*"), reverse=True):
            path.touch()
    assert finished.would_run() == set()


def test_a_fresh_clone_over_existing_results_reruns_nothing(finished: Finished, tmp_path: Path) -> None:
    clone = checkout(tmp_path / "clone").folder
    for part in ("results", "data", ".snakemake"):
        shutil.copytree(finished.folder / part, clone / part)  # with new times
    shutil.copy(clone / "config/exams/smoke.tsv", clone / "config/exams/copy.tsv")
    assert Finished(clone).would_run() == set()


def test_comments_docstrings_and_formatting_rerun_nothing(finished: Finished) -> None:
    scripts = finished.folder / SCRIPTS
    kept = {path: path.read_text(encoding="utf-8") for path in scripts.rglob("*.py")}
    try:
        for path, text in kept.items():
            # Parsed and written anew: other quotes, brackets and line breaks, and no comment at all.
            path.write_text("# A comment.\n\n" + ast.unparse(ast.parse(text)) + '\n"""Said after."""\n')
        assert finished.would_run() == set()
    finally:
        for path, text in kept.items():
            path.write_text(text, encoding="utf-8")


def test_the_order_of_keys_reruns_nothing(finished: Finished) -> None:
    def reversed_keys(tree: Any) -> Any:
        if isinstance(tree, dict):
            return {key: reversed_keys(tree[key]) for key in reversed(tree)}
        return tree

    path = finished.folder / "config/changed.yaml"
    path.write_text(yaml.safe_dump(reversed_keys(SMOKE), sort_keys=False))
    assert not any(job.runs for job in plan(finished.folder, str(path)))


@pytest.mark.parametrize("cores", ["1", "7"])
def test_other_thread_and_job_counts_rerun_nothing(finished: Finished, cores: str) -> None:
    config = SMOKE | {"compute": {"accelerator": "auto", "workers": 3, "devices": 2, "channels_last": True}}
    (finished.folder / "config/smoke.yaml").write_text(yaml.safe_dump(config))
    try:
        assert Checkout(finished.folder).planned("--cores", cores) == {}
    finally:
        (finished.folder / "config/smoke.yaml").write_text(yaml.safe_dump(SMOKE))


def test_a_caption_reruns_the_report_alone(finished: Finished) -> None:
    path = finished.folder / "workflow/report/figure_dice.rst"
    before = path.read_text()
    path.write_text(before + "\nOne more sentence.\n")
    assert finished.would_run() == {"html_report"}
    path.write_text(before)
    assert finished.would_run() == set()


# Files of exams.


TRAINED_ON = names("survey.train data_card preprocess.liver.train preprocess.lesion.train") | ALL_NETWORKS
FILES = {
    "data/phantoms/one.image.nii.gz": TRAINED_ON,
    "data/phantoms/one.label.nii.gz": TRAINED_ON,
    "data/phantoms/three.image.nii.gz": names("survey.test data_card preprocess.liver.test predict.liver.test")
    | LIVER_CLEAN
    | APART,
    # Only what scores and shows it reads the reference of a test exam.
    "data/phantoms/three.label.nii.gz": names("survey.test data_card") | OVERLAP | SCORES - names("restore.test"),
    "LICENSE": names("bundle provenance") | OF_THE_RUN,
    "workflow/report/figure_dice.rst": names("html_report"),
    "workflow/report/report.css": names("html_report"),
    # Captions of tables stand on their pages, too.
    "workflow/report/table_dice.rst": names("pages_of_run html_report") | TABLES_OF_STRUCTURES,
}
"""Files that no job makes, and what reads them. Others' segmentations are tried in `test_other_systems.py`, files
of weights and new exams in the tests of faults."""
REAL = SMOKE | {"phantoms": None}
OF_REAL_EXAMS = names("table_literature bundle provenance") | TABLES_OF_STRUCTURES | CONFIGURATION
"""What says that exams are phantoms, or is beside phantoms alone; the model says what it was trained on."""
LONG_AGO = 10**9


def older(path: Path) -> None:
    """Put another content in the place of a file as `cp -p`, `rsync -a` and `tar` do: with an old time."""
    other = path.with_name("other")
    other.write_bytes(path.read_bytes()[:-1] + b"?")
    os.utime(other, (LONG_AGO, LONG_AGO))
    shutil.copy2(other, path)
    other.unlink()


def linked(path: Path) -> None:
    """Put a link to another, older file in the place of a file; the link is as old, or its own time would tell."""
    other = path.with_name("other")
    other.write_bytes(path.read_bytes()[:-1] + b"?")
    os.utime(other, (LONG_AGO, LONG_AGO))
    path.unlink()
    path.symlink_to(other.resolve())
    os.utime(path, (LONG_AGO, LONG_AGO), follow_symlinks=False)


@pytest.fixture(scope="module")
def real(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Return a copy of the finished run whose phantoms are a user's exams; tests leave them as they were."""
    made = Finished(tmp_path_factory.mktemp("real") / "run")
    shutil.copytree(finished.folder, made.folder, copy_function=shutil.copy2)
    assert made.would_run(REAL) == OF_REAL_EXAMS
    return made


@pytest.mark.parametrize("change", [longer, older, linked])
@pytest.mark.parametrize("file", FILES)
def test_another_content_reruns_what_reads_it_whatever_its_time(
    real: Finished, file: str, change: Callable[[Path], None]
) -> None:
    path = real.folder / file
    shutil.copy2(path, path.with_name("before"))
    try:
        change(path)
        planned = real.planned(REAL)
    finally:
        path.unlink()
        path.with_name("before").rename(path)
        path.with_name("other").unlink(missing_ok=True)
    assert {label(job) for job in planned if job.runs} == FILES[file] | OF_REAL_EXAMS
    told = {job.rule for job in planned if any(file in reason for reason in job.reasons)}
    assert told == {job.rule for job in planned if job.runs and f"changed: {file}" in job.reasons}
    assert told


def test_another_reference_scores_its_exam_anew_by_every_method_and_no_other_exam(real: Finished) -> None:
    path = real.folder / "data/phantoms/three.label.nii.gz"
    shutil.copy2(path, path.with_name("before"))
    try:
        longer(path)
        planned = real.planned(REAL)
    finally:
        path.with_name("before").replace(path)
    rules = ("evaluate", "overlap", "uncertainty")
    scored = [(job.rule, *job.wildcards.values()) for job in planned if job.runs and job.rule in rules]
    expected = [("evaluate", method, "three") for method in (*NETWORKS, "fusion")]
    assert sorted(scored) == [*sorted(expected), ("overlap", "three"), ("uncertainty", "three")]


@pytest.mark.parametrize(
    "spelling",
    [
        {"data": "data/phantoms/"},
        {"data": "./data//phantoms"},
        {"data": "{folder}/data/phantoms"},
        {"data": "copy"},
    ],
    ids=str,
)
def test_the_same_content_at_another_path_reruns_nothing(real: Finished, spelling: dict[str, str]) -> None:
    """Also in a folder of its own, with new times."""
    if not (real.folder / "copy").exists():
        shutil.copytree(real.folder / "data/phantoms", real.folder / "copy", copy_function=shutil.copy)
    config = REAL | {key: value.format(folder=real.folder) for key, value in spelling.items()}
    assert real.would_run(config) == OF_REAL_EXAMS


def test_absolute_paths_in_the_sheet_name_the_same_files(real: Finished) -> None:
    """For every rule that reads an exam: none has a way of its own to the folder of the exams."""
    data = real.folder / "data/phantoms"
    rows = [
        f"{exam}\t{data}/{exam}.image.nii.gz\t{data}/{exam}.label.nii.gz\t{split}\n"
        for exam, split in EXAMS.items()
    ]
    sheet = real.folder / "config/exams/absolute.tsv"
    sheet.write_text("exam\timage\tlabel\tsplit\n" + "".join(rows))
    jobs = real.planned(REAL | {"exams": str(sheet.relative_to(real.folder))})
    assert {label(job) for job in jobs if job.runs} == OF_REAL_EXAMS
    of_test_exams = {
        os.path.realpath(data / f"{exam}.{kind}.nii.gz")
        for exam, split in EXAMS.items()
        if split == "test"
        for kind in ("image", "label")
    }
    samples = [job for job in jobs if job.rule == "figure_samples"]
    assert len(samples) == 2
    for job in samples:
        assert of_test_exams <= {os.path.realpath(real.folder / path) for path in job.inputs}


@pytest.mark.parametrize(
    "spelling",
    ["./results/smoke", "results/smoke/", "results//smoke", "{folder}/results/smoke", "results/../results/smoke"],
)
def test_results_have_one_spelling(finished: Finished, spelling: str) -> None:
    results = {"results": spelling.format(folder=finished.folder)}
    assert finished.would_run(SMOKE | results) == set()
    key = "postprocessing.lesion.min_area"
    value, expected = following(key)
    assert finished.would_run(with_value(key, value) | results) == expected


def test_results_that_a_link_names_are_known_by_the_name_that_made_them(
    finished: Finished, tmp_path: Path
) -> None:
    clone = Finished(tmp_path / "run")
    shutil.copytree(finished.folder, clone.folder, copy_function=shutil.copy2)
    (clone.folder / "linked").symlink_to("results")
    key = "postprocessing.lesion.min_area"
    value, expected = following(key)
    assert clone.would_run(SMOKE | {"results": "linked/smoke"}) == set()
    assert clone.would_run(with_value(key, value) | {"results": "linked/smoke"}) == expected


def test_every_input_that_no_job_makes_is_checked_at_start(real: Finished) -> None:
    """From one list: what stands in it is what jobs read, and no more."""
    sheet = real.folder / "config/exams/new.tsv"
    sheet.write_text((real.folder / "config/exams/smoke.tsv").read_text() + "five\tnew.nii.gz\t\tnew\n")
    shutil.copy(real.folder / "data/phantoms/one.image.nii.gz", real.folder / "data/phantoms/new.nii.gz")
    (real.folder / "w.pth").touch()
    config = with_value("backbones.NAME.weights", "w.pth") | {
        "phantoms": None,
        "exams": "config/exams/new.tsv",
        "predictions": {"reader": {"folder": "given"}},
    }
    jobs = real.planned(config)
    made = {path for job in jobs for path in job.products}
    read = {path for job in jobs for path in job.inputs if path not in made}
    settings = read_settings(config | {"data": str(real.folder / "data/phantoms")})
    parts = {"LICENSE", *(f"workflow/report/{path.name}" for path in (ROOT / "workflow/report").iterdir())}
    listed = {one.path for one in Inputs(settings, plan_of(settings), read_sheet(sheet))}
    assert {os.path.realpath(real.folder / path) for path in read - parts} == {
        os.path.realpath(real.folder / os.path.relpath(path, Path.cwd()) if not os.path.isabs(path) else path)
        for path in listed
    }
    assert parts <= read


# Phantoms in the place of a user's own exams.


@pytest.mark.parametrize("arguments", [(), ("--dry-run",), ("--forcerun", "phantom"), ("--forceall",)], ids=str)
def test_no_phantom_takes_the_place_of_a_users_exam(fresh: Checkout, arguments: tuple[str, ...]) -> None:
    own = fresh.folder / "data/phantoms/four.image.nii.gz"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"an exam of a patient")
    ended = fresh.snakemake(*arguments)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stdout
    for words in ("exam: four", f"file: data/phantoms/{own.name}", "no phantom job has made", "`phantoms: null`"):
        assert words in ended.stdout
    assert [path.name for path in own.parent.iterdir()] == [own.name]
    assert own.read_bytes() == b"an exam of a patient"


@pytest.mark.parametrize("lost", ["nothing", "records", "results", "notes of Snakemake"])
def test_an_exam_that_took_a_phantoms_place_is_kept(finished: Finished, tmp_path: Path, lost: str) -> None:
    run = Checkout(tmp_path / "run")
    shutil.copytree(finished.folder, run.folder, copy_function=shutil.copy2)
    gone = {"records": "results/smoke/records/phantom", "results": "results", "notes of Snakemake": ".snakemake"}
    if lost in gone:
        shutil.rmtree(run.folder / gone[lost])
    own = run.folder / "data/phantoms/four.image.nii.gz"
    own.write_bytes(b"an exam of a patient")
    ended = run.snakemake("--forcerun", "phantom")
    assert ended.returncode == 1
    assert "no phantom job has made" in ended.stdout
    assert own.read_bytes() == b"an exam of a patient"


def test_two_changes_at_once_are_both_noticed(finished: Finished, tmp_path: Path) -> None:
    """Also where one is of the survey, which comes before everything else and on which no network depends."""
    clone = tmp_path / "run"
    shutil.copytree(finished.folder, clone, copy_function=shutil.copy2)
    helper = clone / SCRIPTS / "hepaflow/exams/survey.py"
    helper.write_text(helper.read_text() + "\n_CHANGED = 1\n")
    expected = names("survey.train survey.test data_card") | LESION_NETWORKS | PLAN
    assert Finished(clone).would_run(with_value("training.lesion.epochs", 9)) == expected
