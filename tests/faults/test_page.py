"""The page tells of all cases and of no others. That it tells what happens, each case's own test asserts."""

from collections import Counter

import pytest
from page import PAGE, page
from tables_of_cases import TABLES


def test_cases_have_names_of_their_own() -> None:
    counts = Counter(case.name for table in TABLES for case in table.cases)
    assert [name for name, count in counts.items() if count > 1] == []


def test_page_is_written_from_these_cases(request: pytest.FixtureRequest) -> None:
    """All but the messages: counts, tables, what was mended."""
    if request.config.getoption("--write-page", default=False):
        pytest.skip("it is being written")
    told = {case.name: "MESSAGE" for table in TABLES for case in table.cases}
    expected = page(TABLES, told).splitlines()
    found = PAGE.read_text(encoding="utf-8").splitlines()
    assert len(found) == len(expected)
    for own, other in zip(found, expected, strict=True):
        assert own.startswith(other.partition("MESSAGE")[0])
