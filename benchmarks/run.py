"""Run benchmarks and write docs/benchmarks.md: `python -m benchmarks.run [--quick] [--only SECTION ...]`.

With `--only`, the other sections of the page stay as they are: each says how and where it was measured.
"""

import argparse
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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
from benchmarks.page import Section, measure
from benchmarks.scale import FULL, QUICK, Scale
from benchmarks.side_by_side import COLUMNS, table

ROOT = Path(__file__).parents[1]
INTRODUCTION = """\
# Benchmarks

This page compares hepaflow's speed with that of other software. `make bench` writes it. Both sides run in turn, in
one process, and the order changes with every round. The ratio is the time of the other software over ours: the
median over the rounds and (smallest-largest). Above 1, hepaflow is faster. Times are wall-clock times, and depend
on the machine and on what else runs on it. The ratios depend on this less, but still do, especially if one side is
limited by memory or disk and the other by the processor. Each section says on which machine it was measured.

GPUs were not measured. [speed.md](speed.md) says which settings follow from this, and what they cost in Dice.
"""


@dataclass(frozen=True)
class Bench:
    """A run of the benchmarks.

    Attributes
    ----------
    scratch : Path
        Folder for what is made on the way.
    page : Path
        Beside which figures are written.
    scale : Scale
    seconds : dict of str to float, or None
        Of one core, by stage, for each training whose Dice are compared; None for as long as the demo's networks.
    """

    scratch: Path
    page: Path
    scale: Scale
    seconds: Mapping[str, float] | None = None

    def dice(self, name: str) -> str:
        """Compare Dice on a set of exams; text and a table in Markdown."""
        return quality.measure(self.scratch / f"quality-{name}", name, self.scale.seeds, self.seconds)


def side_by_side(bench: Bench) -> str:
    """Compare hepaflow with other software, task by task; a table in Markdown."""
    rows = []
    for module in (slicing, loading, fusing, scoring, networks):
        for comparison in module.measure(bench.scratch / module.__name__, bench.scale):
            rows.append(comparison.row())
            print(*rows[-1], sep=" | ", flush=True)
    return table(COLUMNS, rows)


def scaled(bench: Bench) -> str:
    """Measure how time and memory grow with the number of exams; a table and a figure in Markdown."""
    found = scaling.measure(bench.scratch, bench.page, bench.scale)
    return f"{found}\n\n![Time and memory of every rule by the number of exams]({scaling.FIGURE})"


