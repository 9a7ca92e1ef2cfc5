"""Fingerprints of code: what changes them, what does not, and what they refuse to follow."""

import ast
import hashlib
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pytest

import hepaflow
from hepaflow.errors import UserError
from hepaflow.jobs.fingerprint import (
    ALL,
    HOLDS_A_VALUE,
    TABLES,
    Chosen,
    chosen_by,
    fingerprints,
    libraries,
    modules,
)
from hepaflow.methods.job_settings import JobSettings
from hepaflow.methods.thesis import plan_of
from hepaflow.model.origin import Origin
from hepaflow.settings.workflow import read_settings

SCRIPTS = Path(hepaflow.__file__).parents[1]
EVERY_SCRIPT = sorted(SCRIPTS.glob("*.py"))
WITHOUT_TORCH = (
    "phantom",
    "survey",
    "preprocess",
    "postprocess",
    "fit_fusion",
    "fuse",
    "restore",
    "evaluate",
    "evaluate_given",
    "overlap",
    "tables",
)
"""Scripts of the many short jobs, which would spend most of their time on importing torch."""
TORCH = {"torch", "torchvision", "monai", "lightning_fabric"}

HOUSE = {
    "script.py": '''
        """A script."""

        import json
        from hepaflow.direct import double, half

        print(double(2), json)
    ''',
    "hepaflow/__init__.py": '"""The package."""',
    "hepaflow/direct.py": '''
        """A module."""

        from hepaflow.deep.indirect import TWO


        def double(x):
            """Double."""
            return TWO * x


        def half(x):
            return x / TWO
    ''',
    "hepaflow/deep/__init__.py": "",
    "hepaflow/deep/indirect.py": "TWO = 2\n",
    "hepaflow/unrelated.py": "THREE = 3\n",
}


