"""The base that all web pages share."""

import re

import pytest
from rooms import PACKAGE

from hepaflow.colours import LESION, LIVER
from hepaflow.web.template import file, page, pieces

PAGES = ("comparison/page.html", "segment/report/page.html", "segment/overview/page.html", "viewer/page.html")
TEMPLATES = (*PAGES, "pages/table.html", "pages/summary.html")
"""Every page that the package makes."""


def test_every_page_has_the_base() -> None:
    found = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.html") if "extends" in path.read_text()}
    assert found == {*TEMPLATES, "web/document.html"}
    for path in PACKAGE.rglob("*.html"):
        assert ("<!doctype" in path.read_text(encoding="utf-8")) == (path.name == "base.html"), path


def test_names_of_colours_are_defined_once() -> None:
    for path in PACKAGE.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        assert ("--accent:" in text) == (path.name == "base.css"), path
        assert "@page" not in text or path.name == "document.css" or path.parent.name == "viewer", path


def made(**names: object) -> str:
    return page("pages", "table.html", title="<a> & b", caption="", filtered=False, packed="", name="", rows=[],
                table={"columns": [], "numeric": [], "rows": []}, **names)  # fmt: skip


def test_a_page_asks_for_nothing_and_runs_its_own_script_alone() -> None:
    assert "script-src 'none'" in made()
    assert "<script>" not in made()
    with_one = made(script="let a = 1 < 2;\n")
    assert "default-src 'none'" in with_one
    assert "script-src 'unsafe-inline'" in with_one
    assert "<script>\nlet a = 1 < 2;\n</script>" in with_one


def test_text_is_escaped_and_colours_are_those_of_figures() -> None:
    assert "<title>&lt;a&gt; &amp; b – hepaflow</title>" in made()
    assert f"--liver: {LIVER}; --lesion: {LESION};" in made()
    assert not re.search(r"\{\{|\}\}|\{%", made())


@pytest.mark.parametrize("text", ["methods.modern.stages", "0.25", "a/b_c.d", "", "two words", "resnext50_32x4d"])
def test_pieces_are_the_whole_text(text: str) -> None:
    assert "".join(pieces(text)) == text


def test_a_file_is_taken_as_it_is() -> None:
    assert file("pages", "page.js").startswith('"use strict";')
