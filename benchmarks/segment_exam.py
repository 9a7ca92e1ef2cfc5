"""Measure the seconds of each step, and the memory, of segmenting one exam on the CPU.

    python -m benchmarks.segment_exam [--model MODEL.zip] [--precision bf16] [--slices 134] [--out TABLE.md]

The exam is synthetic, 512×512 pixels a slice. Without a model, it is the thesis' eight networks at 256×256 with
weights drawn at random. Their time is that of trained ones, but their masks are not, so the liver of the synthetic
exam takes the place of what they find: the lesion networks then see as many slices as of a patient.
"""

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch

import hepaflow.model.segmenter
from benchmarks.peak_memory import slabs, write_exam
from hepaflow.jobs.run import peak_memory
from hepaflow.masks.fusion import Fusion
from hepaflow.methods.plan import model_of, networks_of, votes_of
from hepaflow.methods.thesis import plan_of
from hepaflow.model.bundle import read_bundle, write_bundle
from hepaflow.model.members import CARD, LICENCE, PROVENANCE, SETTINGS, network_member, vote_member, weight_members
from hepaflow.model.segmenter import Segmenter
from hepaflow.names import FUSION
from hepaflow.networks.network import build_network
from hepaflow.networks.weights import save_weights
from hepaflow.sampling.predictor import Predictor
from hepaflow.segment.output import write_exam as write_results
from hepaflow.segment.source import read_exam
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.training import Precision
from hepaflow.settings.workflow import Settings

STEPS = {
    "liver_slices": "window, liver slices",
    "liver": "liver networks",
    "lesion_slices": "volume of interest, CLAHE, lesion slices",
    "lesion": "lesion networks",
    "clean": "post-processing",
    "restore": "back to the exam's grid",
}


def untrained_model(folder: Path) -> Path:
    """Write the thesis' networks, with weights drawn at random, as a model."""
    plan = model_of(plan_of(Settings()), FUSION)
    files = {name: folder / name for name in weight_members(plan)}
    for file in files.values():
        file.parent.mkdir(parents=True, exist_ok=True)
    for network, stage in networks_of(plan):
        untrained = build_network(plan.methods[network][stage].network.network)
        save_weights(untrained, files[network_member(stage, network)], "{}")
    for vote, stage in votes_of(plan):
        voters = plan.methods[vote][stage].vote.of
        Fusion(voters, (1.0,) * len(voters), ()).save(files[vote_member(stage, vote)])
    texts = {SETTINGS: plan.canonical(), PROVENANCE: "{}", CARD: "untrained\n", LICENCE: "none\n"}
    write_bundle(folder / "model.zip", files=files, texts=texts, version="benchmark")
    return folder / "model.zip"


def clocks() -> np.ndarray:
    """Return seconds on the clock, and those of all threads on the processor, which neighbours change less."""
    return np.array([time.perf_counter(), time.process_time()])


@contextmanager
def timed_steps(liver: np.ndarray | None) -> Iterator[dict[str, np.ndarray]]:
    """Measure the steps of a segmenter; a liver, if there is one, takes the place of what is found of it."""
    seconds: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(2))
    module: Any = hepaflow.model.segmenter
    before = {name: getattr(module, name) for name in ("PREPROCESSING", "clean", "restore")}
    drawn, stage = Predictor.map, "liver"

    def timed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            nonlocal stage
            began = clocks()
            result = call(*arguments)
            stage = "lesion" if name == "lesion_slices" else stage
            seconds[name or stage] += clocks() - began
            return liver if name == "restore" and stage == "liver" and liver is not None else result

        return run

    module.PREPROCESSING = {kind: timed(kind, call) for kind, call in before["PREPROCESSING"].items()}
    module.clean, module.restore = (timed(name, before[name]) for name in ("clean", "restore"))
    Predictor.map = timed("", drawn)  # type: ignore[method-assign]
    try:
        yield seconds
    finally:
        for name, value in before.items():
            setattr(module, name, value)
        Predictor.map = drawn  # type: ignore[method-assign]


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", type=Path, help="hepaflow-model.zip (default: the thesis' networks, untrained)")
    parser.add_argument("--precision", choices=get_args(Precision), help="of the networks (default: the model's)")
    parser.add_argument("--slices", type=int, default=134)
    parser.add_argument("--out", type=Path, help="file for the table")
    chosen = parser.parse_args()
    rows: dict[str, np.ndarray] = {}

    def step(name: str, call: Callable[[], Any]) -> Any:
        began = clocks()
        result = call()
        rows[name] = clocks() - began
        return result

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_exam(place, "exam", 512, chosen.slices)
        liver = None
        if not chosen.model:
            untrained_model(place)
            liver = np.stack([labels for _, labels in slabs(512, chosen.slices)]) > 0
        compute = ComputeSettings(accelerator="cpu", workers=0)
        exam = step("read", lambda: read_exam(place / "exam.nii.gz", name="exam"))
        bundle = read_bundle(chosen.model or place / "model.zip")
        model = bundle.predicting_in(chosen.precision or bundle.precision)
        segmenter = step("load the networks", lambda: Segmenter(model, compute, show=True))
        with timed_steps(liver) as seconds:
            found = segmenter.segment(exam.hu)
        rows |= {words: seconds[name] for name, words in STEPS.items()}
        step(
            "write label map, measurements and page",
            lambda: write_results(place / "out", exam, found.labels, found.disagreement),
        )
    plan = model.plan
    archs = {name: plan.methods[name][stage].network.network.arch for name, stage in networks_of(plan)}
    networks, size = ", ".join(archs.values()), plan.data["liver"].preprocess.preprocessing.size
    lines = [
        f"{chosen.slices} slices of 512×512; twice {networks} at {size}×{size} in {model.precision}; "
        f"{torch.get_num_threads()} threads",
        "",
        "| step | seconds | of the processor, all threads |",
        "|---|---|---|",
        *(f"| {name} | {wall:.1f} | {processor:.1f} |" for name, (wall, processor) in rows.items()),
        "| **together** | **{:.0f}** | **{:.0f}** |".format(*sum(rows.values())),
        "",
        f"Peak memory {peak_memory() / 1024:.1f} GiB.",
    ]
    print("\n".join(lines))
    if chosen.out:
        chosen.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
