"""The tester of the tests: what it makes wrong, and what it calls noticed."""

import ast
import os
from pathlib import Path
from types import ModuleType

import pytest
from mutants import __main__ as main
from mutants import child
from mutants.__main__ import keyed, passing, try_module
from mutants.child import PACKAGE, ROOT
from mutants.mutations import Mutation, mutants
from mutants.page import Outcome, page
from mutants.passed import TESTS, imported
from mutants.passed import Test as Traced
from mutants.quick import changes_of

SOURCE = '''
"""A docstring is left alone."""

LIMIT = 3


def larger(values: list[float], least: float = 0.5) -> bool:
    """So is this one."""
    if not values:
        raise ValueError("nothing" + "at all")
    total = sum(values) + LIMIT
    return total > least and max(values) <= 2 * least
'''


def changes(source: str) -> list[str]:
    return [mutation.name for mutation, _ in mutants(source)]


def keys(source: str) -> list[str]:
    return [key for key, *_ in keyed(source)]


def test_every_kind_of_change_is_made_once() -> None:
    found = changes(SOURCE)
    assert len(found) == len(set(found))
    assert set(found) == {
        "module: 3 → 4",
        "larger: 0.5 → 0.45",
        "larger: not values → not not values",
        "larger: not values → values",
        "larger: raise ValueError('nothing' + 'at all') → nothing",
        "larger: sum(values) + LIMIT → sum(values) - LIMIT",
        "larger: sum(values) → values",
        "larger: total > least and max(values) <= 2 * least → total > least or max(values) <= 2 * least",
        "larger: total > least → total >= least",
        "larger: max(values) <= 2 * least → max(values) < 2 * least",
        "larger: max(values) → values",
        "larger: max(values) → min(values)",
        "larger: 2 * least → 2 / least",
        "larger: 2 → 3",
    }


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("x = -y", "-y → y"),
        ("x = a[1:-1] if a is None else b", "a is None → a is not None"),
        ("x = f(a, b)", "f(a, b) → f(b, a)"),
        ("x = np.sum(a, axis=0)", "np.sum(a, axis=0) → np.sum(a)"),
        ("x = table.sort_values('dice')", "table.sort_values('dice') → table"),
        ("labels[lesion] = 2", "labels[lesion] = 2 → nothing"),
        ("x |= 1 << 3", "1 << 3 → 1 >> 3"),
        ("for x in y:\n    if x: break", "break → nothing"),
        ("x = [y for y in z if y]", "y → not y"),
        ("x = True", "True → False"),
    ],
)
def test_changes(code: str, change: str) -> None:
    assert f"module: {change}" in changes(code)


def test_each_mutant_is_wrong_in_one_place_and_compiles() -> None:
    whole = ast.unparse(ast.parse(SOURCE))
    for mutation, tree in mutants(SOURCE):
        differing = [
            (one, other)
            for one, other in zip(whole.splitlines(), ast.unparse(tree).splitlines(), strict=True)
            if one != other
        ]
        assert len(differing) == 1, mutation
        compile(tree, "mutant", "exec")
    assert ast.unparse(ast.parse(SOURCE)) == whole


def test_a_default_counts_as_run_at_import_and_a_body_does_not() -> None:
    at_import = {mutation.name: mutation.runs_at_import for mutation, _ in mutants(SOURCE)}
    assert {name for name, early in at_import.items() if early} == {"module: 3 → 4", "larger: 0.5 → 0.45"}


def test_another_import_and_another_docstring_leave_outcomes_known() -> None:
    moved = SOURCE.replace("LIMIT = 3", "from elsewhere import sum  # of floats\n\nLIMIT = 3")
    moved = moved.replace("So is this one.", "So is this.")
    assert moved.count("from elsewhere") == moved.count("So is this.") == 1
    assert changes(moved) == changes(SOURCE)
    assert keys(moved) == keys(SOURCE)


def test_a_change_leaves_outcomes_of_other_functions_known() -> None:
    other = SOURCE + "\n\ndef smaller(values: list[float]) -> bool:\n    return not larger(values, 1)\n"
    assert set(keys(SOURCE)) < set(keys(other))
    changed = SOURCE.replace("LIMIT = 3", "LIMIT = 4")
    assert len(set(keys(changed)) - set(keys(SOURCE))) == 1


def test_equal_changes_of_a_function_are_told_apart() -> None:
    twice = "def f(a, b):\n    c = a + b\n    return c, a + b\n"
    assert len(set(keys(twice))) == len(changes(twice)) == 2


@pytest.mark.parametrize(
    ("code", "other"),
    [("LIMIT = 3", "LIMIT = 4"), ("<=", "<"), ("least: float", "most: float"), ('"at all"', '""')],
)
def test_any_other_change_makes_outcomes_unknown(code: str, other: str) -> None:
    assert set(keys(SOURCE.replace(code, other, 1))) != set(keys(SOURCE))


