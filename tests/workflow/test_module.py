"""hepaflow as a module of other workflows, from a folder of a user, and from a repository."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from smoke_run import EXAMS, ROOT, SMOKE, Checkout

from hepaflow.version import Version, version_of

MODULE = """
module {name}:
    snakefile: {snakefile}
    config: config["{name}"]

use rule * from {name} as {name}_*
"""
ALL = """
onstart:
    print("the other workflow starts")

rule all:
    default_target: True
    input:
        rules.left_all.input,
        rules.right_all.input,
"""
EARLY = ("records/survey/one.json", "preprocessed/liver/one.safetensors", "tables/configuration.csv")
"""Of some early rules: two that read exams, and one whose script's name begins as another's ends."""


class Outer:
    """Another workflow's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        rows = [f"{name}\t{name}.image.nii.gz\t{name}.label.nii.gz\t{split}\n" for name, split in EXAMS.items()]
        (folder / "exams.tsv").write_text("exam\timage\tlabel\tsplit\n" + "".join(rows))
        self.configure({name: run_of(name) for name in ("left", "right")})
        self.write(*(MODULE.format(name=name, snakefile=repr(str(OWN))) for name in ("left", "right")), ALL)

    def write(self, *parts: str) -> None:
        (self.folder / "Snakefile").write_text("".join(parts))

    def configure(self, config: dict[str, Any]) -> None:
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config))

    def snakemake(
        self, *options: str, targets: Sequence[str] = (), **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run Snakemake there; standard output and error are one text."""
        return snakemake(self.folder, "--configfile", "config.yaml", *options, "--", *targets, **variables)

    def planned(self, *arguments: str, **variables: str) -> Counter[str]:
        """Return how many jobs of each rule the next run would run."""
        return jobs_of(self.snakemake("--dry-run", "--quiet", "rules", *arguments, **variables))


OWN = ROOT / "workflow/Snakefile"


def run_of(name: str, **changes: Any) -> dict[str, Any]:
    return SMOKE | {"results": f"results/{name}", "data": f"data/{name}", "exams": "exams.tsv"} | changes


def snakemake(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def jobs_of(plan: subprocess.CompletedProcess[str]) -> Counter[str]:
    assert plan.returncode == 0, plan.stdout
    rows = [line.split() for line in plan.stdout.partition("Job stats:")[2].splitlines()]
    return Counter({row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()})


@pytest.fixture
def outer(tmp_path: Path) -> Outer:
    return Outer(tmp_path / "outer")


@pytest.fixture
def another_version(tmp_path: Path) -> Path:
    """Return a folder with a package of the same name that must not be imported."""
    folder = tmp_path / "site"
    (folder / "hepaflow").mkdir(parents=True)
    (folder / "hepaflow/__init__.py").write_text('raise RuntimeError("another version was imported")\n')
    return folder


def without(folder: Path, *modules: str) -> str:
    """Return a PYTHONPATH with which Python cannot import some modules."""
    folder.mkdir()
    lines = ["import sys", *(f"sys.modules[{name!r}] = None" for name in modules)]
    (folder / "sitecustomize.py").write_text("\n".join(lines))
    return str(folder)


# Twice in one workflow.


def test_two_modules_plan_the_jobs_of_two_runs(outer: Outer, fresh: Checkout) -> None:
    """The Snakefile is the one that docs/module.md shows."""
    page = (ROOT / "docs/module.md").read_text()
    _, shown = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    outer.write(shown.replace("/path/to/hepaflow", str(ROOT)))
    (configuration,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    second = yaml.safe_load(configuration)["second"]
    outer.configure({"thesis": run_of("left"), "second": run_of("right") | second})
    jobs, alone = outer.planned(), fresh.planned()
    assert alone == {name.removeprefix("thesis_"): jobs[name] for name in jobs if name.startswith("thesis_")}
    assert jobs["second_train"] == 2
    assert jobs["second_fit_fusion"] == 0


def test_two_modules_run_side_by_side_each_with_its_own_settings(outer: Outer, another_version: Path) -> None:
    outer.configure({"left": run_of("left"), "right": run_of("right", size=40)})
    targets = [f"results/{run}/{path}" for run in ("left", "right") for path in EARLY]
    profile = ("--workflow-profile", str(ROOT / "profiles/default"))
    ended = outer.snakemake(*profile, targets=targets, PYTHONPATH=str(another_version))
    assert ended.returncode == 0, ended.stdout
    assert "the other workflow starts" in ended.stdout
    records = {
        run: json.loads((outer.folder / f"results/{run}/records/preprocess/liver.one.json").read_text())
        for run in ("left", "right")
    }
    assert [one["rule"] for one in records.values()] == ["preprocess", "preprocess"]
    assert records["left"]["code"] == records["right"]["code"]
    assert [one["settings"]["preprocessing"]["size"] for one in records.values()] == [32, 40]
    assert list(records["right"]["inputs"]) == ["data/right/one.image.nii.gz", "data/right/one.label.nii.gz"]
    left, right = ((outer.folder / f"results/{run}/tables/configuration.csv").read_text() for run in records)
    assert left != right
    again = outer.snakemake("--dry-run", *profile, targets=targets)
    assert "Nothing to be done" in again.stdout
    # Checks before the first job are a module's, too: here, of its own phantoms.
    for path in outer.folder.glob("data/left/one.image.nii.gz"):
        path.write_bytes(b"an exam of a patient")
    ended = outer.snakemake("--forcerun", "left_phantom", targets=targets)
    assert ended.returncode == 1
    for words in ("as the module left", "file: data/left/one.image.nii.gz", "no phantom job has made"):
        assert words in ended.stdout
    assert "Traceback" not in ended.stdout


def test_why_explains_the_jobs_of_modules(outer: Outer) -> None:
    command = [sys.executable, str(ROOT / "workflow/why.py"), "--configfile", "config.yaml", "--directory", "."]
    told = subprocess.run(command, cwd=outer.folder, capture_output=True, text=True, check=True).stdout
    assert "left_train: 8 jobs" in told
    assert "right_train: 8 jobs" in told
    assert "left over" not in told


@pytest.mark.parametrize(
    ("changes", "statement", "told"),
    [
        ({"results": "results/left"}, "", ["as the module right", "results: results/left", "another `results`"]),
        ({"data": "./data/left"}, "", ["data: data/left", "phantoms", "another `data`"]),
        ({}, '    prefix: "right"\n', ["a module with `prefix`", "set `results` and `data`"]),
        ({"sizes": 3}, "", ["as the module right", "sizes: unknown key"]),
    ],
)
def test_what_two_modules_cannot_have_is_refused(
    outer: Outer, changes: dict[str, Any], statement: str, told: list[str]
) -> None:
    outer.configure({"left": run_of("left"), "right": run_of("right") | changes})
    text = (outer.folder / "Snakefile").read_text()
    outer.write(text.replace('    config: config["right"]\n', f'    config: config["right"]\n{statement}'))
    ended = outer.snakemake("--dry-run")
    assert ended.returncode == 1
    assert "hepaflow cannot start" in ended.stdout
    assert "Traceback" not in ended.stdout
    for words in told:
        assert words in ended.stdout


def test_two_checkouts_in_one_workflow_are_refused(outer: Outer, fresh: Checkout) -> None:
    other = MODULE.format(name="right", snakefile=repr(str(fresh.folder / "workflow/Snakefile")))
    outer.write(MODULE.format(name="left", snakefile=repr(str(OWN))), other, ALL)
    ended = outer.snakemake("--dry-run")
    assert ended.returncode == 1
    for words in ("as the module right", str(fresh.folder), f"{ROOT} of the module left", "one checkout"):
        assert words in ended.stdout


# From a repository, as snakedeploy writes it.

DEPLOYED = """
configfile: "config/config.yaml"

module hepaflow:
    snakefile:
        {snakefile}
    config:
        config

use rule * from hepaflow
"""


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(folder), *settings, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def repository(fresh: Checkout) -> Path:
    """Return a repository of the project with the tag v1."""
    for part in (".git_archival.txt", ".gitattributes", "README.md", "envs", "pyproject.toml"):
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, fresh.folder / part)
    git(fresh.folder, "init", "-q")
    git(fresh.folder, "add", ".")
    git(fresh.folder, "commit", "-q", "-m", "one")
    git(fresh.folder, "tag", "v1")
    return fresh.folder


@pytest.mark.parametrize("kind", ["github", pytest.param("gitfile", marks=pytest.mark.slow)])
def test_a_module_from_a_repository_brings_its_package(
    repository: Path, tmp_path: Path, another_version: Path, kind: str
) -> None:
    """Snakemake finds the clone that it would make of github.com, and fetches nothing."""
    cache = tmp_path / "cache"
    clone = cache / "snakemake/snakemake/source-cache/snakemake-git-cache/github.com/someone/hepaflow"
    clone.parent.mkdir(parents=True)
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(clone))
    folder = tmp_path / "deployed"
    (folder / "workflow").mkdir(parents=True)
    shutil.copytree(ROOT / "config", folder / "config")
    shutil.copytree(ROOT / "profiles", folder / "profiles")
    snakefile = {
        "github": 'github("someone/hepaflow", path="workflow/Snakefile", tag="v1")',
        "gitfile": f'gitfile("{repository}", path="workflow/Snakefile", tag="v1")',
    }[kind]
    (folder / "workflow/Snakefile").write_text(DEPLOYED.format(snakefile=snakefile))
    variables = {"XDG_CACHE_HOME": str(cache), "PYTHONPATH": str(another_version)}
    run = ("--configfile", "config/demo.yaml")
    plan = jobs_of(snakemake(folder, "--dry-run", "--quiet", "rules", *run, **variables))
    assert plan["train"] == 10  # the demo's backbones alone, though the deployed configuration has the thesis'
    if kind == "gitfile":  # which is like the other from here on
        return
    target = "results/demo/tables/configuration.csv"
    ended = snakemake(folder, target, *run, **variables)
    assert ended.returncode == 0, ended.stdout
    (unpacked,) = (folder / ".snakemake/hepaflow").iterdir()
    assert unpacked.name == git(repository, "rev-parse", "v1")
    assert (folder / target).is_file()
    assert (unpacked / "workflow/scripts/hepaflow/__init__.py").is_file()
    assert version_of(unpacked) == Version("1", unpacked.name[:12])


def test_a_module_from_an_address_is_refused(outer: Outer) -> None:
    """Its rules can be read, but not its package."""
    serve = partial(SimpleHTTPRequestHandler, directory=str(ROOT))
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/workflow/Snakefile"
        outer.write(MODULE.format(name="left", snakefile=repr(address)))
        ended = outer.snakemake("--dry-run")
        server.shutdown()
    assert ended.returncode == 1
    for words in ("as the module left", "rules from http://127.0.0.1", "github(...)"):
        assert words in ended.stdout


# From another folder.


@pytest.mark.parametrize("snakefile", ["Snakefile", pytest.param("workflow/Snakefile", marks=pytest.mark.slow)])
def test_the_demo_runs_in_a_folder_of_the_user(tmp_path: Path, snakefile: str) -> None:
    folder = tmp_path / "mine"
    chosen = [
        "--snakefile",
        str(ROOT / snakefile),
        "--configfile",
        str(ROOT / "config/demo.yaml"),
        "-d",
        str(folder),
    ]
    plan = snakemake(tmp_path, "--dry-run", "--quiet", "rules", *chosen)
    assert "profiles/default" in plan.stdout
    assert jobs_of(plan)["train"] == 10
    ended = snakemake(tmp_path, "results/demo/preprocessed/liver/phantom-01.safetensors", *chosen[:3], *chosen[3:])
    assert ended.returncode == 0, ended.stdout
    assert (folder / "data/phantoms/phantom-01.image.nii.gz").is_file()
    assert {path.name for path in folder.iterdir()} == {".snakemake", "data", "results"}


def test_the_default_is_the_thesis_with_the_users_data_and_configuration(tmp_path: Path) -> None:
    folder, run = tmp_path / "mine", ("--dry-run", "--quiet", "rules", "-d", str(tmp_path / "mine"))
    refused = snakemake(ROOT, *run)
    assert refused.returncode == 1
    assert "file: data/lits17/volume-0.nii" in refused.stdout
    data = folder / "data/lits17"
    data.mkdir(parents=True)
    for number in range(131):
        (data / f"volume-{number}.nii").touch()
        (data / f"segmentation-{number}.nii").touch()
    assert jobs_of(snakemake(ROOT, *run))["train"] == 8
    (folder / "config/exams").mkdir(parents=True)
    (folder / "config/config.yaml").write_text("exams: config/exams/mine.tsv\nbackbones: {one: {arch: unet}}\n")
    shutil.copy(ROOT / "config/exams/lits17.tsv", folder / "config/exams/mine.tsv")
    assert jobs_of(snakemake(ROOT, *run))["train"] == 2


# What its environment needs.


def test_a_plan_needs_no_library_that_snakemake_does_not_bring_along(outer: Outer, tmp_path: Path) -> None:
    heavy = without(tmp_path / "heavy", "nibabel", "scipy", "isal", "torch", "skimage", "monai", "safetensors")
    assert outer.planned(PYTHONPATH=heavy)["left_train"] == 8
    ended = outer.snakemake(targets=["results/left/preprocessed/liver/one.safetensors"], PYTHONPATH=heavy)
    assert ended.returncode == 1
    missing = "found: no isal, nibabel, safetensors, scipy in"
    for words in ("as the module left", missing, f"pip install {ROOT}", "conda environment or a container"):
        assert words in ended.stdout
    assert "Traceback" not in ended.stdout


# As the workflow catalogue wants it.


def test_the_catalogue_finds_what_it_looks_for(tmp_path: Path) -> None:
    settings = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert settings.keys() == {"mandatory-flags", "software-stack-deployment", "report"}
    assert settings["report"] is True
    assert (ROOT / "config/README.md").is_file()
    linted = snakemake(tmp_path, "--lint", "--snakefile", str(OWN))  # it has no data
    assert linted.returncode == 0, linted.stdout
    assert "in a good condition" in linted.stdout
