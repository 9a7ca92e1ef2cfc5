"""The exams of a run that a method segments worst, in the middle, and best."""

import pandas as pd

from hepaflow.evaluation.scores import final


def extremes(metrics: pd.DataFrame, structure: str, method: str) -> dict[str, tuple[str, float]]:
    """Return the worst, the median and the best exam of a method, by the Dice of a structure.

    Parameters
    ----------
    metrics : DataFrame
        Tidy scores: exam, structure, method, processing, metric, value.
    structure : {'liver', 'lesion'}
    method : str

    Returns
    -------
    dict of str to (str, float)
        Exam and Dice under `worst`, `median` and `best`. Of an even number of exams, the lower of the middle two
        is the median; of two there is none, and of one it is the best alone. Equal exams stay in their order.
    """
    chosen = (metrics["structure"] == structure) & (metrics["method"] == method) & (metrics["metric"] == "dice")
    scores = final(metrics[chosen]).sort_values("value", kind="stable")
    exams = [(str(exam), float(value)) for exam, value in zip(scores["exam"], scores["value"], strict=True)]
    if not exams:
        return {}
    found = {"best": exams[-1]}
    if len(exams) > 2:
        found = {"median": exams[(len(exams) - 1) // 2], **found}
    if len(exams) > 1:
        found = {"worst": exams[0], **found}
    return found
