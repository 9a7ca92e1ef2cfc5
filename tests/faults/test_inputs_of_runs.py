"""What a run reads and does not make: content decides, whatever times, paths and spellings say."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
import yaml
from cases import REFUSED, STOPS, Case, Table, Tell, ids, neutral
from light import CONFIG, Light
from smoke_run import SMOKE
from test_screen import told

from hepaflow.errors import UserError
from hepaflow.jobs.raw_inputs import RawInputs
from hepaflow.settings.configuration import check_file
from hepaflow.settings.workflow import read_settings

DENSE = {"arch": "densenet121", "weights": "none"}
NOTHING_RAN = "the next run had nothing to do, and later ones mixed what was made from both"
UNNOTICED = "nothing was planned, not even other changes of that training"
TYPE_ERROR = "a traceback (TypeError)"

OLDER = Case(
    "image, label, weights, others' segmentation, new exam, licence or caption replaced by another with an older "
    "time, by a copy, a move or a link",
    "what reads it runs again",
    mended=NOTHING_RAN,
)
ELSEWHERE = Case(
    "the same images, labels, weights and segmentations at another path, copied or touched",
    "nothing runs again",
    mended="everything that reads them, trainings among it, ran again",
)
DURING = Case(
    "an image that is replaced while a run goes on",
    STOPS,
    ("changed after this run was planned", "run Snakemake again"),
    mended="the jobs before read the one and those after it the other",
)
SPELLINGS = Case(
    "results, data, exams, cache, weights and predictions as `./x`, `x/`, `x//y`, `y/../x`, absolute or with `~`",
    "one path",
    mended="another spelling was another folder, in which no change of settings was noticed",
)


def started(change: Callable[[Light], None] = lambda run: None, **config: Any) -> Callable[[Light], str]:
    """Start the light run with a change; it is to be refused before the first job."""

    def do(run: Light) -> str:
        run.configure(**config)
        change(run)
        ended = run.snakemake("--dry-run")
        assert ended.returncode == 1, ended.stdout
        return told(ended.stdout)

    return do


def weights(name: str) -> Callable[[Light], str]:
    return started(backbones={**CONFIG["backbones"], "dense": DENSE | {"weights": name}})


def sheet(old: str, new: str) -> Callable[[Light], None]:
    def change(run: Light) -> None:
        path = run.folder / "config/exams/smoke.tsv"
        path.write_text(path.read_text().replace(old, new))

    return change


def own_image(run: Light) -> None:
    path = run.folder / "data/phantoms/three.image.nii.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"an exam of a patient")


def link_to_nowhere(run: Light) -> None:
    for name in ("one", "three"):
        for kind in ("image", "label"):
            path = run.folder / f"exams/{name}.{kind}.nii.gz"
            path.parent.mkdir(exist_ok=True)
            path.touch()
    path.unlink()
    path.symlink_to("nowhere.nii.gz")


STARTS = (
    Case("weights `None`", REFUSED, ("backbones.dense.weights: None", "write `none`"), weights("None"), UNNOTICED),
    Case("weights `ImageNet`", REFUSED, ("write `imagenet`",), weights("ImageNet"), UNNOTICED),
    Case("weights at a wrong path", REFUSED, ("no such file of weights",), weights("w/gone.pth"), UNNOTICED),
    Case("a folder as weights", REFUSED, (": a folder is there",), weights("config"), UNNOTICED),
    Case(
        "a phantom's file name that is misspelt in the sheet",
        REFUSED,
        ("exam: three", "no such image", "which the run makes for `phantoms`"),
        started(sheet("three.image", "three.imag")),
        "that exam kept its old slices and scores, and means mixed two runs",
    ),
    Case(
        "a user's own image under the name of a phantom, and `phantoms` in the configuration",
        REFUSED,
        ("exam: three", "no phantom job has made", "`phantoms: null`"),
        started(own_image),
        "the image was overwritten, without a word",
    ),
    Case(
        "an exam's label that is a broken link",
        REFUSED,
        ("exam: three", "a broken link to nowhere.nii.gz"),
        started(link_to_nowhere, data="exams", phantoms=None),
    ),
)


def settings(text: str) -> Callable[[Path], None]:
    return lambda folder: _read(yaml.safe_load(text))


def _read(config: Any) -> None:
    read_settings(config)


def file(raw: bytes) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        (folder / "mine.yaml").write_bytes(raw)
        check_file(folder / "mine.yaml")

    return do


SETTINGS = (
    Case("a date in a configuration", REFUSED, ("seed: the date",), settings("seed: 2022-01-01"), TYPE_ERROR),
    Case("a set in one", REFUSED, ("samples: the set",), settings("samples: !!set {a, b}"), TYPE_ERROR),
    Case("binary data in one", REFUSED, ("cache: the binary",), settings("cache: !!binary aGk="), TYPE_ERROR),
    Case("a date as a key of one", REFUSED, ("the key",), settings("2022-01-01: 1"), TYPE_ERROR),
    Case(
        "an anchor within itself in one",
        REFUSED,
        ("contains itself",),
        settings("samples: &a {count: *a}"),
        "a traceback (ValueError)",
    ),
    Case(
        "`no`, `off` or `yes` as the name of a backbone",
        REFUSED,
        ("the key False", "quotation marks"),
        settings("backbones: {no: {arch: unet, weights: none}}"),
        "the backbone was called `false`",
    ),
    Case(
        "`1e-3`, which YAML reads as text",
        REFUSED,
        ("1.0e-3 as a number",),
        settings("training: {liver: {learning_rate: 1e-3}}"),
        "refused without a word on why",
    ),
    Case(
        "a key twice in a configuration",
        REFUSED,
        ("the key 'training' twice", "lines 1 and 3"),
        file(b"training:\n  liver: {epochs: 1}\ntraining:\n  lesion: {epochs: 1}\n"),
        "the first was forgotten",
    ),
    Case(
        "`010` and `1:30`, which YAML reads as 8 and 90",
        REFUSED,
        ("010 in line 1", "YAML reads as 8"),
        file(b"seed: 010\n"),
        "read as 8 and 90, without a word",
    ),
    Case(
        "`$SCRATCH/mine` or `s3://bucket/mine` as the folder of results",
        REFUSED,
        ("shell variables",),
        settings("results: $SCRATCH/mine"),
        "a folder called `$SCRATCH` or `s3:` was made",
    ),
    Case("tabs in a configuration", REFUSED, ("line 2", "no tabs"), file(b"head:\n\trates: [1]\n")),
    Case(
        "a configuration in Latin-1",
        REFUSED,
        ("not in UTF-8",),
        file("results: größe\n".encode("latin-1")),
        "a traceback of Snakemake, and still so where Snakemake reads it; `make why` tells it",
    ),
    Case("a configuration that is a list", REFUSED, ("no keys at the top",), file(b"- size\n")),
)

INPUTS = Table(
    "What a run reads",
    "Files that no job makes, known by their content, and configurations. All are checked before the first job.",
    (OLDER, ELSEWHERE, DURING, SPELLINGS, *STARTS, *SETTINGS),
)


@pytest.mark.parametrize("case", STARTS, ids=ids)
def test_runs_that_would_not_read_what_is_meant_do_not_start(fresh: Light, case: Case, tell: Tell) -> None:
    tell(case, neutral(case.do(fresh), fresh.folder))
    assert not (fresh.folder / "results").exists()


@pytest.mark.parametrize("case", SETTINGS, ids=ids)
def test_configurations(tmp_path: Path, case: Case, tell: Tell) -> None:
    with pytest.raises(UserError) as caught:
        case.do(tmp_path)
    tell(case, neutral(str(caught.value), tmp_path))


def test_an_image_that_changes_during_a_run(tmp_path: Path, tell: Tell) -> None:
    image = tmp_path / "one.nii.gz"
    image.touch()
    raw = RawInputs((str(image),), str(tmp_path / "kept"))
    raw.compare({str(image): "a" * 64}, since=0, exam="one")
    with pytest.raises(UserError) as caught:
        raw.compare({str(image): "b" * 64}, since=0, exam="one")
    tell(DURING, neutral(str(caught.value).replace("a" * 64, "...").replace("b" * 64, "..."), tmp_path))


@pytest.mark.parametrize("spelling", ["./x/y", "x/y/", "x//y", "x/z/../y", "{here}/x/y", "~/x/y"])
def test_every_path_of_a_configuration_has_one_spelling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spelling: str, tell: Tell
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    path = spelling.format(here=tmp_path)
    found = read_settings(
        {
            **{key: path for key in ("results", "data", "exams", "cache")},
            "backbones": {"dense": DENSE | {"weights": path}},
            "predictions": {"reader": {"folder": path}},
        }
    )
    paths = (found.results, found.data, found.exams, found.cache)
    assert {*paths, found.backbones["dense"].weights, found.predictions["reader"].folder} == {"x/y"}
    tell(SPELLINGS, "")


# A run of a user's own exams, with a file of weights, segmentations by another and a new exam.


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes()[:-1] + b"?")
    os.utime(other, (10**9, 10**9))
    shutil.copy2(other, path)
    other.unlink()


def moved(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes()[:-1] + b"?")
    os.utime(other, (10**9, 10**9))
    other.rename(path)


def linked(path: Path) -> None:
    moved(path)
    path.rename(path.with_name("behind"))
    path.symlink_to("behind")


READERS = {
    "exams/one.image.nii.gz": "preprocess",
    "exams/three.label.nii.gz": "evaluate",
    "weights/w.pth": "train",
    "others/three.nii.gz": "adopt",
    "exams/new/slice.nii.gz": "segment",
    "LICENSE": "bundle",
    "workflow/report/viewer.rst": "html_report",
}


def own_exams(run: Light, folder: str = "") -> None:
    """Configure the run for a user's own exams, all in a folder below the working folder."""
    run.configure(
        phantoms=None,
        data=f"{folder}exams",
        backbones={**CONFIG["backbones"], "dense": DENSE | {"weights": f"{folder}weights/w.pth"}},
        predictions={"reader": {"folder": f"{folder}others"}},
        training={stage: SMOKE["training"][stage] | {"epochs": 1} for stage in ("liver", "lesion")},
    )


