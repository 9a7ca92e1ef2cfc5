"""What the tests of faults share: the page, into which every case puts what hepaflow told."""

import json
from pathlib import Path

import pytest
from cases import Case, Tell
from page import PAGE, row

_TOLD = pytest.StashKey[dict[str, str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-page", action="store_true", help="write docs/faults.md anew; needs the whole suite")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: faults injected into whole runs; not part of `make test`")
    config.stash[_TOLD] = {}


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Note what hepaflow told in a case: for the new page, or to be compared with the page as it is."""

    def told(case: Case, message: str) -> None:
        for words in case.words:
            assert words in message, f"no {words!r} in: {message}"
        request.config.stash[_TOLD][case.name] = message
        if not request.config.getoption("--write-page"):
            assert row(case, message) in PAGE.read_text(encoding="utf-8"), "make test-faults writes the page anew"

    return told


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.getoption("--write-page", default=False):
        from page import page
        from tables_of_cases import TABLES

        told = session.config.stash[_TOLD]
        missing = [case.name for table in TABLES for case in table.cases if case.name not in told]
        if missing:
            print(
                f"\ndocs/faults.md stays as it is: nothing was told of {json.dumps(missing, ensure_ascii=False)}"
            )
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        else:
            Path(PAGE).write_text(page(TABLES, told), encoding="utf-8")
