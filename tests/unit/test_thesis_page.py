"""docs/thesis.md: the tests, modules and readings that it names are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/thesis.md").read_text(encoding="utf-8")
TABLES, _, READINGS = PAGE.partition("## How ambiguous sentences are read")
PACKAGE = ROOT / "workflow/scripts/hepaflow"


def test_tests_are_there() -> None:
    named = re.findall(r"`((?:\w+/)*test_\w+)::(test_\w+)`", PAGE)
    assert len(named) > 50
    for file, test in named:
        (path,) = [path for part in ("unit", "workflow") if (path := ROOT / f"tests/{part}/{file}.py").is_file()]
        assert re.search(rf"^def {test}\(", path.read_text(encoding="utf-8"), re.MULTILINE), f"{file}::{test}"


def test_modules_and_their_names_are_there() -> None:
    named = re.findall(r"`((?:\w+/)*\w+):([\w.]+)`", PAGE)
    assert len(named) > 30
    for module, name in named:
        path = PACKAGE / f"{module}.py"
        last = name.split(".")[-1]
        found = re.search(rf"^\s*(?:def|class) {last}\b|^{last}\b", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert found, f"{module}:{name}"


def test_functions_of_rules_are_there() -> None:
    named = re.findall(r"`(\w+\.smk):(\w+)`", PAGE)
    assert named
    for file, name in named:
        text = (ROOT / "workflow/rules" / file).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}\(", text, re.MULTILINE), f"{file}:{name}"


def test_readings_are_counted_and_those_that_are_cited_are_there() -> None:
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", READINGS, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    cited = re.findall(r"\((\d+(?:, \d+)*)\)(?! px)", TABLES)
    assert {int(number) for group in cited for number in group.split(", ")} <= set(numbers)