@pytest.mark.slow
def test_content_decides(copied: Light, tell: Tell) -> None:
    folder = copied.folder
    for name in ("exams/new", "others", "weights"):
        (folder / name).mkdir(parents=True)
    for exam in ("one", "three"):
        for kind in ("image", "label"):
            shutil.copy2(folder / f"data/phantoms/{exam}.{kind}.nii.gz", folder / "exams")
    shutil.copy(folder / "exams/three.label.nii.gz", folder / "others/three.nii.gz")
    shutil.copy(folder / "exams/one.image.nii.gz", folder / "exams/new/slice.nii.gz")
    torch.save(torchvision.models.densenet121(weights=None).state_dict(), folder / "weights/w.pth")
    path = folder / "config/exams/smoke.tsv"
    path.write_text(path.read_text() + "new\tnew/slice.nii.gz\t\tnew\n")
    own_exams(copied)
    ended = copied.snakemake()
    assert ended.returncode == 0, ended.stdout
    assert copied.planned() == {}
    for name, reader in READERS.items():
        for change in (replaced, moved, linked):
            shutil.copy2(folder / name, folder / "before")
            change(folder / name)
            assert reader in copied.planned(), (name, change)
            (folder / name).unlink()
            (folder / "before").rename(folder / name)
    assert copied.planned() == {}
    tell(OLDER, "")
    (folder / "moved").mkdir()
    for name in ("exams", "others", "weights"):
        shutil.copytree(folder / name, folder / "moved" / name, copy_function=shutil.copy)
        shutil.rmtree(folder / name)
    own_exams(copied, "moved/")
    assert copied.planned() == {}
    network = "results/smoke/models/liver/dense.safetensors"
    ended = copied.snakemake("--force", network)  # from where the weights lie now
    assert ended.returncode == 0, ended.stdout
    assert copied.planned()["train"] == 1  # the lesion network, which starts from it
    replaced(folder / "moved/weights/w.pth")
    assert copied.planned()["train"] == 2
    tell(ELSEWHERE, "")
