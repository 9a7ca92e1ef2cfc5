"""Scores of one exam: every method's Dice, and how far the networks' errors overlap."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hepaflow.metrics import dice

METRIC_COLUMNS = ("exam", "stage", "method", "processing", "metric", "value")
OVERLAP_COLUMNS = ("exam", "stage", "one", "other", "errors_one", "errors_other", "errors_both")


class Scores:
    """Collects the scores of one exam.

    Parameters
    ----------
    exam : str
    """

    def __init__(self, exam: str) -> None:
        self._exam = exam
        self._metrics: list[tuple[str, str, str, str, str, float]] = []
        self._overlap: list[tuple[str, str, str, str, int, int, int]] = []
        self._errors: dict[tuple[str, str], NDArray[np.uint8]] = {}

    def add(
        self,
        stage: str,
        method: str,
        processing: str,
        prediction: NDArray[np.bool_],
        reference: NDArray[np.bool_],
    ) -> None:
        """Score one mask at full resolution.

        Parameters
        ----------
        stage : {'liver', 'lesion'}
        method : str
            A backbone's name, or `fusion`.
        processing : {'raw', 'clean'}
            Without or with post-processing.
        prediction, reference : ndarray of bool, shape (slices, rows, columns)
        """
        score = dice(prediction, reference)
        self._metrics.append((self._exam, stage, method, processing, "dice", score))
        if processing == "raw":
            self._errors[stage, method] = np.packbits(prediction ^ reference)

    def compare_errors(self, stage: str) -> None:
        """Count where the raw masks of every two networks of a stage are wrong together (thesis 4.6.2)."""
        methods = [method for known, method in self._errors if known == stage]
        for one, other in combinations(methods, 2):
            errors_one, errors_other = self._errors[stage, one], self._errors[stage, other]
            both = errors_one & errors_other
            counts = (int(np.bitwise_count(errors).sum()) for errors in (errors_one, errors_other, both))
            self._overlap.append((self._exam, stage, one, other, *counts))  # type: ignore[arg-type]

    def save(self, metrics: Path, overlap: Path) -> None:
        """Write both tables as CSV."""
        pd.DataFrame(self._metrics, columns=METRIC_COLUMNS).to_csv(metrics, index=False, lineterminator="\n")
        pd.DataFrame(self._overlap, columns=OVERLAP_COLUMNS).to_csv(overlap, index=False, lineterminator="\n")
