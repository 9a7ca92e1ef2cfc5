"""Measure every rule's peak memory on an exam of a given size: python benchmarks/peak_memory.py --slices 1000.

A copy of the project runs as a whole, on the CPU, with one small exam to train on and one large exam to score, and
four networks. Every job notes its own peak of resident memory in its record; the table gives the largest of each
rule. Networks are small ones: what training and prediction take with the thesis' networks depends on these, and on
the batch size, rather than on the exam.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import nibabel as nib
import numpy as np
import yaml

ROOT = Path(__file__).parents[1]
AFFINE = np.diag([-0.7, -0.7, 1.0, 1])

CONFIG = {
    "results": "results/benchmark",
    "data": "exams",
    "exams": "config/exams/benchmark.tsv",
    "backbones": {name: {"arch": "unet", "weights": "none"} for name in ("first", "second", "third", "fourth")},
    "training": {"liver": {"epochs": 1, "batch_size": 8}, "lesion": {"epochs": 1, "batch_size": 8}},
    "compute": {"accelerator": "cpu", "workers": 0},
}


def slabs(size: int, slices: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield HU and labels of an exam, slice by slice: a body, a liver of the usual share, and some lesions."""
    rows, columns = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j].astype(np.float32)
    body = rows**2 / 0.5 + columns**2 / 0.8 < 1
    noise = np.random.default_rng(0).normal(0, 12, (4, size, size)).astype(np.float32)
    for place in np.linspace(-1, 1, slices):
        labels = np.zeros((size, size), np.uint8)
        radius = np.sqrt(max(0.0, 1 - (place / 0.4) ** 2))
        labels[((rows + 0.1) / 0.4) ** 2 + ((columns + 0.3) / 0.45) ** 2 < radius**2] = 1
        for row, column in ((-0.2, -0.4), (0.05, -0.2), (-0.1, -0.5)):
            spot = ((rows - row) / 0.06) ** 2 + ((columns - column) / 0.06) ** 2 < radius - 0.5
            labels[spot & (labels == 1)] = 2
        hu = np.where(body, 40, -1000) + np.array([0, 60, 10], np.float32)[labels]
        yield np.rint(hu + noise[int(slices * place) % 4]).astype(np.int16), labels


def write_exam(folder: Path, name: str, size: int, slices: int) -> None:
    """Write image and label of an exam; columns count to the left, rows to posterior."""
    hu, labels = np.empty((size, size, slices), np.int16), np.empty((size, size, slices), np.uint8)
    for index, (image, label) in enumerate(slabs(size, slices)):
        hu[:, :, index], labels[:, :, index] = image.T, label.T
    nib.openers.Opener.default_compresslevel = 1
    nib.save(nib.Nifti1Image(hu, AFFINE), folder / f"{name}.nii.gz")
    nib.save(nib.Nifti1Image(labels, AFFINE), folder / f"{name}.label.nii.gz")


def run(folder: Path, size: int, slices: int) -> dict[str, tuple[int, float]]:
    """Run the workflow; return the peak in MiB and the seconds of the largest job of every rule."""
    for part in ("Snakefile", "LICENSE", "workflow", "config", "profiles"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part)
    (folder / "exams").mkdir()
    write_exam(folder / "exams", "small", size, 8)
    write_exam(folder / "exams", "large", size, slices)
    rows = [f"{name}\t{name}.nii.gz\t{name}.label.nii.gz\t{split}" for name, split in
            (("small", "train"), ("large", "test"))]  # fmt: skip
    (folder / "config/exams/benchmark.tsv").write_text("\n".join(["exam\timage\tlabel\tsplit", *rows]) + "\n")
    (folder / "config/benchmark.yaml").write_text(yaml.safe_dump(CONFIG))
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--configfile", "config/benchmark.yaml"]
    subprocess.run([*command, "--quiet", "progress"], cwd=folder, check=True)
    peaks: dict[str, tuple[int, float]] = {}
    for path in (folder / "results/benchmark/records").rglob("*.json"):
        record = json.loads(path.read_text())
        own = (record["peak_memory_mib"], record["seconds"])
        peaks[record["rule"]] = max(own, peaks.get(record["rule"], (0, 0.0)))
    return peaks


def table(peaks: dict[str, tuple[int, float]], size: int, slices: int) -> str:
    """Return the measurement as Markdown."""
    lines = [
        f"Resident memory of the largest job of every rule, with one exam of {size}×{size}×{slices} voxels,",
        f"measured by `python benchmarks/peak_memory.py --slices {slices}` with small networks, and that job's",
        "time (two cores, busy with other things, too).",
        "",
        "| rule | peak, MiB | seconds |",
        "|---|---|---|",
    ]
    lines += [f"| `{rule}` | {peak} | {seconds:.0f} |" for rule, (peak, seconds) in
              sorted(peaks.items(), key=lambda item: (-item[1][0], item[0]))]  # fmt: skip
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print the table, and write it to `--out`; docs/faults.md takes benchmarks/peak_memory.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=1000)
    parser.add_argument("--size", type=int, default=512, help="rows and columns (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="file for the table, for instance benchmarks/peak_memory.md")
    chosen = parser.parse_args()
    with TemporaryDirectory() as folder:
        text = table(run(Path(folder), chosen.size, chosen.slices), chosen.size, chosen.slices)
    print(text)
    if chosen.out:
        chosen.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
