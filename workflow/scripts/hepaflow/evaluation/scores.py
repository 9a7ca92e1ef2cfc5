"""Tables of scores: their columns, and how they are written and read."""

from pathlib import Path

import numpy as np
import pandas as pd

from hepaflow.names import GIVEN, PROCESSINGS
from hepaflow.system.atomic import write_text

METRIC_COLUMNS = ("exam", "structure", "method", "processing", "metric", "value")
"""One row for an exam, a structure, a method, a processing and a metric."""
OVERLAP_COLUMNS = ("exam", "structure", "one", "other", "errors_one", "errors_other", "errors_both")
"""One row for an exam, a structure and two networks: voxels where they are wrong, alone and together."""
UNCERTAINTY_COLUMNS = ("exam", "structure", "disagreement", "segmented", "voxels", "errors")
"""One row for an exam, a structure and a level of disagreement in percent (`masks.disagreement`)."""


_NAMES = dict.fromkeys(("exam", "method", "other", "one"), str)  # an exam may be called 007, or NA
_NUMBERS = ("value", "difference", "low", "high", "wilcoxon_p")


def write_scores(table: pd.DataFrame, path: Path | str) -> None:
    """Write a table of scores as CSV, to the last bit; a value that is undefined is an empty cell."""
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def read_scores(*paths: Path | str) -> pd.DataFrame:
    """Read the scores of one or several exams, or what sums them up, into one table."""
    blank = {name: [""] for name in _NUMBERS}
    tables = [pd.read_csv(path, dtype=_NAMES, keep_default_na=False, na_values=blank) for path in paths]
    return pd.concat(tables, ignore_index=True)


def in_order(scores: pd.DataFrame) -> pd.DataFrame:
    """Return scores in the order of the tables: exam by exam, and of an exam raw masks before the others.

    Exams, and methods of one exam and processing, stay in the order in which they come.
    """
    exams, _ = pd.factorize(scores["exam"])
    places = {processing: place for place, processing in enumerate((*PROCESSINGS, GIVEN))}
    order = np.lexsort((scores["processing"].map(places), exams))
    return scores.iloc[order].reset_index(drop=True)


def final(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of the masks that a method ends with: post-processed, or as another system gave them."""
    return scores[scores["processing"] != "raw"]
