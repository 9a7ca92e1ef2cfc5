"""Whether the networks are wrong where they disagree."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hepaflow.evaluation.scores import UNCERTAINTY_COLUMNS
from hepaflow.masks.disagreement import Mask


def error_by_disagreement(
    exam: str, structure: str, percent: NDArray[np.uint8], fused: Mask, reference: Mask
) -> pd.DataFrame:
    """Count the voxels at every level of disagreement, and how many of them the fusion has wrong.

    Parameters
    ----------
    exam : str
    structure : {'liver', 'lesion'}
    percent : ndarray of uint8, shape (slices, rows, columns)
        As `disagreement` returns it.
    fused, reference : ndarray of bool, same shape

    Returns
    -------
    DataFrame
        A row for each level: the level in percent; `segmented`, voxels of the fused mask or where networks
        disagree; `voxels`, these and the rest of the reference (everything else is background to all); and
        `errors`, those of them in which fused mask and reference differ.
    """
    segmented = fused | (percent > 0)
    counts = [
        np.bincount(percent[voxels], minlength=101)
        for voxels in (segmented, segmented | reference, fused ^ reference)
    ]
    levels = np.flatnonzero(counts[1])
    rows = [(exam, structure, int(level), *(int(count[level]) for count in counts)) for level in levels]
    return pd.DataFrame(rows, columns=UNCERTAINTY_COLUMNS)


def mean_disagreement(levels: pd.DataFrame) -> pd.DataFrame:
    """Return the mean disagreement of every exam over what is segmented, in percent.

    It needs no reference: it can flag an exam that nobody has segmented. Nothing segmented is no disagreement: 0.

    Parameters
    ----------
    levels : DataFrame
        Rows of `error_by_disagreement`, of several exams of one structure.

    Returns
    -------
    DataFrame
        Columns exam and disagreement.
    """
    weighted = levels.assign(total=levels["disagreement"] * levels["segmented"])
    sums = weighted.groupby("exam", sort=False)[["total", "segmented"]].sum()
    mean = (sums["total"] / sums["segmented"].where(sums["segmented"] > 0)).fillna(0.0)
    return mean.rename("disagreement").reset_index()


def exams_by_disagreement(levels: pd.DataFrame, dice: pd.DataFrame) -> pd.DataFrame:
    """List the exams by their mean disagreement, the largest first, each with the Dice of the fusion.

    Parameters
    ----------
    levels : DataFrame
        Rows of `error_by_disagreement`, of one structure. An exam without any has nothing segmented: no
        disagreement.
    dice : DataFrame
        Columns exam and value: the Dice of the fusion in every exam.

    Returns
    -------
    DataFrame
        Columns exam, dice and disagreement.
    """
    exams = dice[["exam", "value"]].rename(columns={"value": "dice"})
    exams = exams.merge(mean_disagreement(levels), how="left").fillna({"disagreement": 0.0})
    return exams.sort_values("disagreement", ascending=False, kind="stable", ignore_index=True)
