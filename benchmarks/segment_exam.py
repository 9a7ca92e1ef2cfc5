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
from typing import ParamSpec, TypeVar, get_args
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

import hepaflow.model.segmenter
from benchmarks.exam_set import settings_of
from benchmarks.peak_memory import slabs, write_exam
from hepaflow.jobs.run import peak_memory
from hepaflow.masks.fusion import Fusion
from hepaflow.masks.postprocess import clean
from hepaflow.masks.restore import Found, restore
from hepaflow.methods.plan import Step, joined_by, model_of, networks_of, votes_of
from hepaflow.methods.thesis import plan_of
from hepaflow.methods.words import seen_in_words
from hepaflow.model.bundle import read_bundle, write_bundle
from hepaflow.model.members import CARD, LICENCE, PROVENANCE, vote_member, weight_members
from hepaflow.model.segmenter import Segmenter, precision_here
from hepaflow.model.trained import TrainedModel
from hepaflow.names import FUSION, network_member
from hepaflow.networks.network import build_network
from hepaflow.networks.weights import save_weights
from hepaflow.preprocessing.registry import PREPROCESSING
from hepaflow.sampling.predictor import Predictor
from hepaflow.sampling.protocol import Slices
from hepaflow.sampling.registry import SAMPLINGS
from hepaflow.segment.output import write_exam as write_results
from hepaflow.segment.source import read_exam
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.plan import Plan
from hepaflow.settings.training import Precision, PredictSettings
from hepaflow.settings.workflow import Settings
from hepaflow.volumes.axes import Axes
from hepaflow.volumes.box import Box

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

STEPS = {
    "liver_slices": "window, liver slices",
    "resampled": "window, resampling",
    "liver": "liver networks",
    "lesion_slices": "volume of interest, CLAHE, lesion slices",
    "voi_slices": "volume of interest, lesion slices",
    "resampled_voi": "volume of interest, resampling",
    "lesion": "lesion networks",
    "clean": "post-processing",
    "restore": "back to the exam's grid",
}


def settings_of_networks(plan: Plan) -> dict[Step, PredictSettings]:
    """Return the settings of all networks of a plan, in the order of `networks_of`."""
    found = {(method, stage): plan.methods[method][stage].network for method, stage in networks_of(plan)}
    return {step: settings for step, settings in found.items() if settings is not None}


def untrained(settings: PredictSettings) -> nn.Module:
    """Return a network with weights drawn at random."""
    channels = SAMPLINGS[settings.sampling.kind](settings.sampling).channels + bool(settings.with_region)
    return build_network(settings.network, channels)


def untrained_model(folder: Path, settings: Settings | None = None, method: str = FUSION) -> Path:
    """Write the networks of a method, the thesis' if no other, with weights drawn at random, as a model."""
    plan = model_of(plan_of(settings or Settings()), method)
    files = {name: folder / name for name in weight_members(plan)}
    for file in files.values():
        file.parent.mkdir(parents=True, exist_ok=True)
    for (network, stage), planned in settings_of_networks(plan).items():
        save_weights(untrained(planned), files[network_member(stage, network)], "{}")
    for vote, stage in votes_of(plan):
        voters = joined_by(plan.methods[vote][stage])
        Fusion(voters, (1.0,) * len(voters), ()).save(files[vote_member(stage, vote)])
    texts = {PROVENANCE: "{}", CARD: "untrained\n", LICENCE: "none\n"}
    write_bundle(folder / "model.zip", plan, files=files, texts=texts, version="benchmark")
    return folder / "model.zip"


def clocks() -> np.ndarray:
    """Return seconds on the clock, and those of all threads on the processor, which neighbours change less."""
    return np.array([time.perf_counter(), time.process_time()])


@contextmanager
def timed_steps(
    segmenter: Segmenter, plan: Plan, liver: NDArray[np.bool_] | None
) -> Iterator[dict[str, np.ndarray]]:
    """Measure the steps of a segmenter.

    Parameters
    ----------
    segmenter : Segmenter
    plan : Plan
        Of its model.
    liver : ndarray of bool or None
        Takes the place of what is found of the liver; None for what is found.
    """
    seconds: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(2))
    networks = segmenter._predictors.items()
    shown = {predictor: plan.methods[method][stage].structure for (method, stage), predictor in networks}
    drawn, structure = Predictor.map, "liver"

    def timed(name: str, call: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        def run(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
            began = clocks()
            result = call(*arguments, **named)
            seconds[name] += clocks() - began
            return result

        return run

    def draw(
        predictor: Predictor, exam: Slices, progress: Callable[[int], object] | None = None
    ) -> NDArray[np.uint8]:
        nonlocal structure
        structure = shown[predictor]
        return timed(structure, drawn)(predictor, exam, progress)

    def put_back(
        found: Found, box: Box | None, shape: tuple[int, int, int], grid: Axes | None = None
    ) -> NDArray[np.bool_]:
        own = timed("restore", restore)(found, box, shape, grid)
        return liver if structure == "liver" and liver is not None else own

    with (
        patch.multiple(
            hepaflow.model.segmenter,
            PREPROCESSING={kind: timed(kind, call) for kind, call in PREPROCESSING.items()},
            clean=timed("clean", clean),
            restore=put_back,
        ),
        patch.object(Predictor, "map", draw),
    ):
        yield seconds


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

    def step(name: str, call: Callable[[], Result]) -> Result:
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
    with timed_steps(segmenter, chosen.plan, liver) as seconds:
        began = clocks()
        found = segmenter.segment(exam.hu, exam.grid.trusted_spacing)
        segmented = clocks() - began
    rows |= {words: seconds[name] for name, words in STEPS.items() if name in seconds}
    step(
        "write label map, measurements and page",
        lambda: write_results(
            place / "out", exam, found.labels, found.disagreement, threads=torch.get_num_threads()
        ),
    )
    return Measured(chosen, rows, float(segmented[0]))


def networks_in_words(plan: Plan) -> str:
    """Return the architectures of a plan's networks, and what they see."""
    networks = settings_of_networks(plan)
    archs = ", ".join(settings.network.arch for settings in networks.values())
    return f"{archs} at {', '.join(dict.fromkeys(seen_in_words(plan, *step) for step in networks))}"


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
    together = np.sum(list(rows.values()), axis=0)
    lines = [
        f"{chosen.slices} slices of 512×512; {networks_in_words(plan)} in {found.model.precision}; "
        f"{torch.get_num_threads()} threads",
        "",
        "| step | seconds | of the processor, all threads |",
        "|---|---|---|",
        *(f"| {name} | {wall:.1f} | {processor:.1f} |" for name, (wall, processor) in rows.items()),
        f"| **together** | **{together[0]:.0f}** | **{together[1]:.0f}** |",
        "",
        f"Peak memory {peak_memory() / 1024:.1f} GiB.",
    ]
    print("\n".join(lines))
    if chosen.out:
        chosen.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
