"""The tables of a run: in the form of the thesis' (chapter 5), and with every metric and its interval."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hepaflow.evaluation.scores import final
from hepaflow.names import FUSION, GIVEN, PROCESSINGS
from hepaflow.system.atomic import write_text
from hepaflow.tables import thesis
from hepaflow.words import number, signed

INTERVAL = "95 % interval"

_SCORES: Sequence[tuple[str, str, str]] = (
    ("Dice, mean", "dice", "mean"),
    ("Dice, mean of the exams with lesions", "dice", "mean of exams with lesions"),
    ("Dice, median", "dice", "median"),
    ("Dice, global", "dice", "pooled"),
    ("Jaccard", "jaccard", "mean"),
    ("Volumetric overlap error", "voe", "mean"),
    ("Relative volume difference", "rvd", "mean"),
    ("Sensitivity", "sensitivity", "mean"),
    ("Precision", "precision", "mean"),
    ("ASSD, mm", "assd_mm", "mean"),
    ("RMSD, mm", "rmsd_mm", "mean"),
    ("MSD, mm", "msd_mm", "mean"),
    ("HD95, mm", "hd95_mm", "mean"),
    ("Volume, ml", "volume_ml", "mean"),
    ("Lesions, IoU > 0: precision", "lesion_precision_any", "pooled"),
    ("Lesions, IoU > 0: recall", "lesion_recall_any", "pooled"),
    ("Lesions, IoU > 0: F1", "lesion_f1_any", "pooled"),
    ("Lesions, IoU > 0.5: precision", "lesion_precision_half", "pooled"),
    ("Lesions, IoU > 0.5: recall", "lesion_recall_half", "pooled"),
    ("Lesions, IoU > 0.5: F1", "lesion_f1_half", "pooled"),
    ("Tumour burden", "burden", "mean"),
    ("Tumour burden: RMSE", "burden_error", "root mean square"),
    ("Tumour burden: largest error", "burden_error", "largest"),
)


def nested(summary: pd.DataFrame) -> dict[str, Any]:
    """Turn a summary into mappings for JSON: by structure, method, processing, metric and statistic."""
    tree: dict[str, Any] = {}
    for row in summary.astype(object).where(summary.notna(), None).to_dict("records"):
        place = tree
        for column in ("structure", "method", "processing", "metric"):
            place = place.setdefault(row[column], {})
        place[row["statistic"]] = {name: row[name] for name in ("value", "low", "high", "exams", "undefined")}
    return tree


def _fusion_last(methods: pd.Series) -> pd.Series:
    return methods == FUSION


def dice_table(summary: pd.DataFrame, structure: str, architectures: Mapping[str, str]) -> pd.DataFrame:
    """Return the mean Dice over the test exams beside the thesis' (tables 1 and 2).

    Parameters
    ----------
    summary : DataFrame
        As `statistics.summarise` returns it.
    structure : {'liver', 'lesion'}
    architectures : mapping of str to str
        Architecture of each of our methods; the thesis' figure stands beside those it reports.

    Returns
    -------
    DataFrame
        A row for each method, the fusion last of ours, then other systems. For either processing the mean Dice and
        the thesis'; the 95 % interval of the last one; the number of exams.
    """
    means = summary[
        (summary["structure"] == structure) & (summary["metric"] == "dice") & (summary["statistic"] == "mean")
    ]
    rows = []
    for method in means["method"].unique():
        own = means[means["method"] == method].set_index("processing")
        given = GIVEN in own.index
        architecture = "" if given else architectures[method]
        row: dict[str, object] = {"method": method, "architecture": architecture}
        for processing, words in PROCESSINGS.items():
            row[words] = own["value"].get(GIVEN if given and processing == "clean" else processing)
            row[f"thesis {words}"] = thesis.DICE.get((structure, processing), {}).get(architecture)
        last = final(own.reset_index()).iloc[0]
        row[INTERVAL] = interval(last["low"], last["high"])
        row["exams"] = last["exams"]
        rows.append(row)
    table = pd.DataFrame(rows)
    ours = table[table["architecture"] != ""].sort_values("method", key=_fusion_last, kind="stable")
    return pd.concat([ours, table[table["architecture"] == ""]], ignore_index=True)


def interval(low: float, high: float, digits: int = 3) -> str:
    """Return an interval in words; a dash where there is none."""
    return "–" if pd.isna(low) else f"{number(low, digits)} to {number(high, digits)}"


def score_table(summary: pd.DataFrame, structure: str) -> pd.DataFrame:
    """Return every metric of the post-processed masks: a row for a metric, a column for a method.

    Returns
    -------
    DataFrame of str
        A value with its 95 % interval; how many exams it leaves out, where a metric is undefined in some.
    """
    scores = final(summary[summary["structure"] == structure])
    cells: dict[str, dict[str, str]] = {}
    for name, metric, statistic in _SCORES:
        found = scores[(scores["metric"] == metric) & (scores["statistic"] == statistic)]
        for row in found.to_dict("records"):
            cells.setdefault(name, {})[str(row["method"])] = _cell(row)
    table = pd.DataFrame.from_dict(cells, orient="index", columns=list(scores["method"].unique()))
    return table.fillna("").rename_axis("metric").reset_index()


def _cell(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["value"]):
        return "undefined"
    digits = 1 if abs(row["value"]) >= 10 else 3
    text = number(row["value"], digits)
    if not pd.isna(row["low"]):
        text += f" ({interval(row['low'], row['high'], digits)})"
    return f"{text}; {row['undefined']} left out" if row["undefined"] else text


def comparison_table(comparison: pd.DataFrame, structure: str) -> pd.DataFrame:
    """Return, for one structure, how a method compares with every other one, exam by exam.

    Parameters
    ----------
    comparison : DataFrame
        As `statistics.compare` returns it; empty in a run of one method.
    """
    rows = [
        {
            "metric": row["metric"],
            "against": row["other"],
            "exams": row["exams"],
            "mean difference": "undefined" if pd.isna(row["difference"]) else signed(row["difference"], 4),
            INTERVAL: interval(row["low"], row["high"], 4),
            f"{row['method']} higher": row["higher"],
            "equal": row["exams"] - row["higher"] - row["lower"],
            f"{row['method']} lower": row["lower"],
            "Wilcoxon p": _significance(row),
        }
        for row in comparison[comparison["structure"] == structure].to_dict("records")
    ]
    return pd.DataFrame(rows, columns=None if rows else ["metric", "against"])


def _significance(row: Mapping[Any, Any]) -> str:
    """Return a p-value in words; with fewer than six exams that differ, what it could be at the least."""
    if not row["exams"]:
        return "undefined"
    differ = row["higher"] + row["lower"]
    if not differ:
        return "no difference"
    least = 2 ** (1 - differ)  # all differences of one sign: one in 2 ** differ, on either side
    text = f"{row['wilcoxon_p']:.3g}"
    return text if least < 0.05 else f"{text} (with {differ} that differ never below {least:.3g})"


def exam_table(metrics: pd.DataFrame, structure: str) -> pd.DataFrame:
    """Return the Dice of every test exam, with post-processing: a row for an exam, a column for a method."""
    scores = final(metrics[(metrics["structure"] == structure) & (metrics["metric"] == "dice")])
    order = list(scores["method"].unique())
    wide = scores.pivot_table(index="exam", columns="method", values="value", sort=False)
    return wide[order].reset_index().rename_axis(columns=None)


_OF_EXAMS = {
    "Dice": "dice",
    "Jaccard": "jaccard",
    "VOE": "voe",
    "RVD": "rvd",
    "sensitivity": "sensitivity",
    "precision": "precision",
    "ASSD, mm": "assd_mm",
    "RMSD, mm": "rmsd_mm",
    "MSD, mm": "msd_mm",
    "HD95, mm": "hd95_mm",
    "volume, ml": "volume_ml",
    "reference, ml": "reference_volume_ml",
    "lesions": "lesions",
    "reference lesions": "reference_lesions",
    "found, IoU > 0": "found_lesions_any",
    "found, IoU > 0.5": "found_lesions_half",
    "burden": "burden",
    "reference burden": "reference_burden",
}
_LESION_COUNTS = ("lesions", "reference lesions", "found, IoU > 0", "found, IoU > 0.5")


def method_table(metrics: pd.DataFrame, structure: str, method: str) -> pd.DataFrame:
    """Return every metric of one method's last masks: a row for an exam; NaN where a metric is undefined."""
    scores = final(metrics[(metrics["structure"] == structure) & (metrics["method"] == method)])
    wide = scores.pivot_table(index="exam", columns="metric", values="value", sort=False, dropna=False)
    named = {name: wide[metric] for name, metric in _OF_EXAMS.items() if metric in wide}
    table = pd.DataFrame(named, index=wide.index).reset_index()
    return table.astype({name: int for name in _LESION_COUNTS if name in table})


def write_statistics(summary: pd.DataFrame, path: Path | str) -> None:
    """Write a summary as JSON, for programs (`nested`)."""
    write_text(path, json.dumps(nested(summary), indent=1) + "\n")