class House:
    """A script and a package, written anew for every variant, so that no time stamp is the same by accident."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0

    def script(self, files: Mapping[str, str] = {}) -> Path:
        self._count += 1
        root = self._folder / str(self._count)
        for name, text in {**HOUSE, **files}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(clean(text), encoding="utf-8")
        return root / "script.py"

    def changed(self, name: str, old: str, new: str) -> Path:
        assert old in clean(HOUSE[name])
        return self.script({name: clean(HOUSE[name]).replace(old, new)})


def clean(text: str) -> str:
    lines = text.split("\n")
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[indent:] for line in lines)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def before(house: House) -> dict[str, str]:
    return fingerprints(house.script())


def test_modules_are_found_directly_and_indirectly_with_the_packages_around_them(house: House) -> None:
    script = house.script()
    assert modules(script) == {
        "hepaflow": script.parent / "hepaflow/__init__.py",
        "hepaflow.direct": script.parent / "hepaflow/direct.py",
        "hepaflow.deep": script.parent / "hepaflow/deep/__init__.py",
        "hepaflow.deep.indirect": script.parent / "hepaflow/deep/indirect.py",
    }


@pytest.mark.parametrize(
    "statement",
    [
        "import hepaflow.unrelated",
        "import hepaflow.unrelated as other",
        "from hepaflow import unrelated",
        "from hepaflow.unrelated import THREE",
        "def late():\n    from hepaflow.unrelated import THREE",
        "if json:\n    import hepaflow.unrelated",
    ],
)
def test_every_kind_of_import_is_followed(house: House, statement: str) -> None:
    script = house.script({"script.py": f"import json\n{statement}\n"})
    assert set(modules(script)) == {"hepaflow", "hepaflow.unrelated"}


def test_imports_may_go_round_in_circles(house: House) -> None:
    script = house.script({"hepaflow/deep/indirect.py": "import hepaflow.direct\nTWO = 2\n"})
    assert len(modules(script)) == 4


def test_the_place_of_a_checkout_does_not_count(house: House, before: dict[str, str]) -> None:
    assert fingerprints(house.script()) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("script.py", "print(", "# prints\nprint("),
        ("script.py", "print(double(2), json)", "print(\n    double( 2 ),\n    json,\n)"),
        ("script.py", '"""A script."""', '"""Another text."""'),
        ("script.py", '"""A script."""\n', ""),
        ("script.py", "double, half", "half, double"),
        (
            "script.py",
            "import json\nfrom hepaflow.direct import double, half\n",
            "from hepaflow.direct import (\n    double,\n    half,\n)\nimport json\n",
        ),
        ("hepaflow/direct.py", '"""A module."""\n', ""),
        ("hepaflow/direct.py", '"""Double."""', "# twice as much"),
        ("hepaflow/direct.py", '    """Double."""\n', ""),
        ("hepaflow/direct.py", "def half(x):\n", 'def half(x):\n    """Halve."""\n'),
        ("hepaflow/deep/indirect.py", "TWO = 2", 'TWO = 2\n"""A number."""'),
        ("hepaflow/deep/indirect.py", "TWO = 2", "TWO = (0x2)"),
        ("hepaflow/__init__.py", "The package", "A package"),
    ],
)
def test_comments_docstrings_formatting_and_order_of_imports_do_not_count(
    house: House, before: dict[str, str], name: str, old: str, new: str
) -> None:
    assert fingerprints(house.changed(name, old, new)) == before


def test_a_file_that_is_touched_is_the_same_code(house: House) -> None:
    script = house.script()
    first = fingerprints(script)
    os.utime(script, (1, 1))
    assert fingerprints(script) == first


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("script.py", "double(2)", "double(3)"),
        ("script.py", "print(double(2), json)", "print(double(2), 'json')"),
        ("hepaflow/direct.py", "TWO * x", "x * TWO"),
        ("hepaflow/direct.py", "x / TWO", "x // TWO"),
        ("hepaflow/deep/indirect.py", "2", "2.0"),
        ("hepaflow/__init__.py", '"""The package."""', "import os"),
        ("hepaflow/deep/__init__.py", "", "SET_UP = 1\n"),
    ],
)
def test_a_changed_statement_counts_wherever_it_is(
    house: House, before: dict[str, str], name: str, old: str, new: str
) -> None:
    assert fingerprints(house.changed(name, old, new)) != before


# Values that are easily taken for one: equal, empty, or spelled alike.
DIFFERENT = (
    *("x = None", "x = False", "x = 0", "x = 0.0", "x = 0j", "x = ''", "x = b''", "x = ()", "x = []", "x = {}"),
    *("x = 1", "x = True", "x = 1.0", "x = 1j", "x = '1'", "x = b'1'", "x = -1", "x = f'1'", "x = ..."),
    *(
        "x = 'Ellipsis'",
        "x = Ellipsis",
        "x = 'None'",
        "x = f'{y}'",
        "x = f'{y!r}'",
        "x = f'{y!s}'",
        "x = f'{y:}1'",
    ),
    *(
        f"match x:\n    case {pattern}:\n        pass"
        for pattern in ("None", "False", "True", "0", "1", "''", "_", "y")
    ),
    *(
        f"match x:\n    case {pattern}:\n        pass"
        for pattern in ("[]", "{}", "[*_]", "[*y]", "{**y}", "y()", "0.0")
    ),
    *(
        "x: int",
        "(x): int",
        "def f(*, a): ...",
        "def f(a): ...",
        "def f(a=None): ...",
        "def f(a, /): ...",
        "def f(): ...",
    ),
    *(
        "def f(*, a=None): ...",
        "def f(*a): ...",
        "def f(**a): ...",
        "async def f(): ...",
        "lambda: None",
        "lambda: 0",
    ),
    *(
        "[a for a in b]",
        "[a async for a in b]",
        "{a for a in b}",
        "{**a}",
        "{a: a}",
        "{None: a}",
        "a[:]",
        "a[::0]",
        "a[None]",
    ),
    *(
        "try: a\nexcept: b",
        "try: a\nexcept None: b",
        "try: a\nexcept b: b",
        "try: a\nfinally: b",
        "raise",
        "raise None",
    ),
    *("return_ = 0", "global a", "del a", "a", "+a", "not a", "f()", "f(None)", "f(a=None)", "f(**a)", "f(*a)"),
    *("from a import x\nfrom b import x", "from b import x\nfrom a import x", "import a as x\nimport b as x"),
    *("import b as x\nimport a as x", "from a import *\nfrom b import *", "from b import *\nfrom a import *"),
)


def test_code_that_differs_has_different_fingerprints(tmp_path: Path) -> None:
    found: dict[str, list[str]] = {}
    for number, code in enumerate(DIFFERENT):
        script = tmp_path / f"{number}.py"
        script.write_text(
            f"async def around():\n{textwrap.indent(code, '    ')}\n" if "async for" in code else code
        )
        found.setdefault(fingerprints(script)["script"], []).append(code)
    assert [codes for codes in found.values() if len(codes) > 1] == []


def test_every_node_that_holds_a_value_is_known() -> None:
    """In Python's grammar of trees, a `constant` is a value: where one is empty it still is one."""
    kinds = [kind for kind in vars(ast).values() if isinstance(kind, type) and issubclass(kind, ast.AST)]
    holding = {kind for kind in kinds if re.match(rf"{kind.__name__}\(.*\bconstant\b", kind.__doc__ or "")}
    assert {ast.Constant, ast.MatchSingleton} <= holding
    assert holding <= set(HOLDS_A_VALUE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x = u'a'", "x = 'a'"),
        ("import a.b\nimport a.c", "import a.c\nimport a.b"),
        ("from a import x\nfrom a import y", "from a import y\nfrom a import x"),
        ("if a:\n    b\nelse:\n    c", "if a:\n    b\nelse:\n    'A text.'\n    c"),
        ("try: a\nfinally: b", "try:\n    a\nfinally:\n    'A text.'\n    b"),
    ],
)
def test_other_spellings_of_the_same_code_do_not_count(tmp_path: Path, old: str, new: str) -> None:
    for name, code in (("old", old), ("new", new)):
        (tmp_path / f"{name}.py").write_text(code)
    assert fingerprints(tmp_path / "old.py") == fingerprints(tmp_path / "new.py")


