"""What bf16 does to the masks of networks that were trained in fp32: the demo's model in both, on phantoms."""

import time
from pathlib import Path

import numpy as np

from benchmarks.exam_set import DEMO, exam_set, results_of, settings_of
from benchmarks.quality import MODEL, UNFINISHED, dice_of, is_finished, scores_of
from benchmarks.side_by_side import digits, table
from benchmarks.within_time import COMPUTE, Segments
from hepaflow.model.bundle import Bundle, read_bundle
from hepaflow.model.segmenter import SegmentedExam, Segmenter
from hepaflow.names import STRUCTURES
from hepaflow.phantoms.rendering import write_phantom
from hepaflow.settings.training import Precision


def measure(scratch: Path, further: int) -> str:
    """Segment the demo's test exams and further phantoms with its model; a table of Dice, and the time."""
    settings = settings_of(DEMO)
    results = results_of(settings)
    if not is_finished(results) or settings.phantoms is None:
        return UNFINISHED
    scratch.mkdir(parents=True, exist_ok=True)
    sets = {"the demo's": exam_set(settings, scratch).test, "further ones": {}}
    for number in range(1, further + 1):
        name = f"further-{number:02d}"
        image, label = (scratch / f"{name}.{kind}.nii.gz" for kind in ("image", "label"))
        write_phantom(name, settings.phantoms, image, label)
        sets["further ones"][name] = (image, label)
    bundle, seconds = read_bundle(results / MODEL), {"fp32": 0.0, "bf16": 0.0}
    systems = {"fp32": _timed(bundle, "fp32", seconds), "bf16": _timed(bundle, "bf16", seconds)}
    rows = []
    for words, exams in sets.items():
        dice = dice_of(scores_of(systems, exams))
        for structure in STRUCTURES:
            own = dice.loc[structure].dropna()
            change = own["bf16"] - own["fp32"]
            means = [f"{own[name].mean():.4f}" for name in systems]
            spread = f"{change.mean():+.4f} ({change.min():+.4f} to {change.max():+.4f})"
            rows.append([words, str(len(own)), structure, *means, spread])
    columns = ["phantoms", "exams", "structure", "Dice, fp32", "Dice, bf16", "change, mean (smallest to largest)"]
    spent = " and ".join(f"{digits(seconds[name])} s in {name}" for name in systems)
    return f"{table(columns, rows)}\n\nAll together took {spent}."


def _timed(bundle: Bundle, precision: Precision, seconds: dict[str, float]) -> Segments:
    """Return what segments an exam, and adds up its seconds."""
    segmenter = Segmenter(bundle.predicting_in(precision), COMPUTE)

    def segments(hu: np.ndarray) -> SegmentedExam:
        began = time.perf_counter()
        found = segmenter.segment(hu)
        seconds[precision] += time.perf_counter() - began
        return found

    return segments
