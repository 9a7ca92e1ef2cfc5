"""Measure the seconds of each step, and the memory, of segmenting one exam on the CPU.

    python -m benchmarks.segment_exam [--model MODEL.zip] [--configfile FILE --method NAME] [--precision bf16]
        [--slices 134] [--out TABLE.md]

The exam is synthetic, 512×512 pixels a slice. Without a model, it is the thesis' eight networks at 256×256, or the
method of a configuration, with weights drawn at random. Their time is that of trained ones, but their masks are
not, so the liver of the synthetic exam takes the place of what they find: the lesion networks then see as many
slices as of a patient.
"""

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch

import hepaflow.model.segmenter
from benchmarks.exam_set import settings_of
from benchmarks.peak_memory import slabs, write_exam
from hepaflow.jobs.run import peak_memory
from hepaflow.masks.fusion import Fusion
from hepaflow.methods.plan import model_of, networks_of, votes_of
from hepaflow.methods.thesis import plan_of
from hepaflow.model.bundle import read_bundle, write_bundle
from hepaflow.model.members import CARD, LICENCE, PROVENANCE, vote_member, weight_members
from hepaflow.model.segmenter import Segmenter, precision_here
from hepaflow.model.trained import TrainedModel
from hepaflow.names import FUSION, network_member
from hepaflow.networks.network import build_network
from hepaflow.networks.weights import save_weights
from hepaflow.preprocessing.registry import AROUND_A_REGION
from hepaflow.sampling.predictor import Predictor
from hepaflow.sampling.registry import SAMPLINGS
from hepaflow.segment.output import write_exam as write_results
from hepaflow.segment.source import read_exam
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.plan import Plan
from hepaflow.settings.training import Precision
from hepaflow.settings.workflow import Settings

STEPS = {
    "liver_slices": "window, liver slices",
    "liver": "liver networks",
    "lesion_slices": "volume of interest, CLAHE, lesion slices",
    "voi_slices": "volume of interest, lesion slices",
    "lesion": "lesion networks",
    "clean": "post-processing",
    "restore": "back to the exam's grid",
}


def untrained_model(folder: Path, settings: Settings | None = None, method: str = FUSION) -> Path:
    """Write the networks of a method, the thesis' if no other, with weights drawn at random, as a model."""
    plan = model_of(plan_of(settings or Settings()), method)
    files = {name: folder / name for name in weight_members(plan)}
    for file in files.values():
        file.parent.mkdir(parents=True, exist_ok=True)
    for network, stage in networks_of(plan):
        planned = plan.methods[network][stage].network
        untrained = build_network(planned.network, SAMPLINGS[planned.sampling.kind](planned.sampling).channels)
        save_weights(untrained, files[network_member(stage, network)], "{}")
    for vote, stage in votes_of(plan):
        voters = plan.methods[vote][stage].vote.of
        Fusion(voters, (1.0,) * len(voters), ()).save(files[vote_member(stage, vote)])
    texts = {PROVENANCE: "{}", CARD: "untrained\n", LICENCE: "none\n"}
    write_bundle(folder / "model.zip", plan, files=files, texts=texts, version="benchmark")
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
        def run(*arguments: Any, **named: Any) -> Any:
            nonlocal stage
            began = clocks()
            result = call(*arguments, **named)
            stage = "lesion" if name in AROUND_A_REGION else stage
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


@dataclass(frozen=True)
class Measured:
    """An exam that was segmented.

    Attributes
    ----------
    model : TrainedModel
    rows : dict of str to ndarray
        Seconds of each step, on the clock and of all threads on the processor.
    segmented : float
        Seconds on the clock from CT values to label map, both in memory.
    """

    model: TrainedModel
    rows: dict[str, np.ndarray]
    segmented: float


def measured(place: Path, model: Path, *, slices: int, trained: bool, precision: Precision | None) -> Measured:
    """Segment a synthetic exam, from its file to label map, measurements and page.

    Parameters
    ----------
    place : Path
        Folder for files.
    model : Path
    slices : int
        Of the exam.
    trained : bool
        Whether what the model finds of the liver counts, and not the exam's own.
    precision : {'fp32', 'tf32', 'bf16'} or None
        Of the networks; None for what `hepaflow segment` takes.
    """
    rows: dict[str, np.ndarray] = {}

    def step(name: str, call: Callable[[], Any]) -> Any:
        began = clocks()
        result = call()
        rows[name] = clocks() - began
        return result

    write_exam(place, "exam", 512, slices)
    liver = None if trained else np.stack([labels for _, labels in slabs(512, slices)]) > 0
    compute = ComputeSettings(accelerator="cpu", workers=0)
    exam = step("read", lambda: read_exam(place / "exam.nii.gz", name="exam"))
    bundle = read_bundle(model)
    chosen = bundle.predicting_in(precision or precision_here(bundle.precision, compute))
    segmenter = step("load the networks", lambda: Segmenter(chosen, compute, show=True))
    with timed_steps(liver) as seconds:
        began = clocks()
        found = segmenter.segment(exam.hu, exam.grid.trusted_spacing)
        segmented = clocks() - began
    rows |= {words: seconds[name] for name, words in STEPS.items() if name in seconds}
    step(
        "write label map, measurements and page",
        lambda: write_results(place / "out", exam, found.labels, found.disagreement),
    )
    return Measured(chosen, rows, float(segmented[0]))


def _sizes(plan: Plan) -> set[int]:
    return {data.preprocess.preprocessing.size for data in plan.data.values()}


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", type=Path, help="hepaflow-model.zip (default: the thesis' networks, untrained)")
    parser.add_argument("--configfile", type=Path, help="configuration with the method, which is not trained")
    parser.add_argument("--method", default=FUSION, help="of the configuration (default: %(default)s)")
    parser.add_argument("--precision", choices=get_args(Precision), help="of the networks (default: the model's)")
    parser.add_argument("--slices", type=int, default=134)
    parser.add_argument("--out", type=Path, help="file for the table")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        settings = settings_of(chosen.configfile) if chosen.configfile else None
        found = measured(
            place,
            chosen.model or untrained_model(place, settings, chosen.method),
            slices=chosen.slices,
            trained=chosen.model is not None,
            precision=chosen.precision,
        )
    plan, rows = found.model.plan, found.rows
    networks = [plan.methods[name][stage].network.network.arch for name, stage in networks_of(plan)]
    sizes = ", ".join(f"{one}×{one}" for one in sorted(_sizes(plan)))
    lines = [
        f"{chosen.slices} slices of 512×512; {', '.join(networks)} at {sizes} in {found.model.precision}; "
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