def test_a_change_is_seen_in_the_same_process(house: House) -> None:
    script = house.script()
    first = fingerprints(script)
    (script.parent / "hepaflow/deep/indirect.py").write_text("TWO = 22\n", encoding="utf-8")
    assert fingerprints(script) != first


def test_only_the_digest_of_the_changed_module_changes(house: House, before: dict[str, str]) -> None:
    after = fingerprints(house.changed("hepaflow/deep/indirect.py", "2", "3"))
    assert {name for name in before if before[name] != after[name]} == {"hepaflow.deep.indirect"}


def test_a_module_that_nothing_imports_does_not_count(house: House, before: dict[str, str]) -> None:
    assert fingerprints(house.changed("hepaflow/unrelated.py", "3", "4")) == before


def test_code_that_moves_to_another_module_counts(house: House, before: dict[str, str]) -> None:
    moved = {"hepaflow/direct.py": clean(HOUSE["hepaflow/direct.py"]).replace("deep.indirect", "deep.moved")}
    assert fingerprints(house.script({**moved, "hepaflow/deep/moved.py": "TWO = 2\n"})) != before


def test_another_python_gives_the_same_fingerprints(house: House) -> None:
    """Newer versions of Python have more fields in their syntax trees; what is empty does not count."""
    ours = fingerprints(house.script({"hepaflow/deep/indirect.py": "class A: pass\ndef f(x: int): return x\n"}))
    tree = (
        "Module(body=[ClassDef(name='A', body=[Pass()]), FunctionDef(name='f', args=arguments(args=[arg(arg='x', "
        "annotation=Name(id='int', ctx=Load()))]), body=[Return(value=Name(id='x', ctx=Load()))])])"
    )
    assert ours["hepaflow.deep.indirect"] == hashlib.sha256(tree.encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    "statement",
    [
        "from . import unrelated",
        "from .unrelated import THREE",
        "from hepaflow.unrelated import *",
        "import importlib\nimportlib.import_module('hepaflow.unrelated')",
        "from importlib import import_module as load",
        "import importlib\nload = importlib.import_module",
        "__import__('hepaflow.unrelated')",
        "import runpy\nrunpy.run_module('hepaflow.unrelated')",
        "exec('import hepaflow.unrelated')",
        "list(map(__import__, ['hepaflow.unrelated']))",
        "import hepaflow.missing",
        "from hepaflow.missing import nothing",
        "from hepaflow.deep.missing import nothing",
        "def broken(:",
    ],
)
@pytest.mark.parametrize("name", ["script.py", "hepaflow/deep/indirect.py"])
def test_what_cannot_be_followed_is_refused_by_file(house: House, statement: str, name: str) -> None:
    text = f"{statement}\n" if name == "script.py" else f"TWO = 2\n{statement}\n"
    script = house.script({name: text})
    with pytest.raises(UserError) as error:
        fingerprints(script)
    assert str(script.parent / name) in str(error.value)


