"""Planning the workflow of many exams, the run that has nothing to do, and the start of each script."""

import ast
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.scale import Scale
from benchmarks.side_by_side import digits, seconds, table

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "workflow" / "scripts"
PLAN_AIM = {131: 10, 1000: 45}

# What `hepaflow.jobs.run` calls between a script's own imports and those of its work.
_COLLECT_SELDOM = "from hepaflow.garbage import collect_seldom\ncollect_seldom()\n"


def write_stubs(folder: Path, exams: int) -> Path:
    """Write empty files in LiTS17's layout, a sheet and a configuration; return the configuration."""
    data = folder / f"plan{exams}"
    data.mkdir(parents=True, exist_ok=True)
    lines = ["exam\timage\tlabel\tsplit"]
    for number in range(exams):
        names = [f"{kind}-{number}.nii" for kind in ("volume", "segmentation")]
        for name in names:
            (data / name).touch()
        lines.append(f"lits-{number:04}\t{names[0]}\t{names[1]}\t{'test' if number % 13 == 0 else 'train'}")
    (data / "sheet.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = data / "config.yaml"
    config.write_text(f"results: {data}/results\ndata: {data}\nexams: {data}/sheet.tsv\n", encoding="utf-8")
    return config


def plans(scratch: Path, scale: Scale) -> str:
    """Time the dry run of the thesis on stubs of exams, and the run that has nothing to do; a table."""
    rows = []
    for exams in scale.plans:
        config = write_stubs(scratch, exams)
        command = [sys.executable, "-m", "snakemake", "--configfile", str(config)]
        rounds = range(scale.starts if exams < 500 else 1)
        planned = [_timed([*command, "--dry-run", "--quiet", "all"]) for _ in rounds]
        touch_outputs([*command, "--summary"])
        idle = [_timed([*command, "--cores", "1"]) for _ in rounds]
        rows.append([str(exams), _spread(planned), _spread(idle), f"{PLAN_AIM[exams]} s"])
    return table(["exams", "`snakemake --dry-run`", "nothing to do", "aim: under"], rows)


def touch_outputs(summary: list[str]) -> None:
    """Write an empty file in place of everything that a run would make."""
    told = subprocess.run(summary, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    now = time.time()
    for line in told.splitlines()[1:]:
        path = Path(line.partition("\t")[0])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (now, now))


def starts(scale: Scale) -> str:
    """Time every script's imports until its process ends: at its start, and with those of its work; a table."""
    pairs = [(path.stem, *_imports(path)) for path in sorted(SCRIPTS.glob("*.py"))]
    rounds = scale.starts
    empty = [_timed([sys.executable, "-c", "pass"]) for _ in range(rounds)]
    rows = [["`python -c pass`", _spread(empty), "", ""]]
    for name, start, later in pairs:
        start += _COLLECT_SELDOM
        times = [_timed([sys.executable, "-c", start]) for _ in range(rounds)]
        work = [_timed([sys.executable, "-c", start + later]) for _ in range(rounds)] if later else []
        rows.append([f"`{name}`", _spread(times), _spread(work) if work else "", "5 s" if later else "1.5 s"])
    return table(["script", "imports at its start", "with those of its work", "aim: under"], rows)


def _imports(script: Path) -> tuple[str, str]:
    """Return the import statements of a script's module, and those within its functions."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    every = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    top = [node for node in every if node in tree.body]
    return _lines(top), _lines([node for node in every if node not in top])


def _lines(nodes: Iterable[ast.stmt]) -> str:
    return "".join(f"{ast.unparse(node)}\n" for node in nodes)


def _timed(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - began


def _spread(times: list[float]) -> str:
    middle = seconds(statistics.median(times))
    return f"{middle} ({digits(min(times))}-{digits(max(times))})" if len(times) > 1 else middle