def test_what_survived_without_a_reason_is_tried_again_if_its_tests_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tried: list[str] = []

    def end(module: str, mutation: Mutation, tree: ast.Module, tests: dict[str, Traced]) -> tuple[str, int]:
        tried.append(mutation.name)
        return "killed" if "least" in mutation.name else "survived", len(tests)

    monkeypatch.setattr(main, "_source", lambda module: SOURCE)
    monkeypatch.setattr(main, "_try", end)
    every, survivors = changes(SOURCE), [name for name in changes(SOURCE) if "least" not in name]
    for suite, explained, expected in (
        ("1", set(), every),
        ("1", set(), []),
        ("2", {("box", survivors[0])}, survivors[1:]),
        ("2", set(), survivors[:1]),
    ):
        monkeypatch.setattr(main, "_suite", lambda files, suite=suite: suite)
        tried.clear()
        try_module("box", {}, tmp_path, explained)
        assert tried == expected


DECORATED = """
from functools import cache

@cache
def cached():
    return 1

def outer():
    def inner():
        return 1
    return inner()

class Box:
    def method(self):
        return [1 for _ in "x"][0]

    @property
    def plain(self):
        return 1

    @classmethod
    def of(cls):
        return 1

    @property
    def settable(self):
        return 1

    @settable.setter
    def settable(self, value):
        self.value = value
"""


def test_a_function_gets_the_code_of_its_mutant_also_where_it_is_known_already() -> None:
    module = ModuleType("decorated")
    module.__file__ = "decorated.py"
    exec(compile(DECORATED, module.__file__, "exec"), vars(module))
    box = module.Box()
    known = {
        "cached": module.cached,
        "outer.inner": module.outer,
        "Box.method": box.method,
        "Box.plain": lambda: box.plain,
        "Box.of": box.of,
        "Box.settable": lambda: box.settable,
    }
    for mutation, tree in mutants(DECORATED):
        if mutation.before == "1":
            for function, code in changes_of(module, mutation.function, tree):
                function.__code__ = code
    assert {name: function() for name, function in known.items()} == {name: 2 for name in known} | {
        "Box.settable": 1  # getter and setter have one name: it is tried by itself
    }


def test_tests_that_pass_through_a_line_are_those_of_its_mutants() -> None:
    own = "tests/unit/volumes/test_box.py::looks"
    tests = {
        own: Traced(0.1, {}),
        "other": Traced(0.1, {}),
        "one": Traced(0.1, {"volumes/box": {9, 10}}),
        "two": Traced(0.1, {"volumes/box": {9, 12}, "voi": {11}}),
    }
    found = {mutation.name: set(passing("volumes/box", mutation, tests)) for mutation, _ in mutants(SOURCE)}
    assert found["larger: sum(values) → values"] == {own, "one", "two"}  # it may be called at import
    assert found["larger: not values → values"] == {"one", "two"}
    assert found["larger: 2 → 3"] == {"two"}
    assert found["module: 3 → 4"] == {own, "one", "two"}


def test_a_file_of_tests_is_traced_again_if_anything_that_it_imports_changed() -> None:
    path = TESTS / "masks/test_average.py"
    found = imported(path)
    own = {path, TESTS / "small_exams.py", PACKAGE / "masks/average.py", PACKAGE / "masks/__init__.py"}
    assert own | {PACKAGE / "volumes/axes.py"} <= found  # the last one through others
    assert PACKAGE / "masks/fusion.py" not in found
    assert ROOT / "tests/mutants/__main__.py" in imported(Path(__file__))


@pytest.mark.parametrize(("kept_waiting", "status"), [(0, None), (30, 0)])
def test_time_without_a_processor_does_not_count(
    monkeypatch: pytest.MonkeyPatch, kept_waiting: float, status: int | None
) -> None:
    monkeypatch.setattr(child, "_kept_waiting", lambda _: kept_waiting)
    process = os.posix_spawn("/bin/sleep", ["sleep", "0.5"], os.environ, setsid=True)
    assert child.wait(process, timeout=0.05) == status


def test_the_page_tells_survivors_with_their_reasons() -> None:
    outcomes = [
        Outcome("1", "", "f: 1 → 2", 7, "survived", 3),
        Outcome("2", "", "g: a | b → a & b", 9, "untested", 0),
        Outcome("3", "", "g: 1 → 2", 8, "killed", 2),
        Outcome("4", "", "g: 2 → 3", 8, "time over", 2),
    ]
    why = {("box", "f: 1 → 2"): "the same for all boxes"}
    lines = page({"box": outcomes, "voi": []}, {"box": 4, "voi": 12}, why).splitlines()
    assert "| box | 4 | 4 | 1 | 1 | 2 |" in lines
    assert "| voi | 12 |  |  |  |  |" in lines
    assert "| box | 7 | `f: 1 → 2` | the same for all boxes |" in lines
    assert "| box | 9 | `g: a \\| b → a & b` | **not known** |" in lines
