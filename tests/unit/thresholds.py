"""A model that anyone can check: what is bright is liver, what is brighter is lesion."""

import numpy as np

from hepaflow.exam_source import LoadedExam
from hepaflow.segment import Model, Segmented

LIVER_HU, LESION_HU = 100, 200


def thresholds(exam: LoadedExam) -> Segmented:
    labels = (exam.hu >= LIVER_HU).astype(np.uint8) + (exam.hu >= LESION_HU)
    doubted = np.where(exam.hu == LESION_HU, 50, 0).astype(np.uint8)
    return Segmented(labels.astype(np.uint8), {"liver": np.zeros_like(doubted), "lesion": doubted})


MODEL = Model({"model": "thresholds"}, thresholds)
