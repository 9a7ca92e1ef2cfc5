"""All metrics of one exam, beside medpy and MONAI."""

from pathlib import Path

import numpy as np
import torch
from medpy.metric import binary
from monai.metrics.hausdorff_distance import compute_hausdorff_distance
from monai.metrics.meandice import compute_dice
from monai.metrics.surface_distance import compute_average_surface_distance

from benchmarks.exams import write_exam
from benchmarks.scale import Scale
from benchmarks.side_by_side import Comparison, in_turn
from hepaflow.evaluation.exam import Scores, segmentation_of
from hepaflow.names import STRUCTURES
from hepaflow.volumes.labels import read_labels
from hepaflow.volumes.volume import read_grid

SHIFT = 2
"""Voxels by which the prediction is beside the reference, along rows and columns."""


def measure(scratch: Path, scale: Scale) -> list[Comparison]:
    """Compare what a rival computes of the liver and the lesion with all that we compute of them."""
    image, label = write_exam(scratch, scale.slices)
    grid = read_grid(image)
    labels, _ = read_labels(label, exam="", image=grid)
    count = scale.lesion_slices // 4
    labels = labels[len(labels) // 2 - count // 2 :][:count]
    moved = np.roll(labels, (SHIFT, SHIFT), axis=(1, 2))
    spacing = grid.spacing
    reference, prediction = segmentation_of(labels), segmentation_of(moved)
    pairs = [(prediction[structure], reference[structure]) for structure in STRUCTURES]

    def ours() -> Scores:
        scores = Scores("exam", reference, spacing)
        scores.add("method", "raw", prediction)
        return scores

    def by_medpy() -> list[list[float]]:
        return [
            [
                binary.dc(found, known),
                binary.jc(found, known),
                binary.ravd(found, known),
                binary.precision(found, known),
                binary.recall(found, known),
                binary.assd(found, known, spacing, connectivity=2),
                binary.hd(found, known, spacing, connectivity=2),
                binary.hd95(found, known, spacing, connectivity=2),
            ]
            for found, known in pairs
        ]

    def by_monai() -> list[list[float]]:
        results = []
        for found, known in pairs:
            one, other = (torch.from_numpy(mask)[None, None] for mask in (found, known))
            results.append(
                [
                    float(compute_dice(one, other)),
                    float(compute_average_surface_distance(one, other, symmetric=True, spacing=spacing)),
                    float(compute_hausdorff_distance(one, other, spacing=spacing)),
                    float(compute_hausdorff_distance(one, other, percentile=95, spacing=spacing)),
                ]
            )
        return results

    frame = ours().metrics()
    table = frame[frame["structure"] == "liver"].set_index("metric")["value"]
    difference = abs(float(table["assd_mm"]) - by_medpy()[0][5])
    if difference > 1e-6:
        raise AssertionError(f"medpy's average surface distance differs by {difference} mm")
    what = f"all metrics of liver and lesion, 512×512×{count}"
    note = "and lesion detection, burden and RMSD on our side"
    return [
        in_turn(
            what,
            "medpy: Dice, Jaccard, RVD, precision, recall, ASSD, HD, HD95",
            "≥ 4",
            ours,
            by_medpy,
            rounds=min(scale.rounds, 3),
            note=f"{note}; ASSD differs by {difference:.0e} mm",
            warm=False,
        ),
        in_turn(
            what,
            "MONAI: Dice, ASD, HD, HD95",
            "≥ 4",
            ours,
            by_monai,
            rounds=min(scale.rounds, 3),
            note=f"{note}; MONAI's surfaces are others (6 neighbours)",
            warm=False,
        ),
    ]
