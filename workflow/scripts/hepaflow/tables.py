"""The tables of a run, in the form of the thesis' (chapter 5)."""

from collections.abc import Mapping, Sequence

import pandas as pd

from hepaflow import thesis
from hepaflow.fusion import Fusion

PROCESSINGS = {"raw": "without post-processing", "clean": "with post-processing"}


def read_metrics(paths: Sequence[str]) -> pd.DataFrame:
    """Read the scores of several exams into one tidy table."""
    names = dict.fromkeys(("exam", "method"), str)  # an exam may be called 007, or NA
    tables = [pd.read_csv(path, dtype=names, keep_default_na=False, na_values={"value": [""]}) for path in paths]
    return pd.concat(tables, ignore_index=True)


def dice_table(metrics: pd.DataFrame, stage: str, architectures: Mapping[str, str]) -> pd.DataFrame:
    """Return the mean Dice over the test exams beside the thesis' (tables 1 and 2).

    Parameters
    ----------
    metrics : DataFrame
        Tidy scores: exam, stage, method, processing, metric, value.
    stage : {'liver', 'lesion'}
    architectures : mapping of str to str
        Architecture of each backbone; the thesis' figure stands beside those it reports.

    Returns
    -------
    DataFrame
        A row for each method, the fusion last. Columns: method, architecture, and for either processing the
        mean Dice and the thesis'; then the number of exams.
    """
    scores = metrics[(metrics["stage"] == stage) & (metrics["metric"] == "dice")]
    rows = []
    for method in scores["method"].unique():
        architecture = method if method == thesis.FUSION else architectures[method]
        own = scores[scores["method"] == method]
        row: dict[str, object] = {"method": method, "architecture": architecture}
        for processing, words in PROCESSINGS.items():
            values = own.loc[own["processing"] == processing, "value"]
            row[words] = values.mean()
            row[f"thesis {words}"] = thesis.DICE.get((stage, processing), {}).get(architecture)
        row["exams"] = own["exam"].nunique()
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.sort_values("method", key=lambda name: name == thesis.FUSION, kind="stable")


def exam_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the post-processed Dice of every test exam: rows are exams and stages, columns are methods."""
    clean = metrics[(metrics["processing"] == "clean") & (metrics["metric"] == "dice")]
    order = list(clean["method"].unique())
    wide = clean.pivot_table(index=["stage", "exam"], columns="method", values="value", sort=False)
    return wide[order].reset_index().rename_axis(columns=None)


def weight_table(fusions: Mapping[str, Fusion]) -> pd.DataFrame:
    """Return the fusion weights of both stages, before and after the fit (thesis chapter 5)."""
    rows = [
        {
            "stage": stage,
            "backbone": backbone,
            "start": 1 / len(fusion.backbones),
            "weight": share,
            "fitted": weight,
        }
        for stage, fusion in fusions.items()
        for backbone, share, weight in zip(fusion.backbones, fusion.normalised, fusion.weights, strict=True)
    ]
    return pd.DataFrame(rows)
