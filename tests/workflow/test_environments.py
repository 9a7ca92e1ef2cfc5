"""Jobs in a conda environment or a container of the lock, as Snakemake would make and enter them.

Scripts stand in for `conda` and `apptainer`, and note how they are called: what they make is this environment.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from smoke_run import ROOT, SMOKE, Checkout

ENVS = ROOT / "envs"
TARGET = "results/smoke/tables/configuration.csv"
RECORD = "results/smoke/records/table_configuration.json"

CONDA = """#!/bin/bash
echo "conda $*" >> {folder}/calls
case "$*" in
    "info --json") echo '{{"conda_prefix": "{folder}", "platform": "linux-64"}}' ;;
    "--version") echo "conda 25.9.1" ;;
    "config --get"*) echo '{{"get": {{"channel_priority": "strict"}}}}' ;;
    "env create"*)
        mkdir -p "${{@: -1}}/bin"
        sed 's/^    //' > "${{@: -1}}/bin/python" <<'END'
    #!/bin/sh
    echo "python of conda" >> {folder}/calls
    exec {python} "$@"
END
        chmod +x "${{@: -1}}/bin/python" ;;
esac
"""
ACTIVATE = 'export PATH="$1/bin:$PATH"\n'
APPTAINER = """#!/bin/bash
echo "apptainer $*" >> {folder}/calls
[ "$1" = --version ] && echo "apptainer version 1.4.0" && exit
PATH={bin}:$PATH exec bash -c "${{@: -1}}"
"""


class Deployed:
    """The project with its environments, and stand-ins on the way to commands."""

    def __init__(self, run: Checkout, folder: Path) -> None:
        self.run, self.calls = run, folder / "calls"
        shutil.copytree(ENVS, run.folder / "envs")
        (folder / "bin").mkdir(parents=True)
        for name, text in {"bin/conda": CONDA, "bin/activate": ACTIVATE, "bin/apptainer": APPTAINER}.items():
            text = (
                text.format(folder=folder, python=sys.executable, bin=Path(sys.executable).parent)
                if "#" in text
                else text
            )
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        self.path = f"{folder / 'bin'}:{os.environ['PATH']}"

    def snakemake(
        self, *arguments: str, folder: Path | None = None, target: str = TARGET
    ) -> subprocess.CompletedProcess[str]:
        """Run Snakemake in the project's folder, or with its rules in another."""
        chosen = ["--snakefile", str(self.run.folder / "workflow/Snakefile")]
        chosen += ["--configfile", str(self.run.folder / "config/smoke.yaml")]
        return subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "1", *arguments, *chosen, "--", target],
            cwd=folder or self.run.folder,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PATH": self.path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def called(self, words: str) -> Sequence[str]:
        """Return the calls of stand-ins that begin so."""
        return [line for line in self.calls.read_text().splitlines() if line.startswith(words)]


@pytest.fixture
def deployed(fresh: Checkout, tmp_path: Path) -> Deployed:
    return Deployed(fresh, tmp_path / "stand-ins")


# What the environments are.


def test_the_conda_environment_has_the_pins_of_the_lock() -> None:
    lock = (ENVS / "requirements.txt").read_text()
    locked = [line.removesuffix(" \\") for line in lock.splitlines() if line[:1].isalnum()]
    environment = yaml.safe_load((ENVS / "environment.yaml").read_text())
    *packages, pip = environment["dependencies"]
    assert pip == {"pip": locked}
    assert packages == ["python=3.11", "pip", "cxx-compiler"]
    assert environment["channels"] == ["conda-forge", "nodefaults"]  # conda-forge alone
    assert all("==" in line for line in locked)


def test_make_lock_writes_it() -> None:
    written = subprocess.run([sys.executable, ENVS / "environment.py"], capture_output=True, text=True, check=True)
    assert written.stdout == (ENVS / "environment.yaml").read_text()
    recipe = (ROOT / "Makefile").read_text().partition("\nlock:")[2].partition("\n\n")[0]
    assert "envs/environment.py > envs/environment.yaml" in recipe


def test_the_container_is_that_of_the_lock() -> None:
    recipe = (ENVS / "hepaflow.def").read_text()
    python = re.search(r"^From: python:(\d+\.\d+)-slim-\w+$", recipe, re.MULTILINE)
    assert python
    assert f"python={python[1]}" in (ENVS / "environment.yaml").read_text()
    assert "    envs/requirements.txt /opt/requirements.txt" in recipe
    assert "pip install --no-cache-dir --require-hashes --requirement /opt/requirements.txt" in recipe


# Conda.


