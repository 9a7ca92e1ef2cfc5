"""The inputs of a job that no job makes, compared with the plan."""

import pickle
from hashlib import sha256
from pathlib import Path

import pytest

from hepaflow.errors import UserError
from hepaflow.jobs.raw_inputs import ComparedAs, RawInputs


@pytest.fixture
def image(tmp_path: Path) -> Path:
    (tmp_path / "image.nii").touch()
    return tmp_path / "image.nii"


def test_they_travel_as_a_parameter() -> None:
    raw = RawInputs(("a", "b"), "results/.contents")
    assert RawInputs.of(raw.text()) == raw
    assert RawInputs.of(None) == RawInputs.of("") == RawInputs()


def test_a_file_that_changes_during_a_run_ends_it(tmp_path: Path, image: Path) -> None:
    raw = RawInputs((str(image),), str(tmp_path / "kept"))
    raw.compare({str(image): "a" * 64, "results/other": "c" * 64}, since=0)  # the first job that reads it
    raw.compare({str(image): "a" * 64}, since=0)
    with pytest.raises(UserError) as caught:
        raw.compare({str(image): "b" * 64}, since=0, exam="one")
    for words in (
        "exam: one",
        f"file: {image}",
        "changed after this run was planned",
        "a" * 64,
        "run Snakemake again",
    ):
        assert words in str(caught.value)


def test_a_record_tells_of_files_that_moved_where_they_lie_now(tmp_path: Path, image: Path) -> None:
    image.write_bytes(b"weights")
    digest = sha256(b"weights").hexdigest()
    record = {
        "settings": {"weights": "weights/größe.pth", "epochs": 3},
        "inputs": {"weights/größe.pth": digest, "results/a": "a" * 64},
        "rule": "train",
    }
    raw = RawInputs((str(image),), str(tmp_path / "kept"))
    now = {
        "settings": {"weights": str(image), "epochs": 3},
        "inputs": {str(image): digest, "results/a": "a" * 64},
        "rule": "train",
    }
    assert raw.as_now(record) == now
    assert raw.as_now(now) == now
    assert raw.changed(now["inputs"]) == []
    image.write_bytes(b"others!")
    assert raw.as_now(record) == record
    assert raw.changed(now["inputs"]) == [str(image)]


def test_a_parameter_may_be_compared_as_another_text() -> None:
    text = ComparedAs("now", "before")
    assert (text, repr(text), text + "!") == ("now", "'before'", "now!")
    again = pickle.loads(pickle.dumps(text, protocol=4))
    assert (again, repr(again)) == ("now", "'before'")
