"""What all tests share, and the small run that those of the workflow and of the browser share."""

import os

# Tests run side by side, one thread each; this must be set before NumPy and torch are imported.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import pytest  # noqa: E402
from smoke_run import Checkout, checkout  # noqa: E402


@pytest.fixture(scope="session")
def completed(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return the finished smoke run, with a shared cache beside it. Tests that change it take `copied`."""
    folder = tmp_path_factory.mktemp("smoke")
    made = checkout(folder / "run")
    made.configure(cache=str(folder / "cache"))
    ended = made.snakemake()
    assert ended.returncode == 0, ended.stdout
    return made
