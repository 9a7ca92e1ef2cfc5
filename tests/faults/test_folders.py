"""Folders of exams: what is taken, and what is told of the rest."""

from pathlib import Path

import folders
import pytest
from cases import ACCEPTED, REFUSED, Case, Tell, ids, neutral, refusal

from hepaflow.cli import main
from hepaflow.errors import UserError
from hepaflow.segment.source import find_exams


@pytest.mark.parametrize("case", folders.SOURCES.cases, ids=ids)
def test_folder_of_exams(case: Case, tmp_path: Path, tell: Tell) -> None:
    made = case.do(tmp_path)
    found = find_exams(made.place)
    assert tuple(source.name for source in found.sources) == made.exams
    for source in found.sources:
        assert source.read().hu.shape == (8, 24, 20)
    told = "; ".join(f"left out: {one}" for one in found.left_out)
    assert bool(told) == (case.outcome != ACCEPTED), told
    tell(case, told)


@pytest.mark.parametrize("case", folders.INDEXED.cases, ids=ids)
def test_index(case: Case, tmp_path: Path, tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = case.do(tmp_path)
    sheet = Path(arguments[3])
    before = sheet.read_bytes() if sheet.is_file() else None
    status = main(arguments)
    printed = capsys.readouterr()
    assert (status == 1) == (case.outcome == REFUSED), printed.err
    assert ("skipped" in printed.out) == (case.outcome not in (ACCEPTED, REFUSED))
    if case.outcome == REFUSED:
        assert "Traceback" not in printed.err
        assert (sheet.read_bytes() if sheet.is_file() else None) == before
    found = printed.out.partition("\nName both")[0]  # without what comes next
    tell(case, neutral(printed.err or found, tmp_path))


@pytest.mark.parametrize("case", folders.WRONG_VALUES.cases, ids=ids)
def test_values(case: Case, tmp_path: Path, tell: Tell) -> None:
    path = case.do(tmp_path)
    with pytest.raises(UserError) as caught:
        find_exams(path).sources[0].read()
    tell(case, neutral(refusal(caught.value, exam="a", file=path), tmp_path))
