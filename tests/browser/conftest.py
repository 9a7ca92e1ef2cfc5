"""A real browser, and what its pages say."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from opened import Opened
from playwright.sync_api import Browser, sync_playwright
from smoke_run import Checkout


@pytest.fixture(scope="module")  # not longer: while it runs, so does an event loop, and Snakemake wants its own
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
def report(completed: Checkout) -> Path:
    """Return the report that the small run ended with."""
    return completed.folder / "results/smoke/report.html"


@pytest.fixture(scope="session")
def promised(completed: Checkout) -> set[str]:
    """Return what the rules mark for the report; Snakemake says so in a process of its own."""
    ended = subprocess.run(
        [sys.executable, Path(__file__).with_name("promised.py"), completed.folder],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ended.stdout.splitlines())
