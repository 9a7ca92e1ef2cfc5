"""A folder of results is called as Snakemake's notes call it."""

import json
from pathlib import Path

import pytest

from hepaflow.jobs.spelling import known_spelling, made_at


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "results/x/records/survey").mkdir(parents=True)
    (tmp_path / "linked").symlink_to("results")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def record(name: str, *outputs: str) -> None:
    Path("results/x/records", name).write_text(json.dumps({"outputs": dict.fromkeys(outputs, "digest")}))


@pytest.mark.parametrize("spelling", ["results/x", "./results/x", "results/x/", "linked/x", "{folder}/results/x"])
@pytest.mark.parametrize(
    ("job", "output"),
    [
        ("html_report.json", "report.html"),
        ("provenance.json", "tables/provenance.csv"),
        ("survey/one.json", "exams/one.json"),
    ],
)
def test_the_spelling_of_the_records_is_taken(folder: Path, spelling: str, job: str, output: str) -> None:
    made = spelling.format(folder=folder)
    record(job, f"{made}/{output}")
    assert known_spelling("results/x") == made


def test_results_of_another_place_keep_their_new_name(folder: Path) -> None:
    record("html_report.json", "results/before/report.html")
    assert known_spelling("results/x") == "results/x"
    assert made_at("results/x") == "results/before"
    (folder / "results/before").mkdir()  # a copy of it
    assert known_spelling("results/x") == "results/x"


def test_a_folder_without_records_has_the_name_that_it_is_given() -> None:
    for name in ("results/x", "nowhere"):
        assert known_spelling(name) == name
        assert made_at(name) == ""


@pytest.mark.parametrize("damage", ["", "[]", '{"outputs": 3}', '{"outputs": ["other.html"]}'])
def test_a_damaged_record_tells_nothing(damage: str) -> None:
    record("provenance.json", "linked/x/tables/provenance.csv")
    Path("results/x/records/html_report.json").write_text(damage)
    assert known_spelling("results/x") == "linked/x"
