"""The single lesions of an exam: which of the reference a method finds, and which of its own are false alarms.

Lesions are counted and paired as `metrics.detection` does: 6-connected regions, one to one.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from hepaflow.evaluation.metrics.detection import THRESHOLDS, intersections_over_unions
from hepaflow.volumes.box import Box, bounding_box
from hepaflow.volumes.lesions import find_lesions, label_lesions
from hepaflow.volumes.steps import Steps

Mask = NDArray[np.bool_]

REFERENCE, MASK = "reference", "mask"
"""Whose a lesion is."""

FOUND: Mapping[str, str] = {name: f"found_{name}" for name in THRESHOLDS}
"""Columns that say whether a lesion has a partner whose intersection over union lies above a threshold."""

LESION_COLUMNS = (
    "exam",
    "method",
    "of",
    "lesion",
    "slice",
    "voxels",
    "volume_ml",
    "diameter_mm",
    "iou",
    "covered",
    *FOUND.values(),
)
"""One row for an exam, a method and a lesion of the reference or of the method's mask."""


def lesions_of_exam(
    exam: str, masks: Iterable[tuple[str, Mask]], reference: Mask, steps: Steps | None
) -> pd.DataFrame:
    """Hold the lesions of every method's mask against those of the reference.

    Parameters
    ----------
    exam : str
    masks : iterable of (str, ndarray of bool)
        Methods by name, with their masks of all lesions; taken one by one.
    reference : ndarray of bool, shape (slices, rows, columns)
    steps : Steps or None
        Distances between slices, rows and columns in mm, or the steps of a sheared grid; None where they cannot be
        trusted.

    Returns
    -------
    DataFrame
        For each method a row for every lesion of the reference, then one for every lesion of its mask, the largest
        first: its number (from 1) and the slice (from 1 and the feet) in which it is largest; voxels; ml and mm,
        NaN where they are unknown; `iou`, the largest intersection over union with a single lesion of the other
        side; `covered`, the share of it that lies in any lesion of the other side; and for each threshold
        whether it is one of a pair, 0 or 1. Their sums are the counts of `Detection`.
    """
    tables = []
    for method, mask in masks:
        # Only the box of both: labels of a whole exam take gigabytes. The order of lesions is the same in any box.
        box = bounding_box(mask | reference) or Box((0, 1), (0, 1), (0, 1))
        of_reference, of_mask = (_Lesions(box, whole, steps) for whole in (reference, mask))
        counts = (len(of_mask.lesions), len(of_reference.lesions))
        overlaps = intersections_over_unions(of_mask.labels, of_reference.labels, counts).toarray()
        for whose, own, other, overlap in (
            (REFERENCE, of_reference, of_mask, overlaps.T),
            (MASK, of_mask, of_reference, overlaps),
        ):
            tables.append(own.rows(other.mask, overlap).assign(exam=exam, method=method, of=whose))
    return pd.concat(tables, ignore_index=True)[list(LESION_COLUMNS)]


class _Lesions:
    """The lesions of one side, within a box."""

    def __init__(self, box: Box, whole: Mask, steps: Steps | None) -> None:
        self.mask = box.crop(whole)
        self.lesions = find_lesions(self.mask, steps)
        self.labels, _ = label_lesions(self.mask)
        self._first_slice = box.slices[0]

    def rows(self, other: Mask, overlap: NDArray[np.float64]) -> pd.DataFrame:
        """Return a row for each; `overlap` has one for each of them, too, in the order of their labels."""
        order = [lesion.label - 1 for lesion in self.lesions]
        covered = np.bincount(self.labels[other], minlength=len(order) + 1)[1:]
        table = pd.DataFrame(
            {
                "lesion": range(1, len(order) + 1),
                "slice": [self._first_slice + lesion.place[0] + 1 for lesion in self.lesions],
                "voxels": [lesion.voxels for lesion in self.lesions],
                "volume_ml": [np.nan if lesion.volume is None else lesion.volume for lesion in self.lesions],
                "diameter_mm": [np.nan if lesion.diameter is None else lesion.diameter for lesion in self.lesions],
                "iou": overlap.max(axis=1, initial=0)[order],
            }
        )
        table["covered"] = covered[order] / table["voxels"]
        for name, above in THRESHOLDS.items():
            table[FOUND[name]] = paired(overlap, above)[order].astype(int)
        return table


def paired(overlaps: NDArray[np.float64], above: float) -> Mask:
    """Return which lesions have a partner if they are paired one to one.

    As many as possible are paired; where that leaves a choice, those that overlap most.

    Parameters
    ----------
    overlaps : ndarray of float, shape (lesions, others)
        Intersections over unions.
    above : float
        What the overlap of a pair exceeds.

    Returns
    -------
    ndarray of bool, shape (lesions,)
    """
    # A pair counts 1 and its overlap a little: less, for all pairs together, than one pair more.
    worth = np.where(overlaps > above, 1 + overlaps / (1 + min(overlaps.shape)), 0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    chosen = np.zeros(len(overlaps), bool)
    chosen[rows] = worth[rows, columns] > 0
    return chosen


def read_lesions(*paths: Path | str) -> pd.DataFrame:
    """Read the lesions of one or several exams into one table."""
    blank = {name: [""] for name in ("volume_ml", "diameter_mm")}
    names = dict.fromkeys(("exam", "method"), str)  # an exam may be called 007, or NA
    tables = [pd.read_csv(path, dtype=names, keep_default_na=False, na_values=blank) for path in paths]
    return pd.concat(tables, ignore_index=True)
