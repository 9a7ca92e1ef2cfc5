"""Which tests pass through which lines of the package, and how long each takes."""

import ast
import hashlib
import json
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from mutants.child import PACKAGE, ROOT, pytest_in_a_child

TESTS = ROOT / "tests/unit"
_ROOTS = (PACKAGE.parent, ROOT, ROOT / "workflow", ROOT / "docs", ROOT / "tests", TESTS, ROOT / "tests/workflow")
"""Where the tests' imports are looked up."""
_LEFT_OUT = {f"training/test_{noun}.py" for noun in ("trainer", "resuming", "devices", "loading")}
"""Whole trainings: seconds for each of their tests, and minutes as they are traced."""
_TIMEOUT = 900


@dataclass
class Test:
    """What a test did: seconds it took, and lines it passed through, by module."""

    seconds: float
    lines: dict[str, set[int]]


@dataclass
class Tracer:
    """A plugin of pytest that notes the lines of some modules, for each test that passes.

    Lines of a fixture count for every test of the file: several may share what it made.
    """

    modules: Sequence[str]
    tests: dict[str, Test] = field(default_factory=dict)
    shared: dict[str, set[int]] = field(default_factory=dict)
    _now: dict[str, set[int]] = field(default_factory=dict)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Iterator[None]:
        self._now = self.shared
        with self._traced():
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        self._now = {}
        start = time.monotonic()
        with self._traced():
            result = yield
        self.tests[item.nodeid] = Test(time.monotonic() - start, self._now)
        return result

    def _traced(self) -> "_Tracing":
        return _Tracing(self._of_call)

    def _of_call(self, frame: FrameType, event: str, argument: object) -> Any:
        module = _module(frame.f_code.co_filename)
        if module is None or module not in self.modules:
            return None
        lines = self._now.setdefault(module, set())

        def of_line(frame: FrameType, event: str, argument: object) -> Any:
            lines.add(frame.f_lineno)
            return of_line

        return of_line(frame, event, argument)


class Chosen:
    """A plugin of pytest that runs some tests alone, in their order.

    Named as arguments they would make it an error of usage that their file cannot be imported.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        found = {item.nodeid: item for item in items}
        items[:] = [found[name] for name in self._names if name in found]


class _Tracing:
    def __init__(self, function: Any) -> None:
        self._function = function

    def __enter__(self) -> None:
        threading.settrace(self._function)
        sys.settrace(self._function)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]


@cache
def _module(path: str) -> str | None:
    """Return the package's module that a file holds, as `volumes/box`; None for other files."""
    return str(Path(path).relative_to(PACKAGE).with_suffix("")) if path.startswith(f"{PACKAGE}/") else None


@cache
def imported(path: Path) -> frozenset[Path]:
    """Return the project's files that a file imports, directly or not, and itself."""
    found, waiting = {path}, [path]
    while waiting:
        new = _imports(waiting.pop()) - found
        found |= new
        waiting += new
    return frozenset(found)


@cache
def _imports(path: Path) -> frozenset[Path]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{one.name}" for one in node.names}
    parts = [name.split(".") for name in names]
    whole = {"/".join(part[:length]) for part in parts for length in range(1, len(part) + 1)}
    places = [root / f"{name}{end}.py" for root in _ROOTS for name in whole for end in ("", "/__init__")]
    return frozenset(place for place in places if place.is_file())


def passed(folder: Path, modules: Sequence[str]) -> dict[str, Test]:
    """Return what every unit test passes through; what is known from an earlier call is read, not run again.

    A file of tests is run again if it or anything that it imports has changed, and not at all if it imports none
    of the modules.

    Parameters
    ----------
    folder : Path
        Where it is kept, a file for a file of tests.
    modules : sequence of str
        Modules of the package, as paths without suffix: `volumes/box`.
    """
    wanted = {PACKAGE / f"{module}.py" for module in modules}
    tests: dict[str, Test] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        name = path.relative_to(TESTS).as_posix()
        if name in _LEFT_OUT or wanted.isdisjoint(imported(path)):
            continue
        kept = folder / f"{name.removesuffix('.py').replace('/', '.')}.json"
        key = [_digest(*sorted(imported(path))), list(modules)]
        content = json.loads(kept.read_text()) if kept.exists() else {}
        if content.get("key") != key:
            print(f"tracing {name}", flush=True)
            content = {"key": key, "tests": _trace(path, modules, folder)}
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(content))
        for name, (seconds, lines) in content["tests"].items():
            tests[name] = Test(seconds, {module: set(found) for module, found in lines.items()})
    return tests


def _trace(path: Path, modules: Sequence[str], folder: Path) -> dict[str, Any]:
    tracer = Tracer(modules)

    def report() -> str:
        for test in tracer.tests.values():
            for module, lines in tracer.shared.items():
                test.lines.setdefault(module, set()).update(lines)
        return json.dumps(
            {
                name: (test.seconds, {module: sorted(lines) for module, lines in test.lines.items()})
                for name, test in tracer.tests.items()
            }
        )

    ended = pytest_in_a_child([str(path)], timeout=_TIMEOUT, plugins=[tracer], report=report)
    return json.loads(ended.report) if ended.report else {}


def _digest(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(_content(path))
    return digest.hexdigest()


@cache
def _content(path: Path) -> bytes:
    return path.read_bytes()
