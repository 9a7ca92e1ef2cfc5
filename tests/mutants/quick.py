"""Mutants of functions, on tests that are collected once: each in a fork in which the function has other code.

To start pytest and to import what tests need takes longer than most tests. A mutant that is not killed here is
tried again by itself: what ran before the fork, as tests were collected, ran without it.
"""

import ast
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from mutants.child import NOTICED, wait
from mutants.mutations import Mutation

Left = Callable[[], Iterator[tuple[str, Mutation, ast.Module, Sequence[str]]]]
"""Yields a module's mutants that are left to be tried: key, mutation, tree, and tests in their order."""


class Quick:
    """A plugin of pytest that runs tests on mutants, in place of running all of them once.

    Parameters
    ----------
    module : str
        Module of the package, as `volumes/box`.
    left : Left
    limit : callable
        Returns the seconds that some tests may take.
    noticed : callable
        Is told the key of a mutant that is killed, and how it ended.
    """

    def __init__(
        self,
        module: str,
        left: Left,
        limit: Callable[[Sequence[str]], float],
        noticed: Callable[[str, str], object],
    ) -> None:
        self._name, self._left = f"hepaflow.{module.replace('/', '.')}", left
        self._limit, self._noticed = limit, noticed

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        module = sys.modules.get(self._name)
        if module is None or session.testsfailed or self._run(session, list(items.values())) != 0:
            return True  # not one of these tests can be trusted
        for key, mutation, tree, names in self._left():
            chosen = [items[name] for name in names if name in items]
            changes = [] if mutation.runs_at_import else changes_of(module, mutation.function, tree)
            if not chosen or not changes:
                continue
            status = self._run(session, chosen, changes)
            if status is None:
                self._noticed(key, "time over")
            elif status in NOTICED:
                self._noticed(key, "killed")
        return True

    def _run(
        self,
        session: pytest.Session,
        items: Sequence[pytest.Item],
        changes: Sequence[tuple[FunctionType, CodeType]] = (),
    ) -> int | None:
        """Run tests in a fork until one fails, and return its exit status; None where its time was over."""
        child = os.fork()
        if child == 0:
            status = 70
            try:
                os.setsid()
                for function, code in changes:
                    function.__code__ = code
                for item, following in zip(items, [*items[1:], None], strict=True):
                    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                    if session.testsfailed:
                        break
                status = int(bool(session.testsfailed))
            finally:
                os._exit(status)
        return wait(child, self._limit([item.nodeid for item in items]))


def changes_of(module: ModuleType, name: str, tree: ast.Module) -> list[tuple[FunctionType, CodeType]]:
    """Return the function of a name, or that around it, whatever decorates it, with its code in another tree.

    There is none if the code of several has its name, as that of a property that can be set.
    """
    codes = _codes(compile(tree, str(module.__file__), "exec"))
    found = [one for one in _functions(vars(module), module) if f"{name}.".startswith(f"{one.__qualname__}.")]
    return [(one, codes[one.__qualname__]) for one in found if one.__qualname__ in codes]


def _functions(names: Mapping[str, Any], module: ModuleType) -> Iterator[FunctionType]:
    for value in names.values():
        if isinstance(value, type) and value.__module__ == module.__name__:
            yield from _functions(vars(value), module)
        several = (value.fget, value.fset) if isinstance(value, property) else (value,)
        for one in several:
            if isinstance(one, cached_property):
                one = one.func
            while (inner := getattr(one, "__wrapped__", None) or getattr(one, "__func__", None)) is not None:
                one = inner
            if isinstance(one, FunctionType) and one.__module__ == module.__name__:
                yield one


def _codes(code: CodeType) -> dict[str, CodeType]:
    """Return a module's code by qualified name, but for names that several have."""
    found, waiting, several = {}, [code], set()
    while waiting:
        one = waiting.pop()
        if one.co_qualname in found:
            several.add(one.co_qualname)
        found[one.co_qualname] = one
        waiting += [inner for inner in one.co_consts if isinstance(inner, CodeType)]
    return {name: one for name, one in found.items() if name not in several}
