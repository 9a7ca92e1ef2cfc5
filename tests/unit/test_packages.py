"""The source distribution: what it holds, and that it can be installed and used without the workflow."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = (
    "pyproject.toml",
    "MANIFEST.in",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "CITATION.cff",
    "workflow/scripts",
)
NUMBER = "7.8.9"


def run(*command: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that sees nothing of this checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [*map(str, command)], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the source distribution of an archive of the tag, as nothing is built in the checkout itself."""
    folder = tmp_path_factory.mktemp("packed")
    for part in PARTS:
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(ROOT / part, folder / part)
    (folder / "tests").mkdir()
    (folder / "tests/test_left_out.py").touch()
    (folder / ".git_archival.txt").write_text(f"commit: {'ab' * 20}\ndescribe: v{NUMBER}\n")
    build = "from setuptools import build_meta; build_meta.build_sdist('dist')"
    ended = run(sys.executable, "-c", build, folder=folder)
    assert ended.returncode == 0, ended.stderr
    return folder / f"dist/hepaflow-{NUMBER}.tar.gz"


@pytest.fixture(scope="module")
def installed(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the commands of a new environment with this one's libraries, where it was installed."""
    folder = tmp_path_factory.mktemp("installed")
    ended = run(sys.executable, "-m", "venv", "--without-pip", "env", folder=folder)
    assert ended.returncode == 0, ended.stderr
    (own,) = (folder / "env/lib").glob("python*/site-packages")
    (own / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")  # whose own .pth files do not count
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--no-compile", "--quiet")
    ended = run(
        sys.executable, "-m", "pip", "--python", own.parents[2], "install", *options, packed, folder=folder
    )
    assert ended.returncode == 0, ended.stderr
    return own.parents[2] / "bin"


def test_a_source_distribution_is_the_package_with_all_that_it_reads(packed: Path) -> None:
    with tarfile.open(packed) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    package = ROOT / "workflow/scripts/hepaflow"
    files = {str(path.relative_to(ROOT)) for path in package.rglob("*") if path.is_file()}
    assert {name for name in files if "__pycache__" not in name} <= names
    others = {name for name in names if not name.startswith("workflow/scripts/hepaflow")} - {
        "",
        "setup.cfg",
        "PKG-INFO",
    }
    assert others == {*PARTS, "workflow"}


def test_the_commands_work_without_a_checkout(installed: Path, tmp_path: Path) -> None:
    told = run(installed / "hepaflow", "--version", folder=tmp_path)
    assert told.stdout.startswith(f"hepaflow {NUMBER} (torch "), told.stderr
    several = """if True:
        from hepaflow.cli import main
        for arguments in (["--help"], ["index", "--help"], ["why"]):
            try:
                print(main(arguments))
            except SystemExit as ended:
                print(ended.code)
    """
    told = run(installed / "python", "-c", several, folder=tmp_path)
    assert told.stdout.startswith("usage: hepaflow [-h]")
    assert "\nusage: hepaflow index [-h]" in told.stdout
    assert told.stdout.endswith("\n0\n1\n"), told.stderr
    assert "hepaflow without its workflow" in told.stderr
    assert "Traceback" not in told.stderr


def test_the_package_is_the_installed_one_with_its_types_and_pages(installed: Path, tmp_path: Path) -> None:
    asked = """if True:
        import importlib.metadata, importlib.resources, hepaflow.segment.output, hepaflow.version
        root = importlib.resources.files("hepaflow")
        print(root)
        print(importlib.metadata.version("hepaflow"), hepaflow.version.this_version().in_words())
        print(all((root / name).is_file() for name in ("py.typed", "pages/page.js", "segment/report/page.html")))
    """
    told = run(installed / "python", "-c", asked, folder=tmp_path)
    root, numbers, whole = told.stdout.splitlines()
    assert Path(root).is_relative_to(installed.parent)
    assert numbers == f"{NUMBER} hepaflow {NUMBER}"
    assert whole == "True"


def test_what_is_optional_is_pinned_with_the_rest() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = (ROOT / "envs/requirements.in").read_text().splitlines()
    extras = [name for names in project["optional-dependencies"].values() for name in names]
    assert set(project["optional-dependencies"]) == {"workflow", "slurm"}
    assert {name for name in extras if not name.startswith("hepaflow")} <= set(wanted)
