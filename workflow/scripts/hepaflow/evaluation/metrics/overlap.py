"""Measures of overlap: voxels that mask and reference share, and voxels that only one of them has."""

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Overlap:
    """Voxels of a mask, of its reference, and of both.

    Measures that divide by nothing are NaN: undefined, which is neither a good nor a bad score. Only Dice and
    Jaccard say something about two empty masks: they agree, which counts 1 (as the LiTS challenge counts).

    Attributes
    ----------
    both, predicted, reference : int
    """

    both: int
    predicted: int
    reference: int

    @classmethod
    def of(cls, prediction: NDArray[np.bool_], reference: NDArray[np.bool_]) -> "Overlap":
        """Count the voxels of two masks of the same shape."""
        return cls(
            both=int(np.count_nonzero(prediction & reference)),
            predicted=int(np.count_nonzero(prediction)),
            reference=int(np.count_nonzero(reference)),
        )

    @property
    def dice(self) -> float:
        """Dice similarity coefficient, 0 to 1 (thesis 3.7, equation 10)."""
        return dice_of_counts(self.both, self.predicted, self.reference)

    @property
    def jaccard(self) -> float:
        """Jaccard index: intersection over union, 0 to 1."""
        union = self.predicted + self.reference - self.both
        return self.both / union if union else 1.0

    @property
    def volumetric_overlap_error(self) -> float:
        """Volumetric overlap error: 1 - Jaccard."""
        return 1 - self.jaccard

    @property
    def relative_volume_difference(self) -> float:
        """Relative volume difference: above 0 where the mask is larger than its reference."""
        return (self.predicted - self.reference) / self.reference if self.reference else nan

    @property
    def sensitivity(self) -> float:
        """Share of the reference that the mask finds."""
        return self.both / self.reference if self.reference else nan

    @property
    def precision(self) -> float:
        """Share of the mask that lies in the reference."""
        return self.both / self.predicted if self.predicted else nan


def dice(prediction: NDArray[np.bool_], reference: NDArray[np.bool_]) -> float:
    """Return the Dice similarity coefficient of two masks (thesis 3.7, equation 10).

    Parameters
    ----------
    prediction, reference : ndarray of bool, same shape

    Returns
    -------
    float
        Between 0 and 1. Both empty agree: 1; only one empty: 0 (as the LiTS challenge counts).
    """
    return Overlap.of(prediction, reference).dice


def dice_of_counts(both: int, one: int, other: int) -> float:
    """Return the Dice coefficient of two sets from the sizes of their intersection and of themselves."""
    return 2 * both / (one + other) if one + other else 1.0
