"""README.md and docs/: links lead somewhere, the example runs, and pages of reference say what the code has."""

import doctest
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import reference
import yaml
from site_links import with_links_of_the_site
from small_model import small_model

from hepaflow.settings.configuration import merged
from hepaflow.settings.workflow import Settings, read_settings
from hepaflow.tables.thesis import LITERATURE

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "config/README.md")),
    *(ROOT / name for name in ("SECURITY.md", "CODE_OF_CONDUCT.md", ".github/pull_request_template.md")),
    *sorted(DOCS.rglob("*.md")),
]
_LINK = re.compile(r"\]\(([^()\s]+)\)")


def text_of(page: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that headings of a page have, as Markdown viewers make them."""
    seen: Counter[str] = Counter()
    anchors = set()
    for heading in re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        anchors.add(f"{words}-{seen[words]}" if seen[words] else words)
        seen[words] += 1
    return anchors


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for link in _LINK.findall(text_of(page)):
        if "://" in link or link.startswith("mailto:"):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.is_relative_to(ROOT), link
        assert path.exists(), link
        assert not anchor or anchor in anchors_of(path), link


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 900


def test_every_page_is_in_the_navigation() -> None:
    class Loader(yaml.SafeLoader):
        """Takes tags of Python as nothing: MkDocs knows them."""

    Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)
    site = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader)
    named = re.findall(r"[\w-]+\.md", str(site["nav"]))
    assert len(named) == len(set(named))
    assert {page.name for page in DOCS.glob("*.md")} <= set(named)


def test_the_example_in_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model finds liver everywhere, so that there is a volume."""
    place = tmp_path / "results/demo"
    place.mkdir(parents=True)
    small_model(tmp_path, {"liver": 100.0, "lesion": -100.0}).rename(place / "hepaflow-model.zip")
    monkeypatch.chdir(tmp_path)
    page = (DOCS / "python.md").read_text(encoding="utf-8")
    example = "\n".join(re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL))
    told: list[str] = []
    runner = doctest.DocTestRunner()
    runner.run(doctest.DocTestParser().get_doctest(example, {}, "python.md", None, 0), out=told.append)
    assert runner.summarize(verbose=False).attempted > 20
    assert not told, "".join(told)
    assert (tmp_path / "segmentation.nii.gz").is_file()


