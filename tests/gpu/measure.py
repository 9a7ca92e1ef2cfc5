"""Check and measure trainings and predictions on a GPU, within eight minutes, into a JSON file.

    PYTHONPATH=workflow/scripts:tests python3 -m gpu.measure

It needs neither pytest nor the locked environment, and says at once which packages are missing. With `--cpu`
every part runs at tiny sizes on the CPU: its numbers mean nothing. What does not fit into the time is listed as
left out. `python3 -m gpu.page` turns the file into docs/gpu.md. The exit status is 1 if a check failed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpu.needed import missing
from gpu.scale import KINDS, ON_GPU, TINY, Scale

if TYPE_CHECKING:
    from gpu.parts import Measurement, Part

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results/gpu.json"
NOT_ASKED = "not asked for"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="gpu.measure", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="file to write (default: results/gpu.json)")
    parser.add_argument("--cpu", action="store_true", help="tiny sizes on the CPU")
    parser.add_argument("--seconds", type=int, help=f"budget (default: {ON_GPU.seconds}; --cpu: {TINY.seconds})")
    parser.add_argument("--size", type=int, help="rows and columns (default: 256; --cpu: 32, too few for some)")
    parser.add_argument("--networks", nargs="+", metavar="NAME", help="some of the networks (default: all)")
    parser.add_argument("--parts", nargs="+", choices=KINDS, default=list(KINDS), help="some kinds of parts")
    chosen = parser.parse_args(arguments)
    if absent := missing():
        print(f"missing here, so nothing was measured: {', '.join(absent)}", file=sys.stderr)
        return 2
    scale = TINY if chosen.cpu else ON_GPU
    scale = replace(scale, seconds=chosen.seconds or scale.seconds, size=chosen.size or scale.size)
    with tempfile.TemporaryDirectory(prefix="hepaflow-measured-") as folder:
        return _measure(Path(folder), chosen, scale, parser)


def _measure(folder: Path, chosen: argparse.Namespace, scale: Scale, parser: argparse.ArgumentParser) -> int:
    from gpu.children import EndedError, TimeOverError
    from gpu.methods import networks
    from gpu.parts import Measurement, deadline, parts_of

    began, until = time.monotonic(), deadline(scale.seconds)
    settings, modern = networks()
    if unknown := set(chosen.networks or ()) - settings.keys():
        parser.error(f"no such network: {', '.join(sorted(unknown))}; there are {', '.join(settings)}")
    print(f"modern: {modern}", flush=True)
    try:
        machine = _child(folder, "machine", until)
        if not chosen.cpu and machine["gpu"] is None:
            print("no CUDA device, so nothing was measured; --cpu runs every part at tiny sizes", file=sys.stderr)
            return 2
        slices = _slices(folder, {name: one.training.batch_size for name, one in settings.items()}, scale, until)
    except (EndedError, TimeOverError) as error:
        print(f"nothing was measured: {error or 'the time was over'}", file=sys.stderr)
        return 2
    measurement = Measurement(folder, settings, scale, slices)
    results: dict[str, Any] = {
        "format": 1,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": _commit(),
        "machine": machine,
        "modern": modern,
        "scale": asdict(scale),
        "seconds": 0.0,
        "parts": [],
        "left_out": [],
    }
    for part in parts_of(list(settings), scale):
        if part.kind in chosen.parts and part.network in (chosen.networks or settings):
            _add(results, part, measurement, until, part.limit * scale.patience)
        else:
            results["left_out"].append({"part": part.name, "why": NOT_ASKED})
        results["seconds"] = round(time.monotonic() - began, 1)
        _write(chosen.out, results)
    late = [one["part"] for one in results["left_out"] if one["why"] != NOT_ASKED]
    print(f"{results['seconds']:.0f} s, {chosen.out}; left out for want of time: {', '.join(late) or 'nothing'}")
    return int(any(not check["ok"] for part in results["parts"] for check in part["checks"]))


def _slices(folder: Path, batches: Mapping[str, int], scale: Scale, until: float) -> dict[str, list[str]]:
    """Write all slices; return their files by what they are for."""
    trained = {name: scale.steps * (scale.batch or batch) for name, batch in batches.items()}
    trained["resumed"] = scale.resumed_steps * scale.resumed_batch
    alone = {"predicted": scale.predicted, "compared": scale.compared}
    found: dict[str, list[str]] = {}
    for exams, slices in ((2, trained), (1, alone)):
        found |= _child(folder, "write", until, folder=folder, slices=slices, size=scale.size, exams=exams)
    return found


def _child(folder: Path, function: str, until: float, /, **arguments: Any) -> Any:
    from gpu.children import Child

    return Child(folder, function, function, **arguments).result(until)


def _add(results: dict[str, Any], part: Part, measurement: Measurement, until: float, limit: float) -> None:
    """Run a part and add what it finds, or why it is left out; and print it.

    Parameters
    ----------
    until : float
        `time.monotonic()` at which all ends.
    limit : float
        Seconds after which the part is stopped, and has failed.
    """
    from gpu.children import TimeOverError
    from gpu.parts import Check, Found

    began = time.monotonic()
    left = until - began
    if left < part.usual:
        why = f"{left:.0f} s were left, and it takes about {part.usual:.0f}"
        results["left_out"].append({"part": part.name, "why": why})
        return
    try:
        found = measurement.run(part, began + min(left, limit))
    except TimeOverError:
        if left < limit:
            results["left_out"].append({"part": part.name, "why": f"stopped, as {left:.0f} s were left"})
            return
        found = Found(checks=[Check("runs", False, f"stopped after {limit:.0f} s")])
    seconds = round(time.monotonic() - began, 1)
    told = {"part": part.name, "kind": part.kind, "network": part.network, "way": part.way, "seconds": seconds}
    results["parts"].append({**told, **asdict(found)})
    print(f"{part.name}: {seconds} s", flush=True)
    for check in found.checks:
        print(f"  {'ok' if check.ok else 'FAILED'}  {check.what}: {check.found}", flush=True)


def _write(path: Path, results: dict[str, Any]) -> None:
    """Write what is known so far, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    os.replace(partial, path)


def _commit() -> str | None:
    """Return the commit of this checkout; None where there is none."""
    try:
        told = subprocess.run(
            ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return told.stdout.strip() or None


if __name__ == "__main__":
    sys.exit(main())
