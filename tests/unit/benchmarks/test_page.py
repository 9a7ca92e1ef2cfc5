"""A page whose sections are measured together or apart."""

from collections.abc import Collection
from pathlib import Path

import pytest
from benchmarks.page import Section, measure

INTRODUCTION = "# A page\n\nOf two sections.\n"


def failing(run: str) -> str:
    raise KeyboardInterrupt


def measured(page: Path, run: str, only: Collection[str], second: Section[str] | None = None) -> list[str]:
    """Measure; a section finds what the run is called."""
    sections = {
        "one": Section[str]("The first", "It is explained.", lambda run: f"{run} one"),
        "two": second or Section[str]("The second", "It is, too.", lambda run: f"{run} two", ("pydantic",)),
    }
    return list(measure(page, INTRODUCTION, sections, only, run, "in full"))


def found(page: Path) -> list[str]:
    """Return what the sections have found: their last lines."""
    return [part.rstrip().splitlines()[-1] for part in page.read_text(encoding="utf-8").split("## ")[1:]]


def test_what_is_not_measured_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    measured(page, "early", ["two", "one"])
    before = page.read_text(encoding="utf-8")
    assert before.startswith(INTRODUCTION)
    assert found(page) == ["early one", "early two"]  # in the page's order
    (text,) = measured(page, "late", ["two"])
    assert text in page.read_text(encoding="utf-8")
    assert found(page) == ["early one", "late two"]
    assert page.read_text(encoding="utf-8").split("## ")[1] == before.split("## ")[1]


def test_a_section_that_was_never_measured_is_left_out(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    measured(page, "early", ["two"])
    assert found(page) == ["early two"]
    measured(page, "late", ["one"])
    assert found(page) == ["late one", "early two"]


def test_a_section_says_where_it_was_measured(tmp_path: Path) -> None:
    one, two = measured(tmp_path / "page.md", "early", ["one", "two"])
    assert "Measured in full in " in one
    assert "torch 2" in one
    assert "pydantic" not in one
    assert ", pydantic 2" in two
    assert "numpy" not in two


def test_what_a_stopped_run_has_measured_is_kept(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    measured(page, "early", ["one", "two"])
    with pytest.raises(KeyboardInterrupt):
        measured(page, "late", ["one", "two"], Section("The second", "It is, too.", failing))
    assert found(page) == ["late one", "early two"]


def test_sections_of_other_names_are_kept(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n## Renamed\n\nIt took hours.\n\n## The second\n\nold\n", encoding="utf-8")
    measured(page, "new", ["two"])
    assert found(page) == ["new two", "It took hours."]


def test_a_library_that_is_not_installed_is_said(tmp_path: Path) -> None:
    section = Section[str]("The second", "It is.", str, ("no-such-library",))
    (text,) = measured(tmp_path / "page.md", "late", ["two"], section)
    assert "no-such-library is not installed" in text
