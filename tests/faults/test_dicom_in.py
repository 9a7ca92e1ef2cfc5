"""DICOM folders: read as the volume that was scanned, told of where something is odd, or refused by name."""

import html
import json
import re
from pathlib import Path

import dicom_in
import numpy as np
import pytest
from cases import ACCEPTED, REFUSED, Case, Tell, ids, neutral, refusal
from thresholds import LIVER_HU, MODEL

from hepaflow.errors import UserError
from hepaflow.segment.command import segment_exams
from hepaflow.segment.output import PAGE
from hepaflow.segment.result_folder import MEASUREMENTS
from hepaflow.segment.source import LoadedExam, find_exams

CASES = [case for table in dicom_in.TABLES for case in table.cases]


def _neutral(message: str, folder: Path) -> str:
    """Return a message without the UIDs that are made anew each time."""
    return re.sub(r" \([\d.]{9,}\)", "", neutral(message, folder))


def _read(folder: Path) -> tuple[list[LoadedExam], list[UserError]]:
    """Read every exam as `hepaflow segment` does, which goes on after one that fails."""
    exams, errors = [], []
    try:
        for source in find_exams(folder).sources:
            try:
                exams.append(source.read())
            except UserError as error:
                errors.append(error)
    except UserError as error:
        errors.append(error)
    return exams, errors


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_dicom_folder(case: Case, tmp_path: Path, tell: Tell) -> None:
    case.do(tmp_path / "ct")
    exams, errors = _read(tmp_path / "ct")
    for exam in exams:
        slices, rows, columns = exam.grid.spacing
        liver = (exam.hu >= LIVER_HU).sum() * slices * rows * columns / 1000
        if not dicom_in.is_another_volume(case):
            assert liver == pytest.approx(dicom_in.ML)
    if case.outcome == REFUSED:
        (error,) = errors
        tell(case, _neutral(refusal(error, file=tmp_path / "ct"), tmp_path))
        assert len(exams) == ("beside a good one" in case.name)
        return
    assert errors == []
    assert len(exams) == (2 if "two patients" in case.name else 1)
    warnings = {warning for exam in exams for warning in exam.warnings}
    assert bool(warnings) == (case.outcome != ACCEPTED)
    tell(case, _neutral("; ".join(sorted(warnings)), tmp_path))


def test_what_is_told_stands_on_the_screen_in_the_file_and_in_the_page(tmp_path: Path) -> None:
    dicom_in.ENDS.cases[0].do(tmp_path / "ct")
    lines: list[str] = []
    assert segment_exams([tmp_path / "ct"], tmp_path / "out", lambda: MODEL, say=lines.append) == []
    told = json.loads((tmp_path / "out/ct" / MEASUREMENTS).read_text())["exam_warnings"]
    assert any("left out" in one for one in told)
    page = html.unescape((tmp_path / "out/ct" / PAGE).read_text())
    for one in told:
        assert f"  note: {one}" in lines
        assert one[1:] in page


def test_rounded_places_give_the_distance_that_was_rounded() -> None:
    for gap in (0.625, 2.1875):
        made = dicom_in.images()
        dicom_in.rounded(gap)(made)
        places = np.array([float(image.ImagePositionPatient[2]) for image in made])
        assert np.ptp(np.diff(places)) == pytest.approx(0.1)
