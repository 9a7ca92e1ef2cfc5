"""The page `docs/gpu.md`: what is measured and how, and the tables of a run.

    PYTHONPATH=workflow/scripts:tests python3 -m gpu.page [results/gpu.json]

It needs no package beside Python.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/gpu.md"
RESULTS = ROOT / "results/gpu.json"

HEAD = """\
# On a GPU

`make test-gpu` trains and predicts on this machine's GPU for less than eight minutes (planned for one H100),
checks the results, and writes `results/gpu.json` and this page. Without CUDA it is skipped. These commands do the
same without pytest and the locked environment; the first one says which packages are missing:

    PYTHONPATH=workflow/scripts:tests python3 -m gpu.measure
    PYTHONPATH=workflow/scripts:tests python3 -m gpu.page

`--cpu` runs every part at tiny sizes on the CPU. Its numbers then have no meaning.

## What is measured, and how

The networks are the four of the thesis and those of `modern` in `config/modern.yaml` (if that file is missing, a
U-Net with AdamW on slabs of three slices), with the settings of a run, but from random weights. They see synthetic
slices of 256×256: a body, a liver, lesions, noise. Training and prediction use the code of the workflow's jobs,
each in its own process.

- **Training**: two epochs of six mini-batches, with the batch size of the configuration and four loading
  processes, in fp32, bf16, TF32, and bf16 with channels last. Slices per second are measured in the second epoch
  without its first mini-batch, and the program waits for the GPU after every step; the first epoch is the warm-up.
  Also measured: the share of this time in which steps wait for slices, the peak memory that torch allocates on the
  GPU, and the time to the end of the first step, which includes building the network. *Check*: every loss is
  finite, and the mean loss falls from the first third of the steps to the last.
- **Compiled**: the same in bf16 with `compute.compile`, for `modern` and ResNet152 only, because compiling a
  network takes a minute or more. It happens in the first step.
- **Killed and resumed**: four trainings in fp32, each of three epochs of three mini-batches of four slices. Two
  are undisturbed, one has four loading processes, and one is killed (SIGKILL) in the second mini-batch of the
  second epoch and started again. *Check*: the killed one continues after the first epoch, and it and the one with
  loading processes give the same bytes as the undisturbed one. Jobs ask torch for deterministic algorithms, and
  use others where there are none. If torch names such operations, and the second undisturbed training gives
  different bytes, too, a difference is not a failure, and the table says so.
- **Prediction**: an exam of 128 slices from its file, 64 at once, in every precision, with channels first and
  last. The second pass is timed, with the copy back to main memory. *Check*: masks of eight slices equal those of
  the CPU in fp32 except for undecided pixels, whose logit, as the CPU computes it, is within 0.001 (fp32), 0.02
  (TF32) or 0.08 (bf16) standard deviations of all logits. Because the networks are hardly trained, their logits
  are first shifted so that a tenth of the pixels are foreground.

