"""What all tests share, and the small run that those of the workflow and of the browser share."""

import os
import random
import shutil
import signal
import sys

# Tests run side by side, one thread each; this must be set before NumPy and torch are imported.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

# A shell starts what runs in its background with Ctrl-C ignored, and nohup what it starts with SIGHUP ignored: all
# processes of tests would inherit that.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)

import pytest  # noqa: E402
from filelock import FileLock  # noqa: E402
from smoke_run import Checkout, checkout  # noqa: E402


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Let every test draw the same, alone or after others: also what its fixtures draw."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session")
def completed(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Checkout:
    """Return the finished smoke run, with a shared cache beside it. Tests that change it take `copied`.

    Workers side by side share one: the first makes it, the others wait.
    """
    session = tmp_path_factory.getbasetemp()
    folder = (session if worker_id == "master" else session.parent) / "smoke"
    made = Checkout(folder / "run")
    with FileLock(folder.with_suffix(".lock")):
        if not folder.exists():
            made = checkout(folder / "run")
            made.configure(cache=str(folder / "cache"))
            ended = made.snakemake()
            if ended.returncode != 0:
                shutil.rmtree(folder)
            assert ended.returncode == 0, ended.stdout
    return made
