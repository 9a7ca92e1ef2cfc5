"""Lesions that were found: connected regions of the mask paired with those of the reference."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from hepaflow.volumes.box import bounding_box
from hepaflow.volumes.lesions import label_lesions

THRESHOLDS = {"any": 0.0, "half": 0.5}
"""Intersection over union above which a lesion counts as found, by name: the thresholds of the LiTS challenge."""


@dataclass(frozen=True)
class Detection:
    """Lesions of an exam.

    Attributes
    ----------
    reference, predicted : int
        Lesions (6-connected regions) of the reference and of the mask.
    found : dict of str to int
        Pairs whose intersection over union lies above a threshold of `THRESHOLDS`. A pair is one to one: a region
        that covers two lesions has found one of them, and of two regions in one lesion one is a false alarm.
    """

    reference: int
    predicted: int
    found: dict[str, int]

    @classmethod
    def of(cls, prediction: NDArray[np.bool_], reference: NDArray[np.bool_]) -> "Detection":
        """Pair the lesions of two masks of the same shape, as many as possible."""
        box = bounding_box(prediction | reference)
        if box is None:
            return cls(0, 0, dict.fromkeys(THRESHOLDS, 0))
        regions, predicted = label_lesions(box.crop(prediction))
        lesions, known = label_lesions(box.crop(reference))
        overlaps = intersections_over_unions(regions, lesions, (predicted, known))
        return cls(
            reference=known,
            predicted=predicted,
            found={name: _pairs(overlaps, above) for name, above in THRESHOLDS.items()},
        )


def intersections_over_unions(
    regions: NDArray[np.int32], lesions: NDArray[np.int32], counts: tuple[int, int]
) -> coo_array:
    """Return the intersection over union of every two regions that overlap.

    Parameters
    ----------
    regions, lesions : ndarray of int, same shape
        Numbered regions from 1 on; 0 is background.
    counts : tuple of int
        Number of either.

    Returns
    -------
    sparse array of float, shape `counts`
        Region i + 1 against lesion j + 1; nothing is stored for two that do not overlap.
    """
    common = (regions > 0) & (lesions > 0)
    pairs, both = np.unique(np.stack([regions[common], lesions[common]]), axis=1, return_counts=True)
    sizes = (
        np.bincount(regions[regions > 0], minlength=counts[0] + 1),
        np.bincount(lesions[lesions > 0], minlength=counts[1] + 1),
    )
    union = sizes[0][pairs[0]] + sizes[1][pairs[1]] - both
    return coo_array((both / union, (pairs[0] - 1, pairs[1] - 1)), shape=counts)


def _pairs(overlaps: coo_array, above: float) -> int:
    """Return the largest number of one-to-one pairs whose overlap lies above a threshold."""
    enough = overlaps.data > above
    if not enough.any():
        return 0
    rows, columns = overlaps.coords
    graph = coo_array((np.ones(int(enough.sum())), (rows[enough], columns[enough])), shape=overlaps.shape)
    return int((maximum_bipartite_matching(graph.tocsr()) >= 0).sum())
