"""Exact reruns: for every module and script, exactly what runs it would run again."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from reruns import ARCHS, NOTHING, OF_THE_RUN, SCRIPTS, TABLES_OF_STRUCTURES, Finished, names
from smoke_run import ROOT
from why import Planned

ENTRY = {
    "arch": "from hepaflow.networks.network import build_network; "
    "from hepaflow.settings.network import NetworkSettings; "
    "build_network(NetworkSettings(arch={0!r}, weights='none')); import hepaflow.sampling.slices",
    "preprocessing": "import hepaflow.preprocessing.{0}",
    "": "",
}
"""What a script runs besides its imports, for the entries of tables that its job's settings name."""


def entry_of(job: Planned) -> tuple[str, str]:
    """Return which entry decides the modules that a job loads."""
    if "network" in job.wildcards:
        return "arch", ARCHS[job.wildcards["network"]]
    if "data" in job.wildcards:
        return "preprocessing", f"{job.wildcards['data'].partition('-')[0]}_slices"
    return "", ""


def importing(script: Path, entry: tuple[str, str], scripts: Path) -> set[str]:
    """Return the modules that Python itself loads when it runs a script's imports, and those of an entry."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    lines = [ast.unparse(node) for node in imports if "hepaflow.jobs" not in ast.unparse(node)]
    table, name = entry
    lines += [
        ENTRY[table].format(name),
        "import json, sys",
        "print(json.dumps([name for name in sys.modules if name.startswith('hepaflow')]))",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        env={**os.environ, "PYTHONPATH": str(scripts)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return set(found)


@pytest.fixture(scope="module")
def reach() -> dict[tuple[str, str], set[str]]:
    """Return the modules that each script loads, by the entry that its job's settings name."""
    archs, kinds = sorted(set(ARCHS.values())), ("liver_slices", "lesion_slices")
    entries = {
        **{script: [("arch", arch) for arch in archs] for script in ("train", "predict")},
        "preprocess": [("preprocessing", kind) for kind in kinds],
    }
    pairs = [
        (script, entry)
        for script in sorted((ROOT / SCRIPTS).glob("*.py"))
        for entry in entries.get(script.stem, [("", "")])
    ]
    with ThreadPoolExecutor(2) as pool:
        loaded = pool.map(lambda pair: importing(*pair, ROOT / SCRIPTS), pairs)
        return {(script.stem, entry[1]): names for (script, entry), names in zip(pairs, loaded, strict=True)}


def module_of(path: Path) -> str:
    parts = path.relative_to(SCRIPTS).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = sorted(path.relative_to(ROOT) for path in (ROOT / SCRIPTS / "hepaflow").rglob("*.py"))
AT_ONCE = 36
"""Modules that are changed together: the reasons of a job name each of them, and a plan takes a second or two."""


@pytest.mark.parametrize("first", range(0, len(MODULES), AT_ONCE), ids=lambda first: module_of(MODULES[first]))
def test_modules_rerun_exactly_the_scripts_that_reach_them(
    finished: Finished, reach: dict[tuple[str, str], set[str]], first: int
) -> None:
    chosen = MODULES[first : first + AT_ONCE]
    with changed(finished, chosen):
        planned = finished.planned()
    modules = [module_of(path) for path in chosen]
    told = {module: {name_of(job) for job in planned if module in told_of(job)} for module in modules}
    assert told == {module: users_of(module, planned, reach) for module in modules}
    users = set().union(*told.values())
    for job in planned:  # whatever else runs follows from these
        if job.runs and name_of(job) not in users:
            assert job.reasons
            assert all(reason.startswith("follows from: ") for reason in job.reasons)
    assert bool(users) == any(job.runs for job in planned)


def test_modules_that_no_script_reaches_rerun_nothing(
    finished: Finished, reach: dict[tuple[str, str], set[str]]
) -> None:
    planned = finished.planned()
    chosen = [path for path in MODULES if not users_of(module_of(path), planned, reach)]
    assert len(chosen) > 30
    with changed(finished, chosen):
        assert finished.would_run() == NOTHING


@contextmanager
def changed(finished: Finished, modules: list[Path]) -> Iterator[None]:
    """Add a line to each of some modules."""
    kept = {finished.folder / path: (finished.folder / path).read_text(encoding="utf-8") for path in modules}
    for file, text in kept.items():
        file.write_text(text + "\n_CHANGED = 1\n", encoding="utf-8")
    try:
        yield
    finally:
        for file, text in kept.items():
            file.write_text(text, encoding="utf-8")


def told_of(job: Planned) -> list[str]:
    """Return the modules and scripts that a job's reasons name."""
    return [name for reason in job.reasons if reason.startswith("code: ") for name in reason[6:].split(", ")]


def name_of(job: Planned) -> tuple[str, ...]:
    return (job.rule, *job.wildcards.values())


def users_of(module: str, planned: list[Planned], reach: dict[tuple[str, str], set[str]]) -> set[tuple[str, ...]]:
    """Return the jobs whose scripts load a module when they run, and are to run again when it changes."""
    if f"{module}.".startswith("hepaflow.settings."):
        return set()
    return {name_of(job) for job in planned if module in reach[job.rule, entry_of(job)[1]]}


WITHOUT_JOBS = {"adopt", "evaluate_given", "segment", "present", "average"}
"""Rules without a job in the smoke run, which has no segmentations by others, new exams and averages of maps: they
are in `test_other_systems.py`, below, and in `test_added_methods.py`."""


def test_every_script_is_reached_by_a_change_of_its_own(finished: Finished) -> None:
    scripts = sorted(path.relative_to(ROOT) for path in (ROOT / SCRIPTS).glob("*.py"))
    with changed(finished, scripts):
        planned = finished.planned()
    told = {script: {job.rule for job in planned if script.name in told_of(job)} for script in scripts}
    assert told == {script: {script.stem} - WITHOUT_JOBS for script in scripts}


@pytest.mark.parametrize(
    ("room", "expected"),
    [
        ("viewer", names("viewer.test provenance") | OF_THE_RUN),
        ("pages", TABLES_OF_STRUCTURES | OF_THE_RUN),
    ],
)
def test_a_file_of_pages_reruns_what_it_is_part_of(
    finished: Finished, room: str, expected: frozenset[str]
) -> None:
    files = [path for path in (finished.folder / SCRIPTS / "hepaflow" / room).iterdir() if path.suffix != ".py"]
    assert len(files) > 2
    for path in files:
        before = path.read_text(encoding="utf-8")
        path.write_text(before + "\n", encoding="utf-8")
        try:
            assert finished.would_run() == expected
        finally:
            path.write_text(before, encoding="utf-8")
