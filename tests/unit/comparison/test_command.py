"""`hepaflow compare` writes a page that needs nothing, tables and JSON, and says what it found."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from finished_runs import EXAMS, FinishedRun, dice

from hepaflow.cli import main
from hepaflow.comparison.command import COMPARISONS, EVERYTHING, PAGE, VALUES
from hepaflow.comparison.scores import COMPARISON_COLUMNS, VALUE_COLUMNS

HOSTILE = "<img src=x>&"


class Content(HTMLParser):
    """What a page has: its text, and the tags that could ask for something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.sources = "", []
        self.feed(text)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]


def call(*made: FinishedRun, out: Path, more: tuple[str, ...] = ()) -> int:
    return main(["compare", *(str(run.folder) for run in made), "--out", str(out), *more])


def test_it_writes_a_page_tables_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = FinishedRun(tmp_path / "one", phantoms=True)
    two = FinishedRun(tmp_path / "two", {"fusion": dice(more=0.05), "net": dice(1)}, phantoms=True)
    two.change("train", "liver", "net", settings={"training": {"epochs": 3, "loss": "bce"}})
    assert call(one, two, out=tmp_path / "out") == 0
    printed = capsys.readouterr().out
    assert "setting training.epochs: 2 → 3  [train: 1 job (liver net)]" in printed
    assert "Dice of the liver: 0.0500 higher in two (fusion) than in one (fusion)" in printed
    assert printed.rstrip().endswith(str(tmp_path / "out" / PAGE))

    content = Content((tmp_path / "out" / PAGE).read_text(encoding="utf-8"))
    assert content.sources
    assert all(source.startswith("data:") for source in content.sources)
    for words in ("training.epochs: 2 → 3", "+0.0500", "What can be concluded", "phantoms", *EXAMS):
        assert words in content.text
    assert "{{" not in content.text

    found = json.loads((tmp_path / "out" / EVERYTHING).read_text(encoding="utf-8"))
    table = pd.read_csv(tmp_path / "out" / COMPARISONS)
    assert tuple(table.columns) == COMPARISON_COLUMNS
    assert [row["difference"] for row in found["comparisons"]] == pytest.approx(table["difference"].tolist())
    assert found["exams"]["compared"] == list(EXAMS)
    assert found["runs"].keys() == {"one", "two"}
    assert found["differences"][0]["what"] == "training.epochs: 2 → 3"
    assert all(sentence in printed for sentence in (*found["conclusion"]["found"], *found["conclusion"]["limits"]))
    assert tuple(pd.read_csv(tmp_path / "out" / VALUES).columns) == VALUE_COLUMNS


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    made = [FinishedRun(tmp_path / name, {"fusion": dice(seed), "net": dice()}) for seed, name in enumerate("xyz")]
    for out in ("first", "second"):
        assert call(*made, out=tmp_path / out) == 0
    for name in (PAGE, COMPARISONS, VALUES, EVERYTHING):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_an_earlier_comparison_is_replaced_only_if_asked_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two, out = FinishedRun(tmp_path / "one"), FinishedRun(tmp_path / "two"), tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").touch()  # which it leaves alone
    assert call(one, two, out=out) == 0
    (out / PAGE).write_text("earlier")
    capsys.readouterr()
    assert call(one, two, out=out) == 1
    told = capsys.readouterr()
    assert "an earlier result" in told.err
    assert "--overwrite" in told.err
    assert told.out == ""
    assert (out / PAGE).read_text() == "earlier"
    assert call(one, two, out=out, more=("--overwrite",)) == 0
    assert (out / PAGE).read_text(encoding="utf-8").startswith("<!doctype html>")
    assert (out / "notes.txt").exists()


def test_a_metric_has_a_line_for_each_run_beside_the_first(tmp_path: Path) -> None:
    made = [FinishedRun(tmp_path / name, {"fusion": dice(seed), "net": dice()}) for seed, name in enumerate("xyz")]
    assert call(*made, out=tmp_path / "out", more=("--method", "fusion")) == 0
    page = (tmp_path / "out" / PAGE).read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("<tr><td>ASSD, mm ↓</td>")]
    assert [line.split("</td><td>")[1] for line in lines] == ["y", "z"] * 2  # liver, lesions


def test_names_are_text_in_the_page(tmp_path: Path) -> None:
    made = [FinishedRun(tmp_path / f"{name}{HOSTILE}") for name in ("one", "two")]
    assert call(*made, out=tmp_path / "out") == 0
    page = (tmp_path / "out" / PAGE).read_text(encoding="utf-8")
    assert HOSTILE not in page
    assert f"one{HOSTILE}" in Content(page).text


def test_chosen_methods_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = FinishedRun(tmp_path / "one", {"fusion": dice(), "a": dice(1)})
    two = FinishedRun(tmp_path / "two", {"fusion": dice(), "b": dice(1, more=0.1)})
    assert call(one, two, out=tmp_path / "out", more=("--method", "one=a", "--method", "two=b")) == 0
    assert "Dice of the liver: 0.1000 higher in two (b) than in one (a)" in capsys.readouterr().out


def test_mistakes_are_told_without_a_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = FinishedRun(tmp_path / "one"), FinishedRun(tmp_path / "two", images={"a": "other"})
    assert call(one, two, out=tmp_path / "out") == 1
    told = capsys.readouterr().err
    assert told.startswith("hepaflow: error\nexam: a\nfile: data/a.nii.gz (one)")
    assert "what to do:" in told
    assert not (tmp_path / "out").exists()
    assert call(one, out=tmp_path / "out") == 1
    assert "two runs or more" in capsys.readouterr().err
