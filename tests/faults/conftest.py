"""What the tests of faults share: the page, into which every case puts what hepaflow told."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cases import Case, Tell
from light import Light, light
from page import PAGE, row

_CACHE = "faults/told"
_TOLD = pytest.StashKey[dict[str, str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-page", action="store_true", help="write docs/faults.md anew")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TOLD] = {}


@pytest.fixture
def fresh(tmp_path: Path) -> Light:
    """Return a copy of the project without results."""
    return light(tmp_path / "run")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Light:
    """Return the light run, finished."""
    made = light(tmp_path_factory.mktemp("undisturbed") / "run")
    ended = made.snakemake()
    assert ended.returncode == 0, ended.stdout
    return made


@pytest.fixture
def copied(undisturbed: Light, tmp_path: Path) -> Iterator[Light]:
    """Return a copy of the finished light run, with its times and Snakemake's records."""
    folder = tmp_path / "run"
    shutil.copytree(undisturbed.folder, folder, copy_function=shutil.copy2)
    yield Light(folder)
    shutil.rmtree(folder)


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Note what hepaflow told in a case: for the new page, or to be compared with the page as it is."""

    def told(case: Case, message: str) -> None:
        for words in case.words:
            assert words in message, f"no {words!r} in: {message}"
        request.config.stash[_TOLD][case.name] = message
        if not request.config.getoption("--write-page", default=False):
            assert row(case, message) in PAGE.read_text(encoding="utf-8"), "make test-faults writes the page anew"

    return told


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the page; cases that were not run now are told as the last run of them told."""
    if not session.config.getoption("--write-page", default=False):
        return
    from page import page
    from tables_of_cases import TABLES

    cache = session.config.cache
    assert cache is not None
    told = cache.get(_CACHE, {}) | session.config.stash[_TOLD]
    cache.set(_CACHE, told)
    missing = [case.name for table in TABLES for case in table.cases if case.name not in told]
    PAGE.write_text(page(TABLES, told), encoding="utf-8")
    print(f"\n{PAGE.name} is written" + (f"; nothing was told of: {'; '.join(missing)}" if missing else ""))
