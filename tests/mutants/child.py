"""Pytest in a child process that has the libraries already, with a module of the package changed in memory."""

import ast
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType
from typing import Any

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "workflow/scripts/hepaflow"
NOTICED = (1, 2, -signal.SIGSEGV, -signal.SIGABRT)
"""A test failed, a file of tests could not be imported, or a library crashed."""

_MEMORY = 12 << 30  # a mutant may ask for any amount


def load_libraries() -> None:
    """Import what takes seconds, once for all children; nothing of the package itself."""
    import highdicom  # noqa: F401
    import hypothesis  # noqa: F401
    import lightning_fabric  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import monai.losses  # noqa: F401
    import nibabel  # noqa: F401
    import pandas  # noqa: F401
    import pydantic  # noqa: F401
    import pytest  # noqa: F401
    import scipy.stats  # noqa: F401
    import skimage.exposure  # noqa: F401
    import torch  # noqa: F401
    import torchvision  # noqa: F401


class _Changed(SourceFileLoader):
    """Loads a module from a tree in place of its file."""

    def __init__(self, name: str, path: str, tree: ast.Module) -> None:
        super().__init__(name, path)
        self._tree = tree

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._tree, self.path, "exec")


class _Finder(MetaPathFinder):
    def __init__(self, module: str, tree: ast.Module) -> None:
        self._name, self._tree = "hepaflow." + module.replace("/", "."), tree
        self._path = str(PACKAGE / f"{module}.py")

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        return spec_from_file_location(fullname, self._path, loader=_Changed(fullname, self._path, self._tree))


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes
    ----------
    status : int or None
        Pytest's exit status, or minus the signal that ended it; None where its time was over.
    report : str
        What `report` returned in the child.
    """

    status: int | None
    report: str


def pytest_in_a_child(
    arguments: Sequence[str],
    *,
    timeout: float,
    change: tuple[str, ast.Module] | None = None,
    plugins: Sequence[Any] = (),
    report: Callable[[], str] = str,
) -> Ended:
    """Run pytest in a child process, in a folder of its own for all that it writes.

    Parameters
    ----------
    arguments : sequence of str
        Files or tests.
    timeout : float
        Seconds after which the child and what it has started are killed; while it waits for a processor of a busy
        machine they do not count.
    change : tuple of str and ast.Module, optional
        A module of the package, as a path without suffix, and the tree that is run instead of its file.
    plugins : sequence, optional
        Plugins of pytest.
    report : callable, optional
        Called in the child after the tests.
    """
    folder = Path(tempfile.mkdtemp(prefix="mutant-"))
    try:
        child = os.fork()
        if child == 0:
            _be_the_child(folder, arguments, change, plugins, report)
        status = wait(child, timeout)
        told = folder / "report"
        return Ended(status, told.read_text() if told.exists() else "")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _be_the_child(
    folder: Path,
    arguments: Sequence[str],
    change: tuple[str, ast.Module] | None,
    plugins: Sequence[Any],
    report: Callable[[], str],
) -> None:
    status = 70
    try:
        os.setsid()
        os.chdir(ROOT)
        output = os.open(folder / "output", os.O_CREAT | os.O_WRONLY)
        os.dup2(output, 1)
        os.dup2(output, 2)
        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
        os.environ |= {"HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"), "TMPDIR": str(folder)}
        if change:
            sys.meta_path.insert(0, _Finder(*change))
        import pytest

        options = ["-x", "-q", "-p", "no:cacheprovider", "--tb=no", f"--basetemp={folder / 'tests'}"]
        if not change:
            options.remove("-x")
        status = int(pytest.main([*options, *arguments], plugins=list(plugins)))
        (folder / "report").write_text(report())
    finally:
        os._exit(status)


def wait(child: int, timeout: float) -> int | None:
    """Wait for a child that leads a group, and return its exit status; None where it had to be ended."""
    start = time.monotonic()
    while True:  # it may have ended while this process was stopped
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            _kill(child)
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() - start > timeout + _kept_waiting(child):
            break
        time.sleep(0.02)
    _kill(child)
    os.waitpid(child, 0)
    return None


def _kept_waiting(process: int) -> float:
    """Return for how many seconds a process could have run and had no processor; 0 where Linux does not count."""
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def _kill(group: int) -> None:
    """End the child and what it left behind."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
