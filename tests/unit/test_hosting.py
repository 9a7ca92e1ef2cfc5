"""Files for the hosting site, for Git's hooks and for releases: they name what is there."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
HEADING = re.compile(r"^## (.*)$", re.MULTILINE)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def targets_of(job: dict[str, Any]) -> set[str]:
    """Return the targets of the Makefile that a job of a workflow makes."""
    matrix = job.get("strategy", {}).get("matrix", {})
    several = {*matrix.get("target", []), *(one["target"] for one in matrix.get("include", []))}
    lines = [line for step in job["steps"] for line in step.get("run", "").splitlines()]
    named = {line.split()[1] for line in lines if line.startswith("make ") and "${{" not in line}
    return named | (several if any("make ${{ matrix.target }}" in line for line in lines) else set())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_makes_targets_that_exist(path: Path) -> None:
    for job in read(path)["jobs"].values():
        assert targets_of(job)
        assert targets_of(job) <= targets()
        assert job["timeout-minutes"] <= 120
        used = [step["uses"] for step in job["steps"] if "uses" in step]
        assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", name) for name in used)
        assert "secrets." not in str(job)


def test_a_change_is_checked_by_what_make_test_does() -> None:
    jobs = read(ROOT / ".github/workflows/ci.yml")["jobs"]
    assert targets_of(jobs["check"]) == {"setup", "lint", "unit", "test-of-runs", "docs"}
    (kept, *_) = [step["with"] for step in jobs["demo"]["steps"] if "upload-artifact" in step.get("uses", "")]
    assert "results/demo/report.html" in kept["path"]
    assert read(ROOT / ".github/workflows/ci.yml")["permissions"] == {"contents": "read"}


def test_every_job_has_the_tags_that_the_version_comes_from() -> None:
    for path in WORKFLOWS:
        for job in read(path)["jobs"].values():
            (checkout,) = [step for step in job["steps"] if "actions/checkout" in step.get("uses", "")]
            assert checkout["with"]["fetch-depth"] == 0


def test_hooks_run_the_tools_of_make_lint_from_its_environment() -> None:
    (local,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"
    tools = {hook["entry"].split()[0] for hook in local["hooks"]}
    linted = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nlint:")[2].partition("\n\n")[0]
    named = set(re.findall(r"\$\(BIN\)/(\w+)", linted))
    assert tools == {f".venv/bin/{name}" for name in named - {"snakemake"}}
    assert {hook["language"] for hook in local["hooks"]} == {"system"}


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_forms_ask_for_the_version_and_for_no_patient(path: Path) -> None:
    form = read(path)
    if path.stem == "config":
        assert form == {"blank_issues_enabled": False}
        return
    assert {"name", "description", "labels", "body"} == form.keys()
    fields = {field["id"]: field["attributes"] for field in form["body"] if field["type"] != "markdown"}
    assert all(attributes["label"] for attributes in fields.values())
    if path.stem != "question":
        assert "`hepaflow --version`" in fields["version"]["description"]
        assert "no patient data" in form["body"][0]["attributes"]["value"]


def test_the_changelog_begins_with_what_is_not_released() -> None:
    first, *released = HEADING.findall((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert first == "Unreleased"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", one) for one in released)


def test_every_release_has_notes_that_begin_with_its_number() -> None:
    released = HEADING.findall((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))[1:]
    notes = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs/releases").glob("*.md")}
    assert {one[1 : one.index("]")] for one in released} <= notes.keys()
    assert all(text.startswith(f"# {number}\n") for number, text in notes.items())
    assert "docs/releases/${TAG#v}.md" in (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")


def test_no_page_for_people_has_an_address_of_a_mailbox() -> None:
    for name in ("CODE_OF_CONDUCT.md", "SECURITY.md"):
        assert "@" not in (ROOT / name).read_text(encoding="utf-8")