def test_imports_from_elsewhere_are_let_be(house: House) -> None:
    script = house.script({"script.py": "from numpy import *\nimport missing_library\nimport hepaflow_plugin\n"})
    assert modules(script) == {}


@pytest.mark.parametrize("statement", ["import hepaflow.jobs.run", "from hepaflow.jobs import run"])
def test_what_a_job_notes_about_itself_does_not_count(house: House, statement: str) -> None:
    files = {"hepaflow/jobs/__init__.py": "", "hepaflow/jobs/run.py": "import hepaflow.unrelated\n"}
    assert modules(house.script({"script.py": statement, **files})).keys() <= {"hepaflow"}


def test_libraries_are_those_of_all_modules_without_pythons_own(house: House) -> None:
    script = house.script(
        {
            "hepaflow/direct.py": "import json\nimport numpy\ndef double(x):\n    import torch.nn\nhalf = 2\n",
            "hepaflow/unrelated.py": "import scipy\n",
        }
    )
    assert libraries(script) == {"numpy", "torch"}


# A table of architectures.

TABLE = {
    "script.py": "from hepaflow.table import ARCHITECTURES\n",
    "hepaflow/table.py": """
        from hepaflow.deep.indirect import TWO

        def _common():
            return TWO

        def _one(name):
            from hepaflow.one import build
            return build(_common())

        def _other(name):
            from hepaflow.other import build
            return build(_common())

        def listed():
            return sorted(ARCHITECTURES)

        ARCHITECTURES = dict({"one": _one, "again": _one, "other": (_other, True)})
    """,
    "hepaflow/one.py": "build = 1\n",
    "hepaflow/other.py": "build = 2\n",
}


def using(*archs: str) -> Chosen:
    return chosen_by({"networks": [{"arch": arch} for arch in archs]})


def test_one_entry_of_a_table_is_followed(house: House) -> None:
    script = house.script(TABLE)
    common = {"hepaflow", "hepaflow.table", "hepaflow.deep", "hepaflow.deep.indirect"}
    assert set(modules(script, using("one"))) == set(modules(script, using("again"))) == common | {"hepaflow.one"}
    assert set(modules(script, using("other"))) == common | {"hepaflow.other"}
    assert set(modules(script)) == common | {"hepaflow.one", "hepaflow.other"}


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ('"again": _one, ', "", {"again"}),
        ('"again": _one, ', '"again": _one, "more": _other, ', set()),
        ('"other": (_other, True)', '"other": (_other, False)', {"other"}),
        ("def _one(name):", "def _one(name, size=1):", {"one", "again"}),
        ("return TWO", "return TWO + 1", {"one", "again", "other"}),
        ("sorted(ARCHITECTURES)", "list(ARCHITECTURES)", {"one", "again", "other"}),
    ],
)
def test_a_change_in_a_table_counts_where_it_matters(house: House, old: str, new: str, changed: set[str]) -> None:
    def each(files: Mapping[str, str]) -> dict[str, object]:
        found: dict[str, object] = {}
        script = house.script(files)
        for entry in ("one", "again", "other"):
            try:
                found[entry] = fingerprints(script, using(entry))
            except UserError as error:
                found[entry] = str(error)
        return found

    text = TABLE["hepaflow/table.py"]
    assert old in text
    before, after = each(TABLE), each({**TABLE, "hepaflow/table.py": text.replace(old, new)})
    assert {entry for entry in before if before[entry] != after[entry]} == changed


