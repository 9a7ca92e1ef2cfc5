"""Run every benchmark and write docs/benchmarks.md: `python -m benchmarks.run [--quick]`."""

import argparse
import importlib.metadata
import os
import platform
import shutil
import tempfile
import time
from pathlib import Path

import torch

from benchmarks import fusing, loading, networks, planning, scoring, slicing
from benchmarks.scale import FULL, QUICK
from benchmarks.side_by_side import COLUMNS, seconds, table

ROOT = Path(__file__).parents[1]
LIBRARIES = ("numpy", "torch", "nibabel", "isal", "pillow", "scikit-image", "snakemake", "medpy", "monai", "h5py")
INTRODUCTION = """\
# Benchmarks

Written by `make bench`. Ours and the rival run in turn, in one process, and who begins changes with every round.
The ratio is the rival's time over ours, its median over the rounds and (smallest-largest): above 1, ours is
faster. Times are wall-clock; they depend on the machine and on what else runs on it, the ratios much less.

Not measured yet: GPUs, memory and time at 1, 2, 4 and 8 times the exams, and quality for the same compute.
"""


def machine() -> str:
    """Describe the machine: processor, memory, system, libraries, and how busy it is."""
    processor = platform.machine()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            processor = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    return (
        f"{len(os.sched_getaffinity(0))} cores ({processor}), {memory:.0f} GiB, {platform.system()}; Python "
        f"{platform.python_version()}, {versions}; torch on {torch.get_num_threads()} thread(s)."
    )


def load() -> float:
    """Return how many processes ran or waited for a core, on average over the last minute."""
    return os.getloadavg()[0]


def main() -> None:
    """Run the benchmarks and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer rounds: minutes")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md")
    arguments = parser.parse_args()
    scale = QUICK if arguments.quick else FULL
    scratch = Path(tempfile.mkdtemp(prefix="hepaflow-benchmarks-"))
    before, began = load(), time.monotonic()
    rows = []
    try:
        for module in (slicing, loading, fusing, scoring, networks):
            for comparison in module.measure(scratch / module.__name__, scale):
                rows.append(comparison.row())
                print(*rows[-1], sep=" | ", flush=True)
        plans, starts = planning.plans(scratch, scale), planning.starts(scale)
    finally:
        shutil.rmtree(scratch)
    how = "quick" if arguments.quick else "full"
    text = "\n".join(
        [
            INTRODUCTION,
            f"The {how} run, {seconds(time.monotonic() - began)}. {machine()}\n",
            f"Load of the machine when it began: {before:.1f}"
            + (": **other work ran beside it**.\n" if before > 0.5 else ".\n"),
            "## Side by side\n",
            table(COLUMNS, rows),
            "\n## Planning\n",
            "The default configuration on empty files in LiTS17's layout: start, sheet, graph, fingerprints.\n",
            plans,
            "\n## Start of the scripts\n",
            "Imports in a process of their own; a script imports torch only where its work begins, so that what "
            "the cache restores does without.\n",
            starts,
            "",
        ]
    )
    arguments.output.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
