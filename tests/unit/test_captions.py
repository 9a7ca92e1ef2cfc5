"""Captions name inputs and parameters of their own rules: of others, Jinja would make nothing, and no error."""

import re
from pathlib import Path

import pytest

WORKFLOW = Path(__file__).parents[2] / "workflow"
USED = re.compile(r"snakemake\.(input|params)\.(\w+)")
USED_OF_A_FIGURE = re.compile(r'file\.target == "(\w+)\.[^"]*" %\} \{\{ file\.job\.(params)\.(\w+)')


def rules() -> dict[str, str]:
    """Return the text of every rule."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((WORKFLOW / "rules").glob("*.smk"))]
    parts = re.split(r"^ *rule (\w+):$", "\n".join(texts), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def names(rule: str, section: str) -> set[str]:
    """Return the names in a section of a rule."""
    (lines,) = re.findall(rf"^    {section}:\n((?:(?:        .*)?\n)*)", rule, flags=re.MULTILINE)
    return set(re.findall(r"^        (\w+)=", lines, flags=re.MULTILINE))


def uses() -> list[tuple[str, str, str]]:
    """Return what captions use: rule, section and name."""
    found = []
    for rule, text in rules().items():
        for caption in re.findall(r'caption="\.\./(report/\w+\.rst)"', text):
            content = (WORKFLOW / caption).read_text(encoding="utf-8")
            found += [(rule, section, name) for section, name in USED.findall(content)]
    front = (WORKFLOW / "report" / "workflow.rst").read_text(encoding="utf-8")
    found += [(f"figure_{target}", section, name) for target, section, name in USED_OF_A_FIGURE.findall(front)]
    return sorted(set(found))


def test_uses_are_found() -> None:
    assert {("figure_dice", "params", "networks"), ("figure_overlap", "input", "overlap")} <= set(uses())


@pytest.mark.parametrize(("rule", "section", "name"), uses())
def test_a_caption_names_what_its_rule_has(rule: str, section: str, name: str) -> None:
    assert name in names(rules()[rule], section)
