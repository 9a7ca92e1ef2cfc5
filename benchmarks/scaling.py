"""Time and memory of every rule on 1, 2, 4 and 8 times as many exams: whole runs, and what their records say."""

import json
import math
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import yaml
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from benchmarks.scale import Scale
from benchmarks.side_by_side import digits, table
from hepaflow.figures.style import GREY, INK, PALE, WIDTH, save, styled

ROOT = Path(__file__).parents[1]
FIGURE = "images/scaling.svg"
"""Beside the page."""

LEAST_SECONDS = 1.0
"""A rule whose jobs together take less, on the most exams, is start and rounding."""

Runs = Mapping[int, Mapping[str, tuple[float, int]]]
"""For each number of exams, the seconds of all jobs of a rule, and the memory of its largest in MiB."""

CONFIG = {
    "phantoms": {"size": 160, "slices": [16, 16], "lesion_free": 0},
    "size": 64,
    "backbones": {name: {"arch": "unet", "weights": "none"} for name in ("one", "two")},
    "training": {"liver": {"epochs": 1, "batch_size": 8}, "lesion": {"epochs": 1, "batch_size": 8}},
    "samples": {"count": 2},
    "compute": {"accelerator": "cpu", "workers": 0},
}
"""Exams of one size, half of them to train and half to test; one epoch, as the time of several is a multiple."""


def run(folder: Path, exams: int) -> dict[str, tuple[float, int]]:
    """Run the workflow; return the seconds of all jobs of each rule, and the memory of its largest in MiB."""
    folder.mkdir(parents=True)
    lines = ["exam\timage\tlabel\tsplit"]
    for number in range(exams):
        name = f"phantom-{number:03}"
        split = "test" if number % 2 else "train"
        lines.append(f"{name}\t{name}.image.nii.gz\t{name}.label.nii.gz\t{split}")
    (folder / "sheet.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    places = {"results": f"{folder}/results", "data": f"{folder}/data", "exams": f"{folder}/sheet.tsv"}
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG | places), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--cores", "all", "--configfile", str(folder / "config.yaml")]
    ended = subprocess.run([*command, "--quiet", "all"], cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"the run on {exams} exams failed:\n{ended.stderr}")
    found: dict[str, tuple[float, int]] = {}
    for path in (folder / "results" / "records").rglob("*.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        seconds, memory = found.get(record["rule"], (0.0, 0))
        found[record["rule"]] = (seconds + record["seconds"], max(memory, record["peak_memory_mib"]))
    return found


def slope(points: Mapping[int, float]) -> float:
    """Return the exponent of growth: the slope of a straight line through logarithms of sizes and values.

    Examples
    --------
    >>> round(slope({1: 3.0, 2: 6.0, 8: 24.0}), 6)
    1.0
    """
    return float(np.polyfit(np.log(list(points)), np.log(list(points.values())), 1)[0])


def counted(runs: Runs) -> list[str]:
    """Return the rules that take long enough to tell how their time grows, the longest first."""
    last = runs[max(runs)]
    return sorted((rule for rule in last if last[rule][0] >= LEAST_SECONDS), key=lambda rule: -last[rule][0])


def measure(scratch: Path, page: Path, scale: Scale) -> str:
    """Run the workflow on ever more exams, draw the figure beside the page, and return a table of the rules."""
    runs = {exams: run(scratch / f"scaling{exams}", exams) for exams in scale.scaling}
    picture = page.parent / FIGURE
    picture.parent.mkdir(exist_ok=True)
    save(scaling_figure(runs), picture, title="Time and memory of every rule by the number of exams")
    first, last = min(runs), max(runs)
    rows = []
    for rule in counted(runs):
        seconds = {exams: runs[exams][rule][0] for exams in runs}
        memory = [runs[exams][rule][1] for exams in runs]
        growth = digits(memory[-1] / memory[0])
        rows.append(
            [
                f"`{rule}`",
                *map(digits, seconds.values()),
                digits(slope(seconds)),
                str(memory[0]),
                str(memory[-1]),
                growth,
            ]
        )
    return table(
        [
            "rule",
            *(f"seconds, {exams} exams" for exams in runs),
            "exponent of growth",
            f"MiB, {first} exams",
            f"MiB, {last} exams",
            "ratio",
        ],
        rows,
    )


@styled
def scaling_figure(runs: Runs) -> Figure:
    """Draw seconds of all jobs, and memory of the largest, against the number of exams; both axes logarithmic."""
    figure = Figure(figsize=(WIDTH, 6), layout="constrained")
    exams = sorted(runs)
    titles = ("Seconds of all jobs of a rule", "MiB of the largest job of a rule")
    for part, (axes, title) in enumerate(zip(figure.subplots(1, 2), titles, strict=True)):
        lines = {rule: [runs[count][rule][part] for count in exams] for rule in counted(runs)}
        smallest = min(map(min, lines.values()))
        if part == 0:  # straight lines of what is proportional to the number of exams
            for step in range(12):
                axes.plot(
                    exams, [smallest / 8 * 2**step * count / exams[0] for count in exams], color=PALE, zorder=0
                )
        for values in lines.values():
            axes.plot(exams, values, color=INK, marker="o", markersize=3, linewidth=1, clip_on=False)
        axes.set(xscale="log", yscale="log", xlabel="exams", title=title)
        axes.set(xlim=(exams[0], exams[-1]), ylim=(smallest / 1.5, max(map(max, lines.values())) * 1.5))
        axes.xaxis.set_major_locator(FixedLocator(exams))
        axes.xaxis.set_minor_locator(NullLocator())
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        _names(axes, {rule: values[-1] for rule, values in lines.items()}, exams[-1])
    return figure


def _names(axes: Axes, ends: Mapping[str, float], at: float) -> None:
    """Write every rule's name right of the end of its line; names that would touch are moved apart."""
    low, high = map(math.log, axes.get_ylim())
    line = (high - low) / 32
    places: list[float] = []
    for value in sorted(map(math.log, ends.values())):
        places.append(max(value, places[-1] + line) if places else value)
    ceiling = high
    for index in reversed(range(len(places))):  # what went out at the top presses those below it down
        places[index] = min(places[index], ceiling)
        ceiling = places[index] - line
    for (rule, value), place in zip(sorted(ends.items(), key=lambda item: item[1]), places, strict=True):
        axes.annotate(
            rule,
            (at, value),
            (at * 1.25, math.exp(place)),
            fontsize=7.5,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3},
        )