def test_several_entries_of_a_table_are_followed(house: House) -> None:
    script = house.script(TABLE)
    assert {"hepaflow.one", "hepaflow.other"} <= set(modules(script, using("one", "other")))
    assert fingerprints(script, using("one", "other")) != fingerprints(script, using("one"))


def test_settings_name_entries_as_text_or_as_a_kind() -> None:
    def archs(settings: Mapping[str, object]) -> frozenset[str]:
        return dict(chosen_by(settings))[TABLES["arch"]]

    assert archs({"arch": "a"}) == frozenset("a")
    assert archs({"net": [{"arch": {"kind": "b", "size": 3}}, {"arch": ["a", {"kind": "c"}]}]}) == frozenset("abc")
    assert chosen_by({"arches": "a", "methods": ["arch"]}) == chosen_by({}) == ALL


def test_a_method_may_have_the_name_of_a_table() -> None:
    """Plans have methods under the names that users give them."""
    settings = read_settings({"backbones": {name: {"arch": "unet", "weights": "none"} for name in TABLES}})
    chosen = dict(chosen_by(JobSettings(settings, plan_of(settings)).bundle().as_json()))
    assert chosen["ARCHITECTURES"] == {"unet"}
    assert "LOSSES" not in chosen


LOSSES = """
    from math import fsum, prod

    _POWER = 3

    def _mean(x):
        return sum(x) / len(x)

    def _first(x):
        return _mean(x)

    def _root(x):
        return _mean(x) ** 0.5

    def _second(x):
        return _root(x) + _first(x) + prod(x) ** _POWER

    def public(x):
        return max(x)

    LOSSES = {"first": _first, "second": _second, "third": public}
"""


def test_a_key_that_is_null_uses_no_entry() -> None:
    of_null, of_one = (dict(chosen_by({"loss": "bce"} | more)) for more in ({}, {"optimiser": {"kind": "sgd"}}))
    assert of_null["OPTIMISERS"] == of_one["SCHEDULES"] == of_null["DECODERS"] == frozenset()
    assert of_one["OPTIMISERS"] == {"sgd"}
    assert of_null["AVERAGES"] == frozenset()


def test_an_average_of_maps_is_none_of_weights() -> None:
    of_maps = {"average": {"of": ["one", "other"]}}
    assert dict(chosen_by({"loss": "bce"} | of_maps))["AVERAGES"] == frozenset()
    assert dict(chosen_by([of_maps, {"average": {"kind": "ema", "decay": 0.9}}]))["AVERAGES"] == {"ema"}


def test_a_loss_is_an_entry_or_several() -> None:
    def losses(loss: object) -> frozenset[str]:
        return dict(chosen_by({"training": {"loss": loss}}))["LOSSES"]

    assert losses("bce+dice") == {"bce+dice"}
    assert losses({"kind": "tversky", "alpha": 0.3}) == {"tversky"}
    assert losses([{"kind": "bce"}, {"kind": "focal"}]) == {"bce", "focal"}


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("wrong + 0.5", "wrong + 0.25", {"tversky"}),
        ("-torch.exp(", "-torch.exp2(", {"focal"}),
        ('reduction="sum"', 'reduction="mean"', {"bce", "bce+dice"}),
        ("(found + there + 1)", "(found + there + 2)", {"dice", "bce+dice"}),
        ('"focal": _focal', '"focal": _focal, "new": _tversky', set()),
    ],
)
def test_a_training_depends_on_its_own_loss_alone(house: House, old: str, new: str, changed: set[str]) -> None:
    def each(text: str) -> dict[str, object]:
        script = house.script({"script.py": "import hepaflow.losses\n", "hepaflow/losses.py": text})
        names = ("bce", "dice", "bce+dice", "tversky", "focal")
        return {name: fingerprints(script, chosen_by({"loss": {"kind": name}})) for name in names}

    text = (SCRIPTS / "hepaflow/training/losses.py").read_text(encoding="utf-8")
    assert text.count(old) == 1
    before, after = each(text), each(text.replace(old, new))
    assert {name for name in before if before[name] != after[name]} == changed


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("return _root(x) + _first(x)", "return _root(x)", {"second"}),
        ("** 0.5", "** 0.25", {"second"}),  # what an entry alone uses
        ("return _mean(x)\n\n", "return 2 * _mean(x)\n\n", {"first", "second"}),  # what two use
        ("max(x)", "min(x)", {"first", "second", "third"}),  # what may be imported from elsewhere
        ('"third": public', '"third": public, "fourth": _mean', set()),
        ('"third": public', '"third": public, "fourth": lambda x: fsum(x)', set()),  # also an import of its own
        ("from math import fsum, prod", "from math import fsum, gcd, prod", set()),
        ("_POWER = 3", "_POWER = 4", {"second"}),  # a constant that an entry alone uses
        ("prod(x)", "sum(x)", {"second"}),
    ],
)
def test_functions_of_other_entries_do_not_count(house: House, old: str, new: str, changed: set[str]) -> None:
    def each(text: str) -> dict[str, object]:
        script = house.script({"script.py": "import hepaflow.losses\n", "hepaflow/losses.py": text})
        return {loss: fingerprints(script, chosen_by({"loss": loss})) for loss in ("first", "second", "third")}

    assert old in LOSSES
    before, after = each(LOSSES), each(LOSSES.replace(old, new, 1))
    assert {loss for loss in before if before[loss] != after[loss]} == changed


