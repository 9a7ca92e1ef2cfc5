"""The page of an exam tells what was measured, needs nothing, and shows names as they are."""

import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from dicom_series import Phantom, write
from thresholds import thresholds

from hepaflow.model.origin import NOTICE, ONLY_SIMPLE, Origin
from hepaflow.segment.report.measurements import measure
from hepaflow.segment.report.page import exam_page, position_in_letters
from hepaflow.segment.source import LoadedExam, read_exam

HOSTILE = '"></iframe><script>alert(1)</script>'


def _exam(folder: Path, **elements: object) -> LoadedExam:
    phantom = Phantom()
    phantom.stored = np.array([-1000, 100, 200], np.int16)[phantom.labels]
    return read_exam(write(phantom.slices(intercept=0, **elements), folder), name="exam-1")


def _page(exam: LoadedExam, labels: np.ndarray | None = None) -> str:
    found = thresholds(exam.hu)
    chosen = found.labels if labels is None else labels
    measured = measure(chosen, exam.grid, found.disagreement, exam.series)
    return exam_page(exam, chosen, found.disagreement, measured, {"a.nii.gz": "label map"}, "Made by a test.")


def _text(page: str) -> str:
    """Return what a reader sees, without the viewer."""
    page = re.sub(r'srcdoc="[^"]*"', "", page)
    page = re.sub(r"(?s)<(style|script)>.*?</\1>", "", page)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


def test_the_numbers_are_those_measured(tmp_path: Path) -> None:
    exam = _exam(tmp_path)
    text = _text(_page(exam))
    measured = measure(thresholds(exam.hu).labels, exam.grid, {}, exam.series)
    assert measured.liver_ml is not None
    (lesion,) = measured.lesions
    assert f"Liver, with lesions {measured.liver_ml:.2f} ml" in text
    assert f"Tumour burden {measured.tumour_burden_percent:.1f} %" in text
    assert "Disagreement, lesions 50 %" in text
    assert f"1 {lesion.ml:.2f} {lesion.diameter_mm:.0f} {lesion.slice} ({lesion.instance_number})" in text
    assert position_in_letters(lesion.position_lps_mm) in text
    for part in ("DICOM series 3 “Abdomen” · 10×12×7 voxels · pixels of 0.70 × 0.80 mm, slices 2.50 mm apart",
                 "a.nii.gz label map", "Made by a test.", "not a medical device"):  # fmt: skip
        assert part in text


def test_its_viewer_tells_places_in_the_patient_and_in_the_file(tmp_path: Path) -> None:
    exam = _exam(tmp_path)
    page = _page(exam)
    (lesion,) = measure(thresholds(exam.hu).labels, exam.grid, {}, exam.series).lesions
    viewer = unescape(re.findall(r'srcdoc="([^"]*)"', page)[0])
    places = json.loads(re.findall(r'"places":({.*?})', viewer)[0])
    start = [*json.loads(re.findall(r'"start":(\[.*?\])', viewer)[0]), 1]
    np.testing.assert_allclose(np.array(places["patient"]) @ start, lesion.position_lps_mm)
    assert tuple(np.array(places["voxel"]) @ start) == lesion.voxel


def test_a_model_that_has_seen_phantoms_alone_is_told_in_red(tmp_path: Path) -> None:
    exam = _exam(tmp_path)
    found = thresholds(exam.hu)
    measured = measure(found.labels, exam.grid, found.disagreement, exam.series)
    for phantoms in (True, False):
        origin = Origin(phantoms, "<b>.tsv", 3, 2, {"liver": 0.5})
        page = exam_page(exam, found.labels, found.disagreement, measured, {}, "Made by a test.", origin)
        assert ('<p class="origin phantoms">' in page) == phantoms
        only = f" {ONLY_SIMPLE}" if phantoms else ""
        assert f"Model: {origin.in_words}.{only} {NOTICE}" in _text(page)
        assert "<b>" not in page


def test_a_single_network_has_no_column_of_disagreement(tmp_path: Path) -> None:
    exam = _exam(tmp_path)
    found = thresholds(exam.hu)
    for maps in (found.disagreement, {}):
        measured = measure(found.labels, exam.grid, maps, exam.series)
        page = exam_page(exam, found.labels, maps, measured, {}, "Made by a test.")
        rows = re.findall(
            r"<tr>.*?</tr>", page.partition('class="lesions"')[2].partition("</table>")[0], re.DOTALL
        )
        assert len({len(re.findall("<t[hd]", row)) for row in rows}) == 1, (
            "a row has as many cells as there are heads"
        )
        assert ("disagreement" in rows[0]) == bool(maps)
        assert ("Disagreement says" in page) == bool(maps)


def test_no_liver_and_no_lesion_are_said(tmp_path: Path) -> None:
    exam = _exam(tmp_path)
    text = _text(_page(exam, np.zeros(exam.hu.shape, np.uint8)))
    for part in ("No liver was found.", "No lesion was found.", "Tumour burden –"):
        assert part in text


def test_many_lesions_are_all_listed_and_the_largest_shown(tmp_path: Path) -> None:
    exam = _exam(tmp_path)
    labels = np.ones(exam.hu.shape, np.uint8)
    labels[:, ::2, ::3][:, :, ::2] = 2
    labels[1::2] = 1
    count = len(measure(labels, exam.grid, {}).lesions)
    page = _page(exam, labels)
    assert count == 48
    assert page.count("data-lesion=") == count
    assert page.count('alt="Lesion ') == 10
    assert "38 more, none larger than these" in page


def test_the_page_asks_for_nothing(tmp_path: Path) -> None:
    page = unescape(_page(_exam(tmp_path)))
    for address in re.findall(r'(?:src|href|url)\s*[=(]\s*["\']?([^"\'\s>)]+)', page):
        assert address.startswith(("data:", "#")), address
    assert page.count("default-src 'none'") == 2, "of the page and of the viewer in it"


@pytest.mark.parametrize("place", ["name", "description", "warning"])
def test_hostile_texts_stay_texts(tmp_path: Path, place: str) -> None:
    exam = _exam(tmp_path, SeriesDescription=HOSTILE if place == "description" else "CT")
    if place == "name":
        exam = replace(exam, name=HOSTILE)
    if place == "warning":
        exam = replace(exam, warnings=(HOSTILE,))
    page = _page(exam)
    assert HOSTILE.lower() in _text(page).lower()
    assert "alert(1)</script>" not in page
    assert page.count("</iframe>") == 1


@pytest.mark.parametrize(
    ("position", "text"),
    [((0.4, -0.6, 12.5), "L 0 · A 1 · H 12"), ((-60.2, 12, -431.7), "R 60 · P 12 · F 432")],
)
def test_positions_in_letters(position: tuple[float, float, float], text: str) -> None:
    assert position_in_letters(position) == text