Parts for which there is no time left are listed as left out. If one part hangs, crashes or runs out of memory, the
others still run. [`benchmarks/images_per_second.py`](slurm.md#gpu-hours) measures the networks of any
configuration, without data.

## Results

"""

UNMEASURED = "Not measured yet.\n"


def page(results: Mapping[str, Any] | None) -> str:
    """Return the page.

    Parameters
    ----------
    results : mapping, or None
        What `gpu.measure` has written; None if nothing has been measured.
    """
    if results is None:
        return HEAD + UNMEASURED
    parts = sorted(results["parts"], key=lambda part: part["network"])  # within a network, in the order of the run
    sections = [_machine(results), _checks(parts), *_left_out(results["left_out"])]
    for title, kinds, rows, columns in TABLES:
        found = [row for part in parts if part["kind"] in kinds and part["figures"] for row in rows(part)]
        if found:
            sections += [f"### {title}", _table(columns, found)]
    return HEAD + "\n\n".join(sections) + "\n"


def _machine(results: Mapping[str, Any]) -> str:
    machine = results["machine"]
    on = (
        f"{machine['gpu']} ({machine['gpu_gib']} GiB)"
        if machine["gpu"]
        else "the CPU, at tiny sizes: no number counts"
    )
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items() if number)
    commit = f", commit {results['commit']}" if results["commit"] else ""
    cuda = f"CUDA {machine['cuda']}, cuDNN {machine['cudnn']}; " if machine["cuda"] else ""
    return (
        f"On {on}, {machine['cores']} CPU cores; {cuda}Python {machine['python']}, {versions}. "
        f"{results['date']}{commit}; {results['seconds']:.0f} s in all. `modern`: {results['modern']}."
    )


def _checks(parts: Sequence[Mapping[str, Any]]) -> str:
    checks = [(part["part"], check) for part in parts for check in part["checks"]]
    failed = [f"- **{name}: {check['what']}**: {check['found']}" for name, check in checks if not check["ok"]]
    told = f"{len(checks) - len(failed)} of {len(checks)} checks hold."
    return "\n".join([told, "", *failed]).rstrip()


def _left_out(left_out: Sequence[Mapping[str, str]]) -> Iterator[str]:
    reasons = dict.fromkeys(one["why"] for one in left_out)
    lines = [f"- {why}: {', '.join(one['part'] for one in left_out if one['why'] == why)}" for why in reasons]
    if lines:
        yield "\n".join(["Left out:", "", *lines])


def _training(part: Mapping[str, Any]) -> Iterator[list[str]]:
    figures = part["figures"]
    yield [
        part["network"],
        part["way"],
        str(figures["batch"]),
        f"{figures['images_per_second']:.1f}",
        f"{figures['waiting']:.1%}",
        f"{figures['gib']:.1f}",
        f"{figures['first_step_seconds']:.0f} s",
        f"{figures['losses'][0]:.3f} → {figures['losses'][-1]:.3f}",
    ]


def _prediction(part: Mapping[str, Any]) -> Iterator[list[str]]:
    for way in part["figures"]["ways"]:
        yield [
            part["network"],
            way["precision"] + (", channels last" if way["channels_last"] else ""),
            f"{way['images_per_second']:.1f}",
            f"{way['gib']:.1f}",
            f"{way['differing']:.4%}",
            f"{way['largest']:.2g}",
        ]


def _resumed(part: Mapping[str, Any]) -> Iterator[list[str]]:
    figures = part["figures"]
    differences = figures["largest_difference"]
    told = ["the same" if same else f"{differences[run]:.1e}" for run, same in figures["equal"].items()]
    yield [part["network"], *told, ", ".join(figures["without_deterministic"]) or "none"]


TABLES: Sequence[
    tuple[str, tuple[str, ...], Callable[[Mapping[str, Any]], Iterator[list[str]]], Sequence[str]]
] = (
    (
        "Training",
        ("training", "compiled"),
        _training,
        (
            "network",
            "arithmetic",
            "at once",
            "slices a second",
            "waits for slices",
            "GiB",
            "first step",
            "loss",
        ),
    ),
    (
        "Killed and resumed: weights beside those of the undisturbed training, or their largest difference",
        ("resumed",),
        _resumed,
        ("network", "undisturbed again", "loading processes", "killed and resumed", "no deterministic algorithm"),
    ),
    (
        "Prediction",
        ("prediction",),
        _prediction,
        (
            "network",
            "arithmetic",
            "slices a second",
            "GiB",
            "other pixels than the CPU",
            "their logits are within",
        ),
    ),
)
"""Title, kinds of parts, rows of a part, and columns of each table."""


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; return the exit status."""
    parser = argparse.ArgumentParser(prog="gpu.page", description=__doc__.partition("\n")[0])
    parser.add_argument("results", type=Path, nargs="?", default=RESULTS, help="default: results/gpu.json")
    parser.add_argument("--page", type=Path, default=PAGE, help="file to write (default: docs/gpu.md)")
    chosen = parser.parse_args(arguments)
    if not chosen.results.exists():
        print(f"{chosen.results}: no such file; `python3 -m gpu.measure` writes it", file=sys.stderr)
        return 2
    results = json.loads(chosen.results.read_text(encoding="utf-8"))
    chosen.page.write_text(page(results), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
