"""Digests of every file of the small run: `python tests/workflow/digests.py RUN > tests/workflow/digests.txt`.

A change that is to change no result leaves the list as it is. Left out is what differs from run to run: logs, the
store of digests, and of records, histories and the model what tells of code, time or machine. The report, the
summary, and what trainings cost hold all of that, beside tables, figures and pages that are listed themselves.
"""

import csv
import hashlib
import io
import json
import platform
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

LIST = Path(__file__).with_name("digests.txt")
_LEFT_OUT = (
    *("logs", ".contents", ".sha256", "report.html", "summary.html"),
    *("networks.csv", "networks.html", "provenance.html"),
)
_OF_A_RECORD = ("rule", "wildcards", "settings")


def machine() -> str:
    """Return what decides the last bit of a result besides the code."""
    told = Path("/proc/cpuinfo").read_text()
    # Cloud providers give processors of several generations one name.
    found = (re.search(rf"^{key}\s*: (.*)$", told, re.MULTILINE) for key in ("model name", "cpu family", "model"))
    processor = " ".join(one[1] for one in found if one) or platform.machine()
    capability = torch.backends.cpu.get_cpu_capability()
    return f"torch {torch.__version__}, NumPy {np.__version__}, {processor}, {capability}"


def digests(run: Path) -> dict[str, str]:
    """Return a digest of every file below `data` and `results/smoke` of a run, by path."""
    found = {}
    for part in ("data", "results/smoke"):
        for path in sorted((run / part).rglob("*")):
            if path.is_file() and not set(_LEFT_OUT) & set(path.parts):
                for name, content in _contents(path):
                    found[f"{path.relative_to(run)}{name}"] = hashlib.sha256(content).hexdigest()[:16]
    return found


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what a file holds without what differs from run to run, with what is added to its name."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            for member in sorted(archive.namelist()):
                if member.startswith(("networks/", "fusion/", "settings")):
                    yield f"/{member}", archive.read(member)
    elif "records" in path.parts:
        record = json.loads(path.read_text())
        yield "", json.dumps([record[name] for name in _OF_A_RECORD], sort_keys=True).encode()
    elif path.name.endswith("history.csv"):
        yield "", _without(path, "seconds")
    elif path.name == "provenance.csv":
        rows = csv.DictReader(io.StringIO(path.read_text()))
        yield "", json.dumps(sorted([row["rule"], row["jobs"]] for row in rows)).encode()
    else:
        yield "", path.read_bytes()


def _without(table: Path, column: str) -> bytes:
    rows = list(csv.reader(io.StringIO(table.read_text())))
    at = rows[0].index(column)
    return json.dumps([row[:at] + row[at + 1 :] for row in rows]).encode()


def kept() -> tuple[str, dict[str, str]]:
    """Return the machine that the kept list was made on, and the list."""
    first, *lines = LIST.read_text(encoding="utf-8").splitlines()
    return first.removeprefix("# "), dict(reversed(line.split("  ", 1)) for line in lines)


if __name__ == "__main__":
    print(f"# {machine()}")
    for name, digest in digests(Path(sys.argv[1])).items():
        print(f"{digest}  {name}")
