"""Exam sheets: read, or refused by name."""

from pathlib import Path

import pytest
from cases import ACCEPTED, Case, Tell, ids, neutral, refusal
from sheets import SHEETS

from hepaflow.errors import UserError
from hepaflow.exams.sheet import Exam, ExamSheet, read_sheet
from hepaflow.methods.inputs import Inputs
from hepaflow.methods.thesis import plan_of
from hepaflow.settings.workflow import Settings


def inputs(data: Path, exams: ExamSheet) -> Inputs:
    settings = Settings(data=str(data))
    return Inputs(settings, plan_of(settings), exams)


@pytest.mark.parametrize("case", SHEETS.cases, ids=ids)
def test_sheet(case: Case, tmp_path: Path, tell: Tell) -> None:
    (tmp_path / "DATA").mkdir()
    path = case.do(tmp_path / "DATA")
    if case.outcome == ACCEPTED:
        exams = read_sheet(path)
        inputs(tmp_path / "DATA", exams).check()
        assert exams["one"] == Exam("one", "a.nii", "a-l.nii", "train")
        assert exams["two"] == Exam("two", "b.nii", "b-l.nii", "test")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        assert len(exams) == sum(bool(line.strip()) for line in lines) - 1
        tell(case, "")
        return
    with pytest.raises(UserError) as caught:
        inputs(tmp_path / "DATA", read_sheet(path)).check()
    message = refusal(caught.value, file=tmp_path)
    assert message.replace("\n", "").isprintable()
    tell(case, neutral(message, tmp_path / "DATA"))
