"""The inputs of a job that no job makes, compared with the plan."""

from pathlib import Path

import pytest

from hepaflow.errors import UserError
from hepaflow.jobs.raw_inputs import RawInputs


@pytest.fixture
def image(tmp_path: Path) -> Path:
    (tmp_path / "image.nii").touch()
    return tmp_path / "image.nii"


def test_they_travel_as_a_parameter() -> None:
    raw = RawInputs(("a", "b"), "results/.contents", {"old": "new"})
    assert RawInputs.of(raw.text()) == raw
    assert RawInputs.of(None) == RawInputs.of("") == RawInputs()


def test_a_file_that_changes_during_a_run_ends_it(tmp_path: Path, image: Path) -> None:
    raw = RawInputs((str(image),), str(tmp_path / "kept"))
    raw.compare({str(image): "a" * 64, "results/other": "c" * 64})  # the first job that reads it
    raw.compare({str(image): "a" * 64})
    with pytest.raises(UserError) as caught:
        raw.compare({str(image): "b" * 64}, exam="one")
    for words in (
        "exam: one",
        f"file: {image}",
        "changed after this run was planned",
        "a" * 64,
        "run Snakemake again",
    ):
        assert words in str(caught.value)


def test_settings_name_a_file_that_moved_where_it_lies() -> None:
    raw = RawInputs(moved={"weights/größe.pth": "else/w.pth"})
    assert raw.placed('{"weights":"weights/gr\\u00f6\\u00dfe.pth","x":1}') == '{"weights":"else/w.pth","x":1}'
    assert RawInputs().placed('{"x":1}') == '{"x":1}'
