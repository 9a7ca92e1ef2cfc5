"""One exam on the CPU: `modern` beside nnU-Net's predictor, and beside the thesis' eight networks.

    python -m benchmarks.modern_exam [--slices 134] [--rounds 3] [--configfile config/modern.yaml]

Each is measured in a process of its own, so that its peak memory is its own, too. Weights are drawn at random. The
exam is synthetic, 512×512 pixels a slice, as in `benchmarks.segment_exam`. nnU-Net sees it at its full size, as it
plans for such slices, with a plain U-Net of its own kind whose channels are chosen so that it has about as many
parameters as one network of `modern`; it finds liver and lesions at once.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from benchmarks import nnunet
from benchmarks.exam_set import MODERN, ROOT, settings_of
from benchmarks.fitting import nearest
from benchmarks.peak_memory import slabs
from benchmarks.segment_exam import measured, settings_of_networks, untrained, untrained_model
from benchmarks.side_by_side import COLUMNS, Comparison, in_turn, stopwatch, table
from hepaflow.jobs.run import peak_memory
from hepaflow.methods.plan import model_of
from hepaflow.methods.thesis import plan_of
from hepaflow.names import FUSION
from hepaflow.preprocessing.slices import FULL, SliceStack
from hepaflow.settings.workflow import Settings
from hepaflow.volumes.box import Box

CONFIG = ROOT / "config" / "modern.yaml"
SIDE = 512
WIDTHS = range(2, 65)
"""Channels of the first level that nnU-Net's network may have; they double up to sixteen times as many."""
LIMIT = 40.0
"""Seconds that an exam of 134 slices may take with `modern`, from file to page."""
Told = dict[str, float]


def measure(scratch: Path, slices: int, rounds: int, configuration: Path = CONFIG) -> str:
    """Measure each in processes of its own; a table in Markdown, or what is missing."""
    if not configuration.is_file() or MODERN not in settings_of(configuration).cascades:
        return (
            f"Not measured: there is no `{configuration.name}` with a method `{MODERN}`. Name a configuration "
            "that has it: `python -m benchmarks.modern_exam --configfile FILE`."
        )
    told: dict[str, list[Told]] = {}

    def alone(which: str, seconds: str) -> Callable[[], float]:
        def work() -> float:
            told.setdefault(which, []).append(_alone(which, slices, configuration))
            return told[which][-1][seconds]

        return work

    def beside(rival: str, whose: str, seconds: str, aim: str, rounds: int) -> Comparison:
        return in_turn(
            f"an exam of {slices} slices of {SIDE}×{SIDE}: `{MODERN}`, {WORDS[seconds]}",
            whose,
            aim,
            alone(MODERN, seconds),
            alone(rival, seconds),
            rounds=rounds,
            warm=False,
            clock=lambda work: work(),
        )

    found = []
    if nnunet.is_installed():
        # Once, for a run takes ten minutes.
        found.append(beside("nnunet", "nnU-Net's predictor, as it comes", "segmented", "≥ 1", 1))
        found.append(beside("unmirrored", "nnU-Net's predictor, not mirrored", "segmented", "", rounds))
    found.append(beside(FUSION, "the thesis' eight networks", "together", f"under {LIMIT:.0f} s", 1))
    peaks = "; ".join(
        f"{NAMES[which]} {max(one['mib'] for one in runs) / 1024:.1f} GiB, networks of "
        f"{runs[0]['parameters'] / 1e6:.1f} million parameters"
        for which, runs in told.items()
    )
    missing = "" if nnunet.is_installed() else " nnU-Net was not measured: `make bench` installs it."
    return f"{table(COLUMNS, [one.row() for one in found])}\n\nPeak memory: {peaks}.{missing}"


WORDS = {"segmented": "from CT values to label map", "together": "from file to page"}
NAMES = {
    MODERN: f"`{MODERN}`",
    "nnunet": "nnU-Net's predictor",
    "unmirrored": "nnU-Net's predictor, not mirrored,",
    FUSION: "the thesis' networks",
}


def _alone(which: str, slices: int, configuration: Path) -> Told:
    """Measure one in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.modern_exam", "--alone", which, "--slices", str(slices)]
    done = subprocess.run(
        [*command, "--configfile", str(configuration.absolute())],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: Told = json.loads(done.stdout.splitlines()[-1])
    return found


def _ours(scratch: Path, settings: Settings, method: str, slices: int) -> Told:
    model = untrained_model(scratch, settings, method)
    found = measured(scratch, model, slices=slices, trained=False, precision=None)
    together = float(sum(wall for wall, _ in found.rows.values()))
    return {"segmented": found.segmented, "together": together, "parameters": _largest(settings, method)}


def _largest(settings: Settings, method: str) -> int:
    """Return the parameters of the largest network of a method, or of all that are fused."""
    networks = settings_of_networks(model_of(plan_of(settings), method))
    with torch.device("meta"):
        return max(nnunet.parameters(untrained(network)) for network in networks.values())


def _nnunets(scratch: Path, parameters: int, slices: int, *, mirrored: bool) -> Told:
    """Let nnU-Net's predictor segment the exam with a network of about so many parameters."""
    if not nnunet.is_installed():
        raise SystemExit("nnU-Net is not installed (`make bench` installs it)")
    planned = nnunet.plan([_training_slices(scratch / "exam.safetensors")], scratch / "nnunet")
    with torch.device("meta"):
        width = nearest(parameters, WIDTHS, lambda width: nnunet.parameters(planned.network(width)))
    network = planned.network(width).eval()
    segments = planned.segmenting(network, mirrored=mirrored)
    hu = np.stack([hu for hu, _ in slabs(SIDE, slices)]).astype(np.float32)
    segments(hu[:1])
    return {"segmented": stopwatch(lambda: segments(hu)), "parameters": nnunet.parameters(network)}


def _training_slices(path: Path) -> Path:
    """Write a few slices with a liver, for nnU-Net to plan for."""
    hu, labels = (np.stack(part) for part in zip(*islice(slabs(SIDE, 20), 8, 12), strict=True))
    image = (np.clip((hu + 200) / 400, 0, 1) * FULL).astype(np.uint16)
    SliceStack(image, labels > 0, Box.whole(image.shape), image.shape).save(path)
    return path


def _measured_alone(which: str, slices: int, configuration: Path) -> Told:
    settings = settings_of(configuration)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if which == MODERN:
            found = _ours(scratch, settings, MODERN, slices)
        elif which == FUSION:
            found = _ours(scratch, Settings(), FUSION, slices)
        else:
            found = _nnunets(scratch, _largest(settings, MODERN), slices, mirrored=which == "nnunet")
    return found | {"mib": peak_memory()}


def main(given: Sequence[str] | None = None) -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--slices", type=int, default=134)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--configfile", type=Path, default=CONFIG, help="with the method (default: %(default)s)")
    parser.add_argument("--alone", choices=NAMES, help="measure this one alone, in this process, and print JSON")
    chosen = parser.parse_args(given)
    if chosen.alone:
        print(json.dumps(_measured_alone(chosen.alone, chosen.slices, chosen.configfile)))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(measure(Path(folder), chosen.slices, chosen.rounds, chosen.configfile))


if __name__ == "__main__":
    main()
