"""Run every benchmark and write docs/benchmarks.md: `python -m benchmarks.run [--quick]`."""

import argparse
import importlib.metadata
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks import (
    fusing,
    loading,
    modern_exam,
    networks,
    planning,
    precision,
    quality,
    scaling,
    scoring,
    slicing,
    steps,
)
from benchmarks.scale import FULL, QUICK, Scale
from benchmarks.side_by_side import COLUMNS, seconds, table
from hepaflow.networks.compute import has_bf16_instructions
from hepaflow.words import counted

ROOT = Path(__file__).parents[1]
LIBRARIES = ("numpy", "torch", "nibabel", "isal", "pillow", "scikit-image", "snakemake", "medpy", "monai", "h5py")
INTRODUCTION = """\
# Benchmarks

This page compares hepaflow's speed with that of other software. `make bench` writes it. Both sides run in turn, in
one process, and the order changes with every round. The ratio is the time of the other software over ours: the
median over the rounds and (smallest-largest). Above 1, hepaflow is faster. Times are wall-clock times, and depend
on the machine and on what else runs on it. The ratios depend on this less, but still do, especially if one side is
limited by memory or disk and the other by the processor.

GPUs were not measured. [speed.md](speed.md) says which settings follow from this, and what they cost in Dice.
"""


def machine() -> str:
    """Describe the machine: processor, memory, system, libraries, and how busy it is."""
    told = dict(
        (part.strip() for part in line.split(":", 1))
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if ":" in line
    )
    with_bf16 = "with" if has_bf16_instructions() else "without"
    processor = f"{told.get('model name', platform.machine())}, {with_bf16} bf16 instructions"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    return (
        f"{len(os.sched_getaffinity(0))} cores ({processor}), {memory:.0f} GiB, {platform.system()}; Python "
        f"{platform.python_version()}, {versions}; torch on {counted(torch.get_num_threads(), 'thread')}."
    )


def load() -> float:
    """Return how many processes ran or waited for a core, on average over the last minute."""
    return os.getloadavg()[0]


