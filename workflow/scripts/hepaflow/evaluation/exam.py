"""Scores of one exam."""

from collections.abc import Callable, Iterable, Mapping
from math import nan

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hepaflow.evaluation.metrics.detection import THRESHOLDS, Detection
from hepaflow.evaluation.metrics.overlap import Overlap
from hepaflow.evaluation.metrics.surface import SurfaceDistances
from hepaflow.evaluation.scores import METRIC_COLUMNS
from hepaflow.names import STRUCTURES
from hepaflow.volumes.labels import structure_mask
from hepaflow.volumes.steps import Steps, voxel_volume

Mask = NDArray[np.bool_]
Segmentation = Mapping[str, Mask]
"""Masks of one exam by structure, each of shape (slices, rows, columns): a method's, or the reference.

A method may have only some structures. The liver of a label map has all lesions in it; that of our own networks is
the mask of the liver network, as the thesis scores it.
"""

_MILLIMETRES = ("assd_mm", "rmsd_mm", "msd_mm", "hd95_mm", "volume_ml", "reference_volume_ml")
"""Metrics of an exam whose spacing is known."""


def mask_scores(prediction: Mask, reference: Mask, steps: Steps | None) -> dict[str, float]:
    """Score a mask of the liver or of all lesions against its reference.

    Parameters
    ----------
    prediction, reference : ndarray of bool, shape (slices, rows, columns)
    steps : Steps or None
        Distances between slices, rows and columns in mm, or the steps of a sheared grid; None where the exam has
        none that can be trusted.

    Returns
    -------
    dict of str to float
        By metric. NaN where a metric is undefined: a distance to nothing, a share of nothing, or a length where
        no millimetres are known. The counts of voxels are what pooled measures (global Dice) are made of.
    """
    overlap = Overlap.of(prediction, reference)
    scores = {
        "dice": overlap.dice,
        "jaccard": overlap.jaccard,
        "voe": overlap.volumetric_overlap_error,
        "rvd": overlap.relative_volume_difference,
        "sensitivity": overlap.sensitivity,
        "precision": overlap.precision,
    }
    if steps is None:
        scores |= dict.fromkeys(_MILLIMETRES, nan)
    else:
        distances = SurfaceDistances.of(prediction, reference, steps)
        millilitres = voxel_volume(steps) / 1000
        scores |= {
            "assd_mm": distances.average,
            "rmsd_mm": distances.root_mean_square,
            "msd_mm": distances.maximum,
            "hd95_mm": distances.hausdorff_95,
            "volume_ml": overlap.predicted * millilitres,
            "reference_volume_ml": overlap.reference * millilitres,
        }
    return scores | {
        "voxels": overlap.predicted,
        "reference_voxels": overlap.reference,
        "common_voxels": overlap.both,
    }


def detection_scores(prediction: Mask, reference: Mask) -> dict[str, float]:
    """Count the lesions of mask and reference, and score how many were found.

    Returns
    -------
    dict of str to float
        Precision is NaN where the mask has no lesion, recall where the reference has none, F1 where neither has.
    """
    detection = Detection.of(prediction, reference)
    scores: dict[str, float] = {"lesions": detection.predicted, "reference_lesions": detection.reference}
    for name in THRESHOLDS:
        found = detection.found[name]
        both = detection.predicted + detection.reference
        scores |= {
            f"found_lesions_{name}": found,
            f"lesion_precision_{name}": found / detection.predicted if detection.predicted else nan,
            f"lesion_recall_{name}": found / detection.reference if detection.reference else nan,
            f"lesion_f1_{name}": 2 * found / both if both else nan,
        }
    return scores


def burden_scores(liver: Mask, lesion: Mask, reference_liver: Mask, reference_lesion: Mask) -> dict[str, float]:
    """Compare tumour burdens: the share of the liver, lesions included, that is lesion.

    Returns
    -------
    dict of str to float
        The error is the mask's burden minus the reference's. NaN where there is no liver.
    """
    found, known = _burden(liver, lesion), _burden(reference_liver, reference_lesion)
    return {"burden": found, "reference_burden": known, "burden_error": found - known}


def _burden(liver: Mask, lesion: Mask) -> float:
    whole = int(np.count_nonzero(liver | lesion))
    return int(np.count_nonzero(lesion)) / whole if whole else nan


_FURTHER: Mapping[str, Mapping[tuple[str, ...], Callable[..., dict[str, float]]]] = {
    "lesion": {("lesion",): detection_scores, ("liver", "lesion"): burden_scores},
}
"""What a structure is scored by besides `mask_scores`: the structures that it takes, and what scores them."""


def structure_scores(
    structure: str, prediction: Segmentation, reference: Segmentation, steps: Steps | None
) -> dict[str, float]:
    """Score one structure of a segmentation: its mask, and what else there is to score of it.

    Returns
    -------
    dict of str to float
        By metric. What takes another structure as well is left out where the segmentation has none of it.
    """
    scores = mask_scores(prediction[structure], reference[structure], steps)
    for taken, score in _FURTHER.get(structure, {}).items():
        if prediction.keys() >= set(taken):
            scores |= score(*(masks[name] for masks in (prediction, reference) for name in taken))
    return scores


def segmentation_of(labels: NDArray[np.uint8], structures: Iterable[str] = STRUCTURES) -> Segmentation:
    """Take the masks of some structures from a label map: 0 background, 1 liver, 2 lesion."""
    return {structure: structure_mask(labels, structure) for structure in structures}


class Scores:
    """Collects the scores of one exam.

    Parameters
    ----------
    exam : str
    reference : dict of str to ndarray of bool
        Masks of all structures.
    steps : Steps or None
        Distances between slices, rows and columns in mm, or the steps of a sheared grid; None where they cannot be
        trusted.
    """

    def __init__(self, exam: str, reference: Segmentation, steps: Steps | None) -> None:
        self._exam, self._reference, self._steps = exam, reference, steps
        self._rows: list[tuple[str, str, str, str, str, float]] = []

    def add(self, method: str, processing: str, prediction: Segmentation) -> None:
        """Score a method's masks at full resolution.

        Parameters
        ----------
        method : str
            Its name: of a network, a vote, or another system.
        processing : {'raw', 'clean', 'given'}
            Without or with post-processing; as another system gave it.
        prediction : dict of str to ndarray of bool
        """
        for structure in prediction:
            scores = structure_scores(structure, prediction, self._reference, self._steps)
            self._rows += [(self._exam, structure, method, processing, *score) for score in scores.items()]

    def metrics(self) -> pd.DataFrame:
        """Return all scores: a row for a structure, a method, a processing and a metric."""
        return pd.DataFrame(self._rows, columns=METRIC_COLUMNS)
