"""Structures, stages, architectures, losses and the like are data: nothing asks which of them it has before it.

A structure is looked up in a table (`COLOURS[structure]`), an architecture in its registry; a further one is then
a row, and no line of code. Read are the syntax trees of the package, the scripts and the rules, the latter as
Snakemake turns them into Python. Filters (`... for row in rows if row.structure == structure`,
`table[table["stage"] == stage]`) take what belongs to one of them, whichever it is; they are special cases only if
they name it.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.parser import parse
from snakemake.sourcecache import LocalSourceFile

from hepaflow.colours import COLOURS
from hepaflow.figures import samples
from hepaflow.masks.postprocess import POSTPROCESSING
from hepaflow.model.origin import IN_WORDS
from hepaflow.names import STAGES, STRUCTURES
from hepaflow.preprocessing.registry import PREPROCESSING
from hepaflow.sampling.registry import SAMPLINGS
from hepaflow.settings.network import HAS_BACKBONE
from hepaflow.training.augmentations import AUGMENTATIONS
from hepaflow.training.averages import AVERAGES
from hepaflow.training.losses import LOSSES
from hepaflow.training.optimisers import OPTIMISERS
from hepaflow.training.schedules import SCHEDULES

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "workflow"
READ = [
    ROOT / "Snakefile",
    WORKFLOW / "Snakefile",
    *sorted(WORKFLOW.rglob("*.smk")),
    *sorted(WORKFLOW.rglob("*.py")),
]

TABLES = (
    *(HAS_BACKBONE, LOSSES, OPTIMISERS, SCHEDULES, AUGMENTATIONS, AVERAGES),
    *(PREPROCESSING, SAMPLINGS, POSTPROCESSING),
)
LITERALS = {*STRUCTURES, *STAGES, *(name for table in TABLES for name in table)}
OF_METRICS = {"dice"}
"""Also the name of a score: a special case only where it is compared with a loss."""
NAMES = {"stage", "structure", "arch"}

ALLOWED = {
    "workflow/scripts/hepaflow/settings/network.py": (
        {"arch not in HAS_BACKBONE"},
        "asks whether the table has a name that a user wrote, not which",
    ),
}
"""By file, what stays, and why."""


def special_cases(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of every special case, in the order of a walk."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare() if any(_is_literal(one, node) for one in _operands(node)):
                yield node.lineno, ast.unparse(node)
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
                for inner in ast.walk(test):
                    if isinstance(inner, ast.Compare) and any(_name(one) in NAMES for one in _operands(inner)):
                        yield inner.lineno, ast.unparse(inner)
            case ast.MatchValue(value=ast.Constant(value=value)) if value in LITERALS:
                yield node.lineno, f"case {ast.unparse(node)}"
            case ast.Match(subject=subject) if any(_name(one) in NAMES for one in _members(subject)):
                yield node.lineno, f"match {ast.unparse(subject)}"


def _operands(node: ast.Compare) -> list[ast.expr]:
    return [one for side in (node.left, *node.comparators) for one in _members(side)]


def _members(node: ast.expr) -> list[ast.expr]:
    """Return what a display of several holds, else the node itself."""
    return node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]


def _is_literal(node: ast.expr, where: ast.Compare) -> bool:
    if not isinstance(node, ast.Constant) or node.value not in LITERALS:
        return False
    return node.value not in OF_METRICS or "loss" in ast.unparse(where)


def _name(node: ast.expr) -> str:
    """Return what a node calls its value: `stage`, `wildcards.stage` or `row["stage"]`."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
    return ""


def python_of(path: Path) -> tuple[str, dict[int, int]]:
    """Return a file as Python, and where its lines come from if Snakemake has translated it."""
    if path.suffix == ".py":
        return path.read_text(encoding="utf-8"), {}
    lines: dict[int, int] = {}
    opening = SimpleNamespace(open=lambda _: path.open(encoding="utf-8"))
    code, _ = parse(LocalSourceFile(str(path)), SimpleNamespace(sourcecache=opening), lines)
    return code, lines