@pytest.mark.parametrize(
    "name", ["README.md", "docs/start.md", "docs/lits17.md", "docs/own-methods.md", "docs/other-systems.md"]
)
def test_configurations_that_are_shown_are_valid(name: str) -> None:
    """Those of a page add up: a later one may use what an earlier one names."""
    shown = re.findall(r"^```yaml\n(.*?)^```", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert shown
    found: dict[str, Any] = {}
    for block in shown:
        found = merged(found, yaml.safe_load(block))
        read_settings(found)


def test_every_item_of_the_checklists_is_there() -> None:
    _, claim, tripod = re.split(r"^## ", (DOCS / "reporting.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    items = [re.findall(r"^\| (\d+[a-g]?) \| [^|]+ \| ([^|]+) \|", part, re.MULTILINE) for part in (claim, tripod)]
    assert [item for item, _ in items[0]] == [str(number) for number in range(1, 45)]
    assert len({item for item, _ in items[1]}) == len(items[1]) == 52
    assert {int(item.rstrip("abcdefg")) for item, _ in items[1]} == set(range(1, 28))
    assert {answer for _, answer in items[0] + items[1]} == {
        "answered",
        "in part",
        "not answered",
        "not applicable",
    }


# What is cited.

_CITED = re.compile(r"\b([A-Z][\w-]+ (?:et al\.|and (?!JPEG)[A-Z]\w+)) \(?((?:19|20)\d\d)\b")


def test_every_citation_is_in_the_literature() -> None:
    listed = set(_CITED.findall(text_of(DOCS / "literature.md")))
    sources = [*(page for page in PAGES if page.name != "CHANGELOG.md"), *reference.PACKAGE.rglob("*.py")]
    cited = {cited for source in sources for cited in _CITED.findall(source.read_text(encoding="utf-8"))}
    assert len(cited) > 25
    assert cited <= listed
    places = [one.reference.rpartition(", ")[2].removeprefix("doi:") for one in LITERATURE]
    assert all(place in text_of(DOCS / "literature.md") for place in places)


# Pages of reference.


def test_settings_page_has_every_key_of_every_group() -> None:
    page, schema = reference.settings_page(), Settings.model_json_schema()
    for group in (schema, *schema["$defs"].values()):
        for key, node in group.get("properties", {}).items():
            row = next(row for row in page.splitlines() if row.startswith(f"| `{key}` |"))
            assert row.count(" | ") >= 3, row
            assert " ".join(node.get("description", "").split()).replace("|", "\\|") in page
    for name, group in schema["$defs"].items():
        assert (f"{{ #{reference.anchor(name)} }}" in page) == ("properties" in group)
    linked = set(re.findall(r"\(#(group-\w+)\)", page))
    assert linked <= set(re.findall(r"\{ #(group-\w+) \}", page))


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ({"type": "integer", "minimum": 2}, "whole number, at least 2"),
        ({"type": "number", "minimum": 0, "maximum": 1}, "number, 0 to 1"),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, "number, above 0, below 1"),
        ({"type": "integer", "maximum": 9, "multipleOf": 3}, "whole number, at most 9, a multiple of 3"),
        ({"anyOf": [{"const": "auto", "type": "string"}, {"type": "boolean"}]}, "`auto` or `true`, `false`"),
        ({"enum": ["a", "b"], "type": "string"}, "`a`, `b`"),
        ({"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]}, "list of: text or `null`"),
        ({"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}]}, "2 values: number, number"),
        ({}, "any value"),
    ],
)
def test_values_in_words(node: reference.Schema, words: str) -> None:
    assert reference.values(node, {}) == words


def test_commands_page_has_every_command_and_argument() -> None:
    page = reference.commands_page()
    commands = reference.commands_of(reference.make_parser())
    assert {"segment", "evaluate", "plan"} <= commands.keys()
    for name, command in commands.items():
        part = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        for option in re.findall(r"--[a-z-]+", command.format_usage()):
            assert option == "--help" or f"`{option}" in part, (name, option)


def test_every_room_that_computes_has_a_page() -> None:
    rooms = {path.parent.name for path in reference.PACKAGE.glob("*/__init__.py")}
    pages = reference.module_pages()
    overview = pages.pop("index")
    assert rooms - pages.keys() == {"jobs", "system"}
    assert all(page.count("::: hepaflow.") >= 1 for page in pages.values())
    assert all(re.search(rf"^\| \[`{room}`\]\({room}\.md\) \| \w", overview, re.MULTILINE) for room in pages)


# Links of the site.


@pytest.mark.parametrize(
    ("page", "link", "there"),
    [
        ("index.md", "[a](docs/segment.md#privacy)", "[a](segment.md#privacy)"),
        ("index.md", "![a](docs/images/samples.png)", "![a](images/samples.png)"),
        ("index.md", "[a](config/README.md)", "[a](configuration.md)"),
        ("index.md", "[a](CITATION.cff)", "a"),
        ("slurm.md", "[a](../benchmarks/run.py)", "a"),
        ("slurm.md", "[a](../config/README.md#fusion)", "[a](configuration.md#fusion)"),
        ("configuration.md", "[a](../docs/speed.md)", "[a](speed.md)"),
        ("configuration.md", "[a](#fusion)", "[a](#fusion)"),
        ("contributing.md", "[`a[b]`](docs/gpu.md)", "[`a[b]`](gpu.md)"),
        ("modules/index.md", "[a](../python.md)", "[a](../python.md)"),
        ("modules/index.md", "[a](volumes.md)", "[a](volumes.md)"),
        ("faq.md", "[a](https://example.org/docs/x.md)", "[a](https://example.org/docs/x.md)"),
    ],
)
def test_links_lead_to_pages_of_the_site(page: str, link: str, there: str) -> None:
    assert with_links_of_the_site(f"See {link}, and {link}.", page) == f"See {there}, and {there}."


def test_code_is_no_link() -> None:
    code = "```python\nvalues[0](docs/segment.md)\n```\n"
    assert with_links_of_the_site(code, "index.md") == code
