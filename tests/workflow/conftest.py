"""Copies of the small run, for each test that changes something."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from smoke_run import Checkout, checkout


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
