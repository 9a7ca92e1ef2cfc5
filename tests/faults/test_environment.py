"""The environment of a process, files that are not whole, and scores that are equal, few or undefined."""

from pathlib import Path

import pytest
from cases import Case, Tell, ids
from environment import ENVIRONMENT, EQUAL, WHOLE


@pytest.mark.parametrize("case", [*ENVIRONMENT.cases, *WHOLE.cases, *EQUAL.cases], ids=ids)
def test_case(case: Case, tmp_path: Path, tell: Tell) -> None:
    tell(case, case.do(tmp_path))