@pytest.mark.parametrize("method", ["conda", ""])
def test_every_rule_with_a_script_has_the_environment_where_conda_is_asked_for(
    deployed: Deployed, method: str
) -> None:
    """Elsewhere none has, or Snakemake would note its text with every file."""
    asked = f"""if True:
        import json
        from pathlib import Path
        from snakemake.api import SnakemakeApi
        from snakemake.settings.types import ConfigSettings, DAGSettings, DeploymentMethod, DeploymentSettings
        from snakemake.settings.types import OutputSettings, ResourceSettings
        methods = {{DeploymentMethod.parse_choice(name) for name in "{method}".split()}}
        with SnakemakeApi(OutputSettings(dryrun=True)) as api:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(configfiles=[Path("config/smoke.yaml")]),
                deployment_settings=DeploymentSettings(deployment_method=methods),
                snakefile=Path("workflow/Snakefile"),
            )
            workflow.dag(DAGSettings()).execute_workflow(executor="dryrun")
            rules = workflow._workflow.rules
        told = {{one.name: [one.script, one.conda_env, one.container_img] for one in rules}}
        Path("rules.json").write_text(json.dumps(told))
    """
    environment = {**os.environ, "PATH": deployed.path}
    subprocess.run(
        [sys.executable, "-c", asked], cwd=deployed.run.folder, env=environment, capture_output=True, check=True
    )
    rules = json.loads((deployed.run.folder / "rules.json").read_text())
    expected = str(deployed.run.folder / "envs/environment.yaml") if method == "conda" else None
    assert len(rules) > 30
    for name, (script, environment, image) in rules.items():
        assert (script is None) == (name == "all")
        assert environment == (expected if script else None), name
        assert image == "envs/hepaflow.sif", name


def test_jobs_run_in_one_conda_environment_and_nothing_runs_again_for_it(deployed: Deployed) -> None:
    planned = deployed.snakemake("--sdm", "conda", "--dry-run")
    assert planned.returncode == 0, planned.stdout
    assert planned.stdout.count("environment.yaml will be created") == 1
    ended = deployed.snakemake("--sdm", "conda")
    assert ended.returncode == 0, ended.stdout
    (made,) = deployed.called("conda env create")
    assert re.search(r"--file \S*\.snakemake/conda/\w+\.yaml --prefix", made)
    assert deployed.called("python of conda")
    assert "python" in json.loads((deployed.run.folder / RECORD).read_text())["versions"]
    for options in ((), ("--sdm", "conda")):
        assert "Nothing to be done" in deployed.snakemake("--dry-run", *options).stdout


@pytest.mark.slow
def test_versions_that_count_are_those_of_the_environment(deployed: Deployed) -> None:
    deployed.run.configure(count_libraries=True)
    assert deployed.snakemake("--sdm", "conda").returncode == 0
    before = json.loads((deployed.run.folder / RECORD).read_text())
    assert before["libraries"] == {name: before["versions"][name] for name in before["libraries"]}
    assert before["libraries"]
    assert "Nothing to be done" in deployed.snakemake("--sdm", "conda", "--dry-run").stdout
    file = deployed.run.folder / "envs/environment.yaml"
    file.write_text(re.sub("==[0-9][^ \n]*", "==0.1", file.read_text()))
    ended = deployed.snakemake("--sdm", "conda")
    assert ended.returncode == 1
    assert "other versions of libraries than this run was planned with" in ended.stdout
    assert "(0.1)" in ended.stdout


# The container.


def test_a_container_that_is_not_built_is_told_before_the_first_job(deployed: Deployed) -> None:
    ended = deployed.snakemake("--sdm", "apptainer")
    assert ended.returncode == 1
    for words in ("no envs/hepaflow.sif", "apptainer build envs/hepaflow.sif envs/hepaflow.def"):
        assert words in ended.stdout
    assert "Traceback" not in ended.stdout
    assert not deployed.called("apptainer exec")


@pytest.mark.slow
def test_jobs_run_in_the_container_which_sees_the_checkout(deployed: Deployed, tmp_path: Path) -> None:
    image = deployed.run.folder / "envs/hepaflow.sif"
    image.touch()
    ended = deployed.snakemake("--sdm", "apptainer", "conda")
    assert ended.returncode == 0, ended.stdout
    (call,) = deployed.called("apptainer exec")
    assert "envs/hepaflow.sif bash" in call
    assert f"--bind {deployed.run.folder} " not in call  # which is where it works
    assert not deployed.called("conda env create")
    folder = tmp_path / "elsewhere"
    (folder / "config/exams").mkdir(parents=True)
    shutil.copy(deployed.run.folder / SMOKE["exams"], folder / SMOKE["exams"])
    ended = deployed.snakemake("--sdm", "apptainer", folder=folder)
    assert ended.returncode == 0, ended.stdout
    _, call = deployed.called("apptainer exec")
    assert call.count(f"--bind {deployed.run.folder} ") == 1
    assert os.path.relpath(image, folder) in call
