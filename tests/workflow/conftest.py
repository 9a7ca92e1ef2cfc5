"""Copies of the small run, for each test that changes something."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from reruns import Finished
from smoke_run import Checkout, checkout

PROOF = "tests/workflow/test_reruns_"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the proof of exact reruns has tried, and how long it took."""
    passed = [one for one in terminalreporter.stats.get("passed", []) if one.nodeid.startswith(PROOF)]
    counts = {
        what: sum(f"::test_{name}[" in one.nodeid for one in passed)
        for what, name in (
            ("keys", "a_key_reruns_exactly_what_follows_from_it"),
            ("groups of modules", "modules_rerun_exactly_the_scripts_that_reach_them"),
            ("headline cases", "headline_case_runs_exactly_these_jobs"),
        )
    }
    if passed:
        tried = ", ".join(f"{count} {what}" for what, count in counts.items())
        seconds = sum(one.duration for one in passed)
        terminalreporter.write_line(f"exact reruns: {tried}; {len(passed)} tests in {seconds:.0f} s")


@pytest.fixture(scope="module")
def finished(completed: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """Return a copy of the finished run; each test leaves the code as it was."""
    folder = tmp_path_factory.mktemp("reruns") / "run"
    shutil.copytree(completed.folder, folder, copy_function=shutil.copy2)
    shutil.copy(folder / "config/exams/smoke.tsv", folder / "config/exams/copy.tsv")
    (folder / "given").mkdir()
    for exam in ("three", "four"):
        shutil.copy(folder / f"data/phantoms/{exam}.label.nii.gz", folder / f"given/{exam}.nii.gz")
    before = os.environ.get("PYTHONPATH")
    yield Finished(folder)
    if before is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = before


@pytest.fixture
def copied(completed: Checkout, tmp_path: Path) -> Iterator[Checkout]:
    """Return a copy of the finished smoke run, with its times and Snakemake's records."""
    folder = tmp_path / "run"
    shutil.copytree(completed.folder, folder, copy_function=shutil.copy2)
    yield Checkout(folder)
    shutil.rmtree(folder)


@pytest.fixture
def fresh(tmp_path: Path) -> Checkout:
    """Return a copy of the project without results."""
    return checkout(tmp_path / "run")