IMPORTS = """
    from typing import TYPE_CHECKING

    if TYPE_CHECKING:
        from hepaflow.deep import Shape
"""


@pytest.mark.parametrize(
    ("imports", "function"),
    [
        ("    import math\n", "lambda x: math.fsum(x)"),
        ("    import os.path as place\n", "lambda x: place.join(x)"),
        (IMPORTS, "_fourth"),
        (IMPORTS.replace("deep import", "deep import Other,"), "_fourth"),
    ],
)
def test_a_new_entry_may_import_anything(house: House, imports: str, function: str) -> None:
    """Also a whole module, and what only type checkers read."""

    def each(text: str) -> list[dict[str, str]]:
        script = house.script({"script.py": "import hepaflow.losses\n", "hepaflow/losses.py": text})
        return [fingerprints(script, chosen_by({"loss": loss})) for loss in ("first", "second", "third")]

    code = "    def _fourth(x: Shape):\n        return x\n" if function == "_fourth" else ""
    new = LOSSES.replace('"third": public', f'"third": public, "fourth": {function}')
    assert each(LOSSES) == each(imports + code + new)


def test_an_import_that_is_there_for_itself_counts(house: House) -> None:
    def second(text: str) -> dict[str, str]:
        script = house.script({"script.py": "import hepaflow.losses\n", "hepaflow/losses.py": text})
        return fingerprints(script, chosen_by({"loss": "second"}))

    assert second(LOSSES) != second("    import hepaflow.deep\n" + LOSSES)


def test_types_of_an_entry_count_with_it(house: House) -> None:
    """As all imports do that its code names."""
    text = IMPORTS + LOSSES.replace("_first(x):", "_first(x: Shape):")
    script = house.script({"script.py": "import hepaflow.losses\n", "hepaflow/losses.py": text})
    reached = {loss: set(modules(script, chosen_by({"loss": loss}))) for loss in ("first", "second", "third")}
    assert {loss for loss, found in reached.items() if "hepaflow.deep" in found} == {"first", "second"}


def test_settings_are_not_followed(house: House) -> None:
    """They reach a job as values."""
    files = {
        "script.py": "from hepaflow.settings.one import One\nprint(One)\n",
        "hepaflow/settings/__init__.py": "",
        "hepaflow/settings/one.py": "import pydantic\nOne = 1\n",
    }
    before, text = fingerprints(house.script(files)), "One = 1\nTwo = 2\n"
    assert set(before) == {"script"}
    assert fingerprints(house.script({**files, "hepaflow/settings/one.py": text})) == before


def test_an_entry_that_the_table_lacks_is_refused(house: House) -> None:
    with pytest.raises(UserError, match="no entry 'third'"):
        fingerprints(house.script(TABLE), using("third"))


# This workflow's own scripts.


