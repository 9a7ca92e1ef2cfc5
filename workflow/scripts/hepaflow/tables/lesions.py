"""The tables of lesions: each of the reference with what every method made of it, and what is found by size."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from hepaflow.evaluation.lesions import FOUND, MASK, REFERENCE

SIZES: Mapping[str, tuple[float, float]] = {
    "under 10 mm": (0, 10),
    "10 to 20 mm": (10, 20),
    "20 to 50 mm": (20, 50),
    "from 50 mm": (50, np.inf),
}
"""Classes of the longest diameter in a slice. 10 mm is the least that counts as measurable (RECIST 1.1, Eisenhauer
et al. 2009, doi:10.1016/j.ejca.2008.10.026), 20 and 50 mm are steps of staging liver cancer (BCLC, Milan)."""
UNKNOWN, ALL = "size unknown", "all sizes"

THRESHOLDS_IN_WORDS = {"any": "IoU > 0", "half": "IoU > 0.5"}


def size_of(diameters: pd.Series) -> pd.Series:
    """Return the class of each diameter in mm, a key of `SIZES`, or `UNKNOWN` where there is none."""
    edges = [low for low, _ in SIZES.values()] + [np.inf]
    return pd.cut(diameters, edges, right=False, labels=list(SIZES)).cat.add_categories(UNKNOWN).fillna(UNKNOWN)


def lesion_table(lesions: pd.DataFrame) -> pd.DataFrame:
    """Return the lesions of the reference: a row for a lesion, a column for a method.

    Parameters
    ----------
    lesions : DataFrame
        Rows of `lesions_of_exam`, of several exams.

    Returns
    -------
    DataFrame
        Exam, number, slice, ml and mm of each; and for each method the largest intersection over union of the
        lesion with one of its own; "merged" where that one is the partner of another lesion, "missed" where there
        is none. The column is called after the method, `lesion (method)` where there is a `lesion` already.
    """
    known = lesions[lesions["of"] == REFERENCE]
    columns = {"slice": "slice", "volume_ml": "volume, ml", "diameter_mm": "diameter, mm"}
    own = known.drop_duplicates(["exam", "lesion"])[["exam", "lesion", *columns]].rename(columns=columns)
    table = own.reset_index(drop=True)
    for method, rows in known.groupby("method", sort=False):
        cells = [_met(iou, found) for iou, found in zip(rows["iou"], rows[FOUND["any"]], strict=True)]
        column = f"{method} (method)" if method in table else str(method)  # a method can be called `lesion`
        found = rows[["exam", "lesion"]].assign(**{column: cells})
        table = table.merge(found, how="left", on=["exam", "lesion"])
    return table


def _met(iou: float, found: int) -> str:
    if found:
        return f"{iou:.3f}"
    return "merged" if iou else "missed"


def detection_table(lesions: pd.DataFrame) -> pd.DataFrame:
    """Return how many lesions every method finds, by their size.

    Returns
    -------
    DataFrame
        A row for a method and a class of `SIZES` that has any lesion, then one for all. Of the reference's lesions
        of that size: how many there are, how many are found and their share, at each threshold; of the method's
        own of that size: how many there are, and how many of these are false alarms (no partner at all).
    """
    sized = lesions.assign(size=size_of(lesions["diameter_mm"]))
    rows = [row for method, own in sized.groupby("method", sort=False) for row in _by_size(str(method), own)]
    return pd.DataFrame(rows, columns=["method", "diameter", *_COUNTS])


def _by_size(method: str, lesions: pd.DataFrame) -> Iterator[dict[str, object]]:
    classes: Sequence[str] = [*SIZES, UNKNOWN]
    for size in classes:
        if len(some := lesions[lesions["size"] == size]):
            yield {"method": method, "diameter": size} | _counts(some)
    yield {"method": method, "diameter": ALL} | _counts(lesions)


_COUNTS = (
    "reference lesions",
    *(f"{what}, {words}" for words in THRESHOLDS_IN_WORDS.values() for what in ("found", "recall")),
    "lesions of the mask",
    "false alarms",
)


def _counts(lesions: pd.DataFrame) -> dict[str, object]:
    known, own = (lesions[lesions["of"] == whose] for whose in (REFERENCE, MASK))
    counts: dict[str, object] = {"reference lesions": len(known)}
    for name, words in THRESHOLDS_IN_WORDS.items():
        found = int(known[FOUND[name]].sum())
        counts |= {f"found, {words}": found, f"recall, {words}": found / len(known) if len(known) else np.nan}
    alarms = len(own) - int(own[FOUND["any"]].sum())
    return counts | {"lesions of the mask": len(own), "false alarms": alarms}
