"""A model that anyone can check: what is bright is liver, what is brighter is lesion."""

from dataclasses import dataclass, field

import numpy as np

from hepaflow.segment.command import Model
from hepaflow.volumes.box import Box
from hepaflow.volumes.labels import label_map

LIVER_HU, LESION_HU = 100, 200


@dataclass(frozen=True)
class Thresholded:
    liver: np.ndarray
    lesion: np.ndarray
    disagreement: dict[str, np.ndarray]
    boxes: dict[str, Box] = field(default_factory=dict)

    @property
    def labels(self) -> np.ndarray:
        return label_map(self.liver, self.lesion)


def thresholds(hu: np.ndarray, spacing: object = None) -> Thresholded:
    """Segment an exam; of every lesion the networks are said to disagree by 50 %."""
    liver, lesion = hu >= LIVER_HU, hu >= LESION_HU
    doubted = np.where(lesion, 50, 0).astype(np.uint8)
    return Thresholded(liver, lesion, {"liver": np.zeros_like(doubted), "lesion": doubted})


MODEL = Model({"model": "thresholds"}, thresholds)
