"""The environment of a process, files that are not whole, and scores that are equal, few or undefined."""

from pathlib import Path

import pytest
from cases import Case, Tell, ids
from environment import ENVIRONMENT, EQUAL, HOSTILE, HOSTILE_RUN, WHOLE, WHOLE_RUN
from injected import end, same, start
from light import Light

QUICK = [case for case in (*ENVIRONMENT.cases, *WHOLE.cases, *EQUAL.cases) if case is not WHOLE_RUN]


@pytest.mark.parametrize("case", QUICK, ids=ids)
def test_case(case: Case, tmp_path: Path, tell: Tell) -> None:
    tell(case, case.do(tmp_path))


@pytest.mark.slow
def test_a_whole_run(fresh: Light, undisturbed: Light, tmp_path: Path, tell: Tell) -> None:
    (fresh.folder / "matplotlibrc").write_text(HOSTILE)
    run = start(fresh, tmp_path / "log", **HOSTILE_RUN)
    try:
        assert run.wait(1500) == 0, (tmp_path / "log").read_text()
    finally:
        end(run)
    same(fresh, undisturbed)
    tell(WHOLE_RUN, "")
