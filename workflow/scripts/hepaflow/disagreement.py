"""Where the networks disagree, and whether they are wrong there."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hepaflow.scores import UNCERTAINTY_COLUMNS

Mask = NDArray[np.bool_]


def disagreement(votes: Iterable[Mask]) -> NDArray[np.uint8]:
    """Return how far the networks disagree on every voxel, whatever their weights in the fusion.

    Parameters
    ----------
    votes : iterable of ndarray of bool, same shape
        A mask of every network, taken one at a time.

    Returns
    -------
    ndarray of uint8, same shape
        In percent: 0 where all networks say the same, 100 where they are divided into halves (which three networks
        never are); with four networks 50 where one is alone.
    """
    count, yes = 0, np.zeros((), np.uint8)
    for mask in votes:
        count, yes = count + 1, yes + mask
    percent = np.array([round(200 * min(number, count - number) / count) for number in range(count + 1)], np.uint8)
    return percent[yes]


def mean_over_segmented(percent: NDArray[np.uint8], fused: Mask) -> float:
    """Return the mean disagreement of an exam over what is segmented, in percent; of nothing it is 0.

    Parameters
    ----------
    percent : ndarray of uint8, shape (slices, rows, columns)
        As `disagreement` returns it.
    fused : ndarray of bool, same shape
        Segmented is what this marks, and where networks disagree.
    """
    segmented = fused | (percent > 0)
    count = np.count_nonzero(segmented)
    return float(percent.sum(where=segmented, dtype=np.int64) / count) if count else 0.0


def error_by_disagreement(
    exam: str, stage: str, percent: NDArray[np.uint8], fused: Mask, reference: Mask
) -> pd.DataFrame:
    """Count the voxels at every level of disagreement, and how many of them the fusion has wrong.

    Parameters
    ----------
    exam : str
    stage : {'liver', 'lesion'}
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
    rows = [(exam, stage, int(level), *(int(count[level]) for count in counts)) for level in levels]
    return pd.DataFrame(rows, columns=UNCERTAINTY_COLUMNS)


def mean_disagreement(levels: pd.DataFrame) -> pd.DataFrame:
    """Return the mean disagreement of every exam over what is segmented, in percent.

    It needs no reference: it can flag an exam that nobody has segmented. Nothing segmented is no disagreement: 0.

    Parameters
    ----------
    levels : DataFrame
        Rows of `error_by_disagreement`, of several exams of one stage.

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
        Rows of `error_by_disagreement`, of one stage. An exam without any has nothing segmented: no disagreement.
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
