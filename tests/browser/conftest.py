"""A real browser, and what its pages say."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from opened import Opened
from playwright.sync_api import Browser, sync_playwright
from smoke_run import Checkout, checkout


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return the system's Chromium; `install_chromium.sh` sees to it that there is one."""
    path = shutil.which("chromium")
    assert path, "no chromium on the PATH"
    with sync_playwright() as playwright:
        # Without a sandbox, as it needs rights that containers do not have; it opens nothing but our own pages.
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """Return a function that opens a file, and checks in the end that its page was quiet."""
    made = Opened(browser)
    yield made
    made.close()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a finished small run with its report."""
    made = checkout(tmp_path_factory.mktemp("report") / "run")
    for arguments in ((), ("--report", "results/smoke/report.html")):
        ended = made.snakemake(*arguments)
        assert ended.returncode == 0, ended.stdout
    return made


@pytest.fixture(scope="session")
def report(finished: Checkout) -> Path:
    """Return the report of the small run."""
    return finished.folder / "results/smoke/report.html"


@pytest.fixture(scope="session")
def promised(finished: Checkout) -> set[str]:
    """Return what the rules mark for the report; Snakemake says so in a process of its own."""
    ended = subprocess.run(
        [sys.executable, Path(__file__).with_name("promised.py"), finished.folder],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ended.stdout.splitlines())