def test_a_network_depends_on_its_own_architecture_alone() -> None:
    reached = {
        arch: set(modules(SCRIPTS / "train.py", using(arch))) for arch in ("resnet50", "inception_v3", "unet")
    }
    own = {"resnet50": "resnet", "inception_v3": "inception", "unet": "unet"}
    for arch, found in reached.items():
        networks = {name.rpartition(".")[2] for name in found if name.startswith("hepaflow.networks.")}
        assert networks & {"resnet", "densenet", "inception", "unet"} == {own[arch]}


def test_nothing_but_scripts_uses_what_fingerprints_leave_out() -> None:
    for path in (SCRIPTS / "hepaflow").rglob("*.py"):
        if path.parent.name != "jobs":
            assert "hepaflow.jobs" not in path.read_text(encoding="utf-8").replace("`hepaflow.jobs`", ""), path


@pytest.mark.parametrize("script", EVERY_SCRIPT, ids=lambda path: path.stem)
def test_every_script_has_a_fingerprint(script: Path) -> None:
    found = fingerprints(script, using("unet") if script.stem in ("train", "predict") else ALL)
    assert all(len(digest) == 16 for digest in found.values())
    assert {"script", "hepaflow"} < set(found)


def test_scripts_differ() -> None:
    assert len({fingerprints(script)["script"] for script in EVERY_SCRIPT}) == len(EVERY_SCRIPT)


def test_the_scheduler_is_no_part_of_a_result() -> None:
    """The workflow's settings, exam sheets and fingerprints change without any job's result changing."""
    for script in EVERY_SCRIPT:
        reached = modules(script)
        assert not set(reached) & {"hepaflow.jobs", "hepaflow.jobs.fingerprint", "hepaflow.cli"}, script.stem
        for path in (script, *reached.values()):
            assert "hepaflow.settings.workflow" not in path.read_text(encoding="utf-8"), path


def test_tables_that_a_job_reaches_are_named_by_its_settings() -> None:
    """Or all entries of the table would count."""
    settings = read_settings({})
    wildcards = {
        "preprocess": ("lesion",),
        "train": ("liver", "resnet152"),
        "predict": ("liver", "resnet152"),
        "postprocess": ("liver", "fusion"),
    }
    of = JobSettings(settings, plan_of(settings)).of
    readers = {rule: of(rule, *values) for rule, values in wildcards.items()} | {"segment": of("bundle")}
    readers |= {"phantom": of("phantom"), "bundle": of("seen"), "present": of("seen")}
    for script in EVERY_SCRIPT:
        texts = [path.read_text(encoding="utf-8") for path in (script, *modules(script).values())]
        tables = {
            table for table in TABLES.values() if any(re.search(rf"^{table}\b", text, re.M) for text in texts)
        }
        named = (
            {table for table, _ in chosen_by(readers[script.stem].as_json())} if script.stem in readers else set()
        )
        assert tables <= named, script.stem


def test_what_a_model_was_made_from_names_no_entry_of_a_table() -> None:
    """It is a parameter of jobs: a number under such a key ended runs of drawn phantoms at their start."""
    assert not {field.name for field in fields(Origin)} & TABLES.keys()


def imported(path: Path) -> set[str]:
    """Return the libraries that a module imports, wherever in it it does so."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


ABDOMEN: Chosen = frozenset({("ANATOMIES", frozenset({"abdomen"}))})
"""What phantoms are unless settings say otherwise: those of a trunk are drawn with torch."""


@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_short_jobs_do_not_depend_on_torch(name: str) -> None:
    reached = {"script": SCRIPTS / f"{name}.py", **modules(SCRIPTS / f"{name}.py", ABDOMEN)}
    assert {module for module, path in reached.items() if imported(path) & TORCH} == set()


def test_short_jobs_do_not_import_torch_through_other_libraries() -> None:
    names = sorted({module for name in WITHOUT_TORCH for module in modules(SCRIPTS / f"{name}.py", ABDOMEN)})
    code = "import importlib, json, sys\n[importlib.import_module(name) for name in json.loads(sys.argv[1])]\n"
    told = subprocess.run(
        [sys.executable, "-c", code + "print(json.dumps(sorted(sys.modules)))", json.dumps(names)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
    ).stdout
    assert not set(json.loads(told)) & TORCH