def measured(scratch: Path, page: Path, scale: Scale) -> Iterator[tuple[str, str, str]]:
    """Run one benchmark after another; title, explanation and what was found, in Markdown."""
    rows = []
    for module in (slicing, loading, fusing, scoring, networks):
        for comparison in module.measure(scratch / module.__name__, scale):
            rows.append(comparison.row())
            print(*rows[-1], sep=" | ", flush=True)
    yield (
        "Side by side",
        "hepaflow compared with other software for the same task. At 256×256, a network on the CPU is limited by "
        "its arithmetic, with one slice at a time or several (the notes compare its rate with a product of "
        "matrices). Batches help at 64×64, and bf16 helps at 256×256 on a processor that has instructions for it.",
        table(COLUMNS, rows),
    )
    yield (
        "Loading",
        "According to the [GPU hours](slurm.md#gpu-hours), the fastest GPU trains on a few hundred slices per "
        "second. `compute.workers` sets how many processes load slices.",
        loading.throughput(scratch, scale),
    )
    yield (
        "Precision and layout",
        "Results differ by rounding between layouts, and visibly between precisions. So `precision` counts as a "
        "change of the results, and `compute.channels_last` does not. Whether bf16 is faster depends on the "
        "processor's instructions.",
        table(COLUMNS, [comparison.row() for comparison in networks.layouts(scale)]),
    )
    yield (
        "Precision of prediction",
        "Phantoms segmented with the demo's model, which was trained in fp32: its test exams, and further exams "
        "of the same kind. If a pixel of the liver mask changes, the volume of interest can change, and all "
        "lesion slices with it.",
        precision.measure(scratch / "precision", scale.phantoms),
    )
    yield (
        "Training step",
        "Ours beside nnU-Net's trainer: the same network, mini-batch and slices, and augmentation of the "
        "same kinds.",
        steps.beside_nnunet(scratch / "steps", steps.Steps(), scale.rounds),
    )
    yield (
        "Waiting for the loader",
        "The share of a step's time in which it waits for its mini-batch. Without loading processes, loading and "
        "augmentation are in the step itself; with them, they take cores from it, where there are no more.",
        steps.waiting(scratch / "steps", steps.Steps()),
    )
    yield (
        "An exam",
        "Weights drawn at random; each in a process of its own. nnU-Net sees slices at their full size, "
        "with a plain U-Net of its own kind with about as many parameters as one network of `modern`, and "
        "finds liver and lesions at once, mirrored in both directions as it comes.",
        modern_exam.measure(scratch / "exam", scale.exam_slices, scale.rounds),
    )
    yield (
        "Start of a training",
        "Time to build the network, find the slices and start the loader; modules are imported before.",
        networks.first_batches(scratch, scale),
    )
    yield (
        "Start of the scripts",
        "Time of the imports in a separate process, until it has ended. A script imports torch only when its work "
        "begins, so that results from the cache are restored without it.",
        planning.starts(scale),
    )
    yield (
        "Planning",
        "The default configuration on empty files in LiTS17's layout: start, sheet, graph, fingerprints. Then "
        "with an empty file for every result, so that there is nothing to do.",
        planning.plans(scratch, scale),
    )
    yield (
        "Scaling",
        "Whole runs on phantoms, half of them test exams, with two small networks trained for one epoch. The "
        f"table lists rules that take {scaling.LEAST_SECONDS:g} s or more. A rule's time is that of all its jobs, "
        "its memory that of the largest job. An exponent of 1 means proportional to the number of exams (pale "
        "lines).",
        f"{scaling.measure(scratch, page, scale)}\n\n"
        f"![Time and memory of every rule by the number of exams]({scaling.FIGURE})",
    )
    yield (
        "Dice for the same compute",
        f"Means over the demo's test exams (phantoms), and the smallest and the largest of {scale.seeds} "
        "trainings. Other systems are trained on all cores for as long as the four networks of a stage together, "
        "which is also the time of the fusion: MONAI's UNet and nnU-Net on the slices of these networks; "
        "`modern` with its own settings on its own data, except that the number of its mini-batches is fitted "
        "to the time. nnU-Net's random numbers are seeded, but the number of its epochs depends on the clock.",
        quality.measure(scratch / "quality", "demo", scale.seeds),
    )
    yield (
        "Dice for the same compute, small lesions",
        "The same on harder phantoms (`config/phantoms/small-lesions.yaml`): small lesions, thin slices, "
        "more noise. Each system is trained for the same time as on the demo's phantoms.",
        quality.measure(scratch / "quality-small-lesions", "small-lesions", scale.seeds),
    )
    yield (
        "Averages",
        "Averages of maps (soft voting, nothing fitted) beside the methods that they average: mean Dice over the "
        "demo's test exams, as the finished demo scored them.",
        quality.averages(),
    )


def main() -> None:
    """Run the benchmarks and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer rounds: minutes")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md")
    arguments = parser.parse_args()
    scale = QUICK if arguments.quick else FULL
    scratch = Path(tempfile.mkdtemp(prefix="hepaflow-benchmarks-"))
    before, began = load(), time.monotonic()
    how = "quick" if arguments.quick else "full"
    busy = ": **other work ran beside it**" if before > 0.5 else ""
    sections: list[str] = []

    def write(end: str) -> None:  # after every section: a run that is stopped keeps what it has measured
        head = (
            f"The {how} run, {seconds(time.monotonic() - began)}{end}. {machine()}\n\n"
            f"Load of the machine when it began: {before:.1f}{busy}.\n"
        )
        arguments.output.write_text("\n".join([INTRODUCTION, head, *sections]), encoding="utf-8")

    try:
        for title, explained, found in measured(scratch, arguments.output, scale):
            sections.append(f"## {title}\n\n{explained}\n\n{found}\n")
            print(sections[-1], flush=True)
            write(", not finished: further sections are missing")
    finally:
        shutil.rmtree(scratch)
    write("")


if __name__ == "__main__":
    main()
