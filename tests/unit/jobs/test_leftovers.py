"""What earlier runs have left: found by the notes of jobs, and nothing else is ever touched."""

import errno
import json
import os
from hashlib import sha256
from pathlib import Path

import pytest

from hepaflow.jobs.digests import begin_notes, write_notes
from hepaflow.jobs.leftovers import leftovers, remove

RESULTS = Path("results/run")
NOW = ("exams/one.json", "records/survey/one.json", "logs/survey/one.log", "models/liver/dense.safetensors")
BEFORE = (
    "exams/two.json",
    "records/survey/two.json",
    "models/liver/third.safetensors",
    "tables/exams.liver.third.csv",
    "new/gone/report.html",
    "segmented/gone.npz",
)
UNNOTED = (
    "logs/survey/two.log",
    "models/liver/third.training/state.safetensors",
    "models/liver/third.training/lock",
    "new/gone/segmentation.dcm",
    "new/gone/overlay/1.dcm",
    "new/gone/thumbnail.webp",
    "models/lesion/never.training/partial.1",
    "models/lesion/never.training/previous.safetensors",  # a training that never came to its end
)
OTHERS = (
    "notes of mine.txt",
    "exams/mine.json",
    "logs/mine.log",
    "new/mine/segmentation.dcm",
    "models/liver/own.pth",
    "models/liver/dense.training/state.safetensors",
)


def write(name: str) -> Path:
    path = RESULTS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"content of {name}")
    return path


def made(path: Path) -> None:
    write_notes({path: sha256(path.read_bytes()).hexdigest()})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in (*NOW, *BEFORE):
        made(write(name))
    for name in (*UNNOTED, *OTHERS):
        write(name)
    return tmp_path


def products() -> set[str]:
    return {str(RESULTS / name) for name in NOW}


def names() -> list[str]:
    return [str(one.path.relative_to(RESULTS)) for one in leftovers(RESULTS, products())]


def test_what_no_job_of_the_run_makes_is_left_over() -> None:
    assert names() == sorted([*BEFORE, *UNNOTED])


def test_everything_made_and_nothing_else_is_removed() -> None:
    before = {path for path in Path().rglob("*") if path.is_file()}
    assert remove(leftovers(RESULTS, products())) == {}
    gone = before - {path for path in Path().rglob("*") if path.is_file()}
    assert {str(path.relative_to(RESULTS)) for path in gone if path.parent.name != ".sha256"} == {
        *BEFORE,
        *UNNOTED,
    }
    assert len(gone) == len(BEFORE) * 2 + len(UNNOTED)  # and the notes
    assert not (RESULTS / "new/gone").exists()
    assert names() == []


def test_what_a_user_changed_is_kept() -> None:
    write("exams/two.json").write_text("my own")
    assert remove(leftovers(RESULTS, products())) == {RESULTS / "exams/two.json": "not as its job made it"}
    assert (RESULTS / "exams/two.json").read_text() == "my own"


def test_what_may_not_be_removed_is_told_and_the_others_go(monkeypatch: pytest.MonkeyPatch) -> None:
    unlink = Path.unlink

    def of_another(path: Path, *, missing_ok: bool = False) -> None:
        if path.name == "two.json":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", of_another)
    kept = {RESULTS / "exams/two.json", RESULTS / "records/survey/two.json"}
    assert remove(leftovers(RESULTS, products())) == dict.fromkeys(kept, "Permission denied")
    assert {one.path for one in leftovers(RESULTS, products())} == kept


def test_a_link_and_a_file_that_a_job_died_over_are_no_leftovers() -> None:
    begin_notes([RESULTS / "exams/two.json"])
    (RESULTS / "models/liver/third.safetensors").rename("elsewhere")
    os.symlink(Path("elsewhere").resolve(), RESULTS / "models/liver/third.safetensors")
    assert not {"exams/two.json", "models/liver/third.safetensors"} & set(names())


def test_a_side_folder_with_anything_else_is_kept() -> None:
    write("models/liver/third.training/mine")
    assert not [name for name in names() if "third.training" in name]


def test_the_state_of_a_training_that_runs_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    held = RESULTS / "models/liver/third.training/lock"
    monkeypatch.setattr("hepaflow.jobs.leftovers.is_held", lambda lock: lock == held)
    states = {name.rpartition("/")[0] for name in names() if ".training/" in name}
    assert states == {"models/lesion/never.training"}


def test_what_lies_elsewhere_is_kept() -> None:
    """Phantoms may be the exams of another run, too."""
    phantom = Path("data/two.image.nii.gz")
    phantom.parent.mkdir()
    phantom.touch()
    made(phantom)
    record = write("records/phantom/two.json")
    record.write_text(json.dumps({"outputs": {str(phantom): sha256(b"").hexdigest()}}))
    made(record)
    assert "records/phantom/two.json" in names()
    remove(leftovers(RESULTS, products()))
    assert phantom.exists()


@pytest.mark.parametrize("below", ["demo", "folds/1"])
def test_another_run_below_the_results_is_kept(below: str) -> None:
    for name in NOW:
        made(write(f"{below}/{name}"))
    assert names() == sorted([*BEFORE, *UNNOTED])


def test_a_run_without_results_has_none(tmp_path: Path) -> None:
    assert leftovers(tmp_path / "nowhere", set()) == []