@cache
def found() -> dict[str, dict[str, set[int]]]:
    """Return the special cases of every file: their texts, and the lines of each."""
    cases: dict[str, dict[str, set[int]]] = {}
    for path in READ:
        code, lines = python_of(path)
        for line, text in special_cases(ast.parse(code)):
            of_file = cases.setdefault(path.relative_to(ROOT).as_posix(), {})
            of_file.setdefault(text, set()).add(lines.get(line, line))
    return cases


def test_there_are_no_special_cases() -> None:
    told = [
        f"{path}:{line}: {text}"
        for path, texts in found().items()
        for text, lines in texts.items()
        for line in sorted(lines)
        if text not in ALLOWED.get(path, (set(), ""))[0]
    ]
    assert told == []


def test_what_is_allowed_is_there() -> None:
    assert {path: texts for path, (texts, _) in ALLOWED.items()} == {path: set(found()[path]) for path in ALLOWED}


@pytest.mark.parametrize("table", [COLOURS, samples._AROUND, IN_WORDS], ids=["colours", "samples", "words"])
def test_a_table_has_every_structure(table: dict[str, str]) -> None:
    assert tuple(table) == STRUCTURES


def test_all_code_is_read() -> None:
    read = {path.relative_to(ROOT).as_posix() for path in READ}
    assert {"workflow/rules/common.smk", "workflow/scripts/train.py", "workflow/scripts/hepaflow/cli.py"} <= read
    assert len([path for path in READ if path.suffix == ".smk"]) > 10
    code, lines = python_of(ROOT / "workflow/rules/resources.smk")
    (at,) = [node.lineno for node in ast.walk(ast.parse(code)) if getattr(node, "name", "") == "growing"]
    text = (ROOT / "workflow/rules/resources.smk").read_text(encoding="utf-8").splitlines()
    assert text[lines[at] - 1].startswith("def growing(")


@pytest.mark.parametrize(
    "code",
    [
        "if stage == 'lesion': pass",
        "if not (a and 'liver' != wildcards.stage): pass",
        "x = 40 if wildcards.stage == first else 20",
        "if row['structure'] in known: pass",
        "while structure is not last: pass",
        "x = [one for one in stages if one == 'liver']",
        "x = name in ('other', 'lesion')",
        "x = settings.arch == 'unet'",
        "x = training.optimiser.kind != 'sgd'",
        "x = training.loss == 'dice'",
        "x = 'bce+dice' == given",
        "match name:\n    case 'liver': pass",
        "match found:\n    case {'kind': 'flip' | 'adamw'}: pass",
        "match stage:\n    case one: pass",
        "match one, wildcards.structure:\n    case _: pass",
        "def f():\n    return lambda stage: 1 if stage is None else 2",
    ],
)
def test_a_special_case_is_found(code: str) -> None:
    assert list(special_cases(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "x = COLOURS[structure]",
        "x = ARCHITECTURES['unet']",
        "rows = table[table['structure'] == structure]",
        "rows = [row for row in rows if row.stage == stage]",
        "rows = table[table['metric'] == 'dice']",
        "if mask_of(labels, 'lesion').any() > 0: pass",
        "if found[structure].size == 0: pass",
        "for stage in STAGES: pass",
        "match found:\n    case {'kind': str(kind)}: pass",
    ],
)
def test_tables_and_filters_are_none(code: str) -> None:
    assert list(special_cases(ast.parse(code))) == []


RULE = """\
rule one:
    input:
        "a",
    params:
        x=lambda wildcards: 1 if wildcards.stage == "liver" else 2,
    script:
        "one.py"
"""


def test_one_in_a_rule_is_found(tmp_path: Path) -> None:
    path = tmp_path / "rule.smk"
    path.write_text(RULE)
    code, lines = python_of(path)
    cases = {(lines[line], text) for line, text in special_cases(ast.parse(code))}
    assert cases == {(5, "wildcards.stage == 'liver'")}
