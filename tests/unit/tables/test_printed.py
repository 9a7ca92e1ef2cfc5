"""The summary of a run on a terminal."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from hepaflow.tables.beside import without_thesis
from hepaflow.tables.printed import WIDTH, printed_summary, text_table

HEAD = [
    *("method", "architecture", "without post-processing", "thesis without post-processing"),
    *("with post-processing", "thesis with post-processing", "95 % interval", "exams"),
]
ROWS = [
    ["plain", "inception_v3", "0.9000", "0.9441", "0.9100", "0.9504", "0.896 to 0.921", "10"],
    ["fusion", "fusion", "", "", "0.9200", "0.9567", "0.901 to 0.931", "10"],
]


def run(folder: Path, rows: Sequence[Sequence[str]], *, phantoms: bool) -> list[str]:
    """Write a run's tables, and return the summary."""
    (folder / "tables").mkdir()
    for name, table in (
        *((name, [HEAD, *rows]) for name in ("liver", "lesion")),
        (
            "fusion_weights",
            [["stage", "backbone", "start", "weight", "fitted"], ["liver", "plain", "1", "1", "7.7"]],
        ),
    ):
        text = io.StringIO()
        csv.writer(text).writerows(table)
        (folder / f"tables/{name}.csv").write_text(text.getvalue())
    if phantoms:
        (folder / "records/phantom").mkdir(parents=True)
        (folder / "records/phantom/one.json").write_text("{}")
    return printed_summary(folder)


def test_phantoms_do_not_stand_beside_the_thesis(tmp_path: Path) -> None:
    lines = run(tmp_path, ROWS, phantoms=True)
    text = "\n".join(lines)
    assert "Liver: mean Dice of 10 test phantoms" in lines
    assert "no patients" in text
    assert not {"0.9441", "0.9504", "0.9567", "thesis before"} & set(text.replace("\n", "  ").split("  "))


def test_exams_stand_beside_the_thesis_and_it_is_said_of_what_it_is(tmp_path: Path) -> None:
    lines = run(tmp_path, ROWS, phantoms=False)
    assert lines[1:5] == [
        "Liver: mean Dice of 10 test exams",
        "  method  architecture  before  after   95 % interval   thesis before  thesis after",
        "  plain   inception_v3  0.9000  0.9100  0.896 to 0.921  0.9441         0.9504",
        "  fusion  fusion                0.9200  0.901 to 0.931                 0.9567",
    ]
    text = "\n".join(lines)
    assert "LiTS17" in text
    assert "phantoms" not in text
    assert "7.7" not in text


def test_other_exams_than_lits17_do_not_stand_beside_the_thesis(tmp_path: Path) -> None:
    run(tmp_path, ROWS, phantoms=False)
    for name in ("liver", "lesion"):
        table = pd.read_csv(tmp_path / f"tables/{name}.csv", dtype=str, keep_default_na=False)
        without_thesis(table).to_csv(tmp_path / f"tables/{name}.csv", index=False)
    text = "\n".join(printed_summary(tmp_path))
    assert "other exams" in text
    assert "0.9567" not in text
    assert "to hold a run" not in text


@pytest.mark.parametrize("phantoms", [True, False])
def test_no_line_is_wider_than_a_terminal(tmp_path: Path, phantoms: bool) -> None:
    rows = [["m" * 40, "a" * 30, *row[2:]] for row in ROWS]
    lines = run(tmp_path, rows, phantoms=phantoms)
    assert max(map(len, lines)) <= WIDTH
    assert any("m…" in line for line in lines)


def test_different_numbers_of_exams_and_columns_of_all_kinds_are_kept(tmp_path: Path) -> None:
    lines = run(tmp_path, [ROWS[0], [*ROWS[1][:-1], "9"]], phantoms=False)
    assert lines[1] == "Liver: mean Dice of the test exams"
    assert "exams" in lines[2].split()


def test_a_run_that_fuses_nothing_has_no_weights(tmp_path: Path) -> None:
    text = "\n".join(run(tmp_path, ROWS[:1], phantoms=False))
    assert "fusion" not in text.lower()
    (tmp_path / "tables/fusion_weights.csv").unlink()
    assert "\n".join(printed_summary(tmp_path)) == text


def test_columns_that_are_empty_are_left_out(tmp_path: Path) -> None:
    rows = [[*row[:3], "", row[4], "", *row[6:]] for row in ROWS]
    lines = run(tmp_path, rows, phantoms=False)
    assert "thesis" not in lines[2]


def test_a_table_that_fits_is_as_it_is() -> None:
    assert text_table({"a": ["1"], "b": [""]}) == ["  a  b", "  1"]
    assert text_table({"a": []}) == ["  a"]
