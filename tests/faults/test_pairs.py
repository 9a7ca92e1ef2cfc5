"""Images and labels that do not lie on each other: refused or told."""

from pathlib import Path

import pairs
import pytest
from cases import ACCEPTED, REFUSED, Case, Tell, ids, neutral, refusal
from walk import EXAM

from hepaflow.errors import UserError
from hepaflow.exams.survey import survey


@pytest.mark.parametrize("case", pairs.PAIRS.cases, ids=ids)
def test_pair(case: Case, tmp_path: Path, tell: Tell) -> None:
    made = case.do(tmp_path)
    if case.outcome == REFUSED:
        with pytest.raises(UserError) as caught:
            survey(EXAM, made.image, made.label)
        tell(case, neutral(refusal(caught.value, exam=EXAM), tmp_path))
        return
    found = survey(EXAM, made.image, made.label, trust_label_grid=made.trust_label_grid)
    assert bool(found["warnings"]) == (case.outcome != ACCEPTED)
    tell(case, "; ".join(found["warnings"]))