SECTIONS: Mapping[str, Section[Bench]] = {
    "side-by-side": Section(
        "Side by side",
        "hepaflow compared with other software for the same task. At 256×256, a network on the CPU is limited by "
        "its arithmetic, with one slice at a time or several (the notes compare its rate with a product of "
        "matrices). Batches help at 64×64, and bf16 helps at 256×256 on a processor that has instructions for it.",
        side_by_side,
        ("numpy", "torch", "nibabel", "isal", "pillow", "scikit-image", "medpy", "monai", "h5py"),
    ),
    "loading": Section(
        "Loading",
        "According to the [GPU hours](slurm.md#gpu-hours), the fastest GPU trains on a few hundred slices per "
        "second. `compute.workers` sets how many processes load slices.",
        lambda bench: loading.throughput(bench.scratch, bench.scale),
    ),
    "layouts": Section(
        "Precision and layout",
        "Results differ by rounding between layouts, and visibly between precisions. So `precision` counts as a "
        "change of the results, and `compute.channels_last` does not. Whether bf16 is faster depends on the "
        "processor's instructions.",
        lambda bench: table(COLUMNS, [comparison.row() for comparison in networks.layouts(bench.scale)]),
    ),
    "precision": Section(
        "Precision of prediction",
        "Phantoms segmented with the demo's model, which was trained in fp32: its test exams, and further exams "
        "of the same kind. If a pixel of the liver mask changes, the volume of interest can change, and all "
        "lesion slices with it.",
        lambda bench: precision.measure(bench.scratch / "precision", bench.scale.phantoms),
    ),
    "steps": Section(
        "Training step",
        "Ours beside nnU-Net's trainer: the same network, mini-batch and slices, and augmentation of the "
        "same kinds.",
        lambda bench: steps.beside_nnunet(bench.scratch / "steps", steps.Steps(), bench.scale.rounds),
        ("numpy", "torch", "nnunetv2"),
    ),
    "waiting": Section(
        "Waiting for the loader",
        "The share of a step's time in which it waits for its mini-batch. Without loading processes, loading and "
        "augmentation are in the step itself; with them, they take cores from it, where there are no more.",
        lambda bench: steps.waiting(bench.scratch / "steps", steps.Steps()),
    ),
    "exam": Section(
        "An exam",
        "Weights drawn at random; each in a process of its own. nnU-Net sees slices at their full size, "
        "with a plain U-Net of its own kind with about as many parameters as one network of `modern`, and "
        "finds liver and lesions at once, mirrored in both directions as it comes. `modern` sees slices of "
        "256×256, in bf16; its lesion network sees those with liver alone.",
        lambda bench: modern_exam.measure(
            bench.scratch / "exam", bench.scale.exam_slices, bench.scale.exam_rounds
        ),
        ("numpy", "torch", "nnunetv2"),
    ),
    "first-batches": Section(
        "Start of a training",
        "Time to build the network, find the slices and start the loader; modules are imported before.",
        lambda bench: networks.first_batches(bench.scratch, bench.scale),
    ),
    "starts": Section(
        "Start of the scripts",
        "Time of the imports in a separate process, until it has ended. A script imports torch only when its work "
        "begins, so that results from the cache are restored without it.",
        lambda bench: planning.starts(bench.scale),
        ("numpy", "torch", "snakemake"),
    ),
    "planning": Section(
        "Planning",
        "The default configuration on empty files in LiTS17's layout: start, sheet, graph, fingerprints. Then "
        "with an empty file for every result, so that there is nothing to do.",
        lambda bench: planning.plans(bench.scratch, bench.scale),
        ("numpy", "torch", "snakemake"),
    ),
    "scaling": Section(
        "Scaling",
        "Whole runs on phantoms, half of them test exams, with two small networks trained for one epoch. The "
        f"table lists rules that take {scaling.LEAST_SECONDS:g} s or more. A rule's time is that of all its jobs, "
        "its memory that of the largest job. An exponent of 1 means proportional to the number of exams (pale "
        "lines).",
        scaled,
        ("numpy", "torch", "snakemake"),
    ),
    "quality": Section(
        "Dice for the same compute",
        "Means over the demo's test exams (phantoms), and the smallest and the largest of several trainings. "
        "MONAI's UNet and nnU-Net are trained on the slices of the thesis' networks; `modern` with its own "
        "settings on its own data, except that the number of its mini-batches is fitted to the time. nnU-Net's "
        "random numbers are seeded, but the number of its epochs depends on the clock.",
        lambda bench: bench.dice("demo"),
        ("numpy", "torch", "monai", "nnunetv2"),
    ),
    "quality-small-lesions": Section(
        "Dice for the same compute, small lesions",
        "The same on harder phantoms (`config/phantoms/small-lesions.yaml`): small lesions, thin slices, "
        "more noise.",
        lambda bench: bench.dice("small-lesions"),
        ("numpy", "torch", "monai", "nnunetv2"),
    ),
    "averages": Section(
        "Averages",
        "Averages of maps (soft voting, nothing fitted) beside the methods that they average: mean Dice over the "
        "demo's test exams, as the finished demo with `config/examples/demo-average.yaml` scored them.",
        lambda bench: quality.averages(),
    ),
}
"""All that is measured, in the page's order."""


def main() -> None:
    """Run the benchmarks and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer rounds: minutes")
    parser.add_argument("--only", choices=SECTIONS, nargs="+", help="measure these sections (default: all)")
    quality.add_seconds(parser)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md")
    arguments = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="hepaflow-benchmarks-"))
    bench = Bench(
        scratch, arguments.output, QUICK if arguments.quick else FULL, quality.seconds_by_stage(arguments)
    )
    how = "quickly" if arguments.quick else "in full"
    try:
        for text in measure(bench.page, INTRODUCTION, SECTIONS, arguments.only or SECTIONS, bench, how):
            print(text, flush=True)
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
