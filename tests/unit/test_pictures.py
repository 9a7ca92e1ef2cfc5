"""The pictures of README.md and docs/ are of this code, and each has something that makes it."""

import json
import re
from pathlib import Path

import pictures
import pytest
from pictures import AGAIN, ELSEWHERE, FOLDER, PICTURES, RECORD, ROOT, TAKEN, check, code_of, page_of, stale

from hepaflow.errors import UserError

RECORDED = json.loads(RECORD.read_text(encoding="utf-8"))


def test_the_pictures_are_of_this_code() -> None:
    """They show how figures and pages look: whoever changes that makes them anew."""
    changed = "; ".join(f"{name} ({', '.join(parts)})" for name, parts in stale(RECORDED).items())
    assert not changed, f"stale: {changed}. {AGAIN}"


def test_every_picture_is_shown_and_made() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    shown = {
        name
        for page in pages
        for name in re.findall(r"!\[[^\]]*\]\((?:docs/)?images/([^)]+)\)", page.read_text(encoding="utf-8"))
    }
    assert shown == {path.name for path in FOLDER.iterdir()} - {RECORD.name} == {*PICTURES, *ELSEWHERE}
    assert TAKEN.keys() == PICTURES.keys()


@pytest.mark.parametrize("name", PICTURES)
def test_a_changed_line_and_a_changed_picture_are_noticed(name: str) -> None:
    code = RECORDED["pictures"][name]["code"]
    for part in code:
        other = RECORDED["pictures"][name] | {"code": code | {part: "other"}}
        found = stale(RECORDED | {"pictures": RECORDED["pictures"] | {name: other}})
        assert part in found[name]
    other = RECORDED["pictures"][name] | {"picture": "other"}
    assert "the picture itself" in stale({"pictures": {name: other}})[name]


def test_what_draws_and_what_styles_is_looked_at() -> None:
    assert {"hepaflow.colours", "hepaflow.figures.montage", "hepaflow.figures.style"} <= code_of(
        PICTURES["samples.png"]
    ).keys()
    assert {"viewer/page.css", "viewer/page.html", "web/base.css"} <= page_of(PICTURES["viewer.png"]).keys()
    assert {"segment/report/page.css", "viewer/page.html", "web/document.css"} <= page_of(
        PICTURES["segment.png"]
    ).keys()
    assert "hepaflow.volumes.nifti" not in code_of(PICTURES["samples.png"])


def test_without_a_finished_demo_it_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=AGAIN):
        check(tmp_path)


def test_a_demo_of_other_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hepaflow-model.zip").touch()
    for picture in PICTURES.values():
        path = tmp_path / "records" / picture.record
        path.parent.mkdir(parents=True, exist_ok=True)
        if picture.record:
            path.write_text(json.dumps({"code": code_of(picture)}))
    check(tmp_path)
    path = tmp_path / "records" / PICTURES["samples.png"].record
    path.write_text(json.dumps({"code": code_of(PICTURES["samples.png"]) | {"hepaflow.colours": "other"}}))
    with pytest.raises(UserError, match=r"samples\.png"):
        check(tmp_path)


def test_the_demo_has_the_exams_that_are_shown() -> None:
    exams = (ROOT / "config/exams/demo.tsv").read_text(encoding="utf-8").splitlines()
    split = {line.split("\t")[0]: line.split("\t")[-1] for line in exams}
    assert split[pictures.VIEWED] == split[pictures.SEGMENTED] == "test"
