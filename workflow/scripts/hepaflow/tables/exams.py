"""The exams of a run at a glance: what the survey found in each."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd


def data_card(surveys: Iterable[Path | str], splits: Mapping[str, str]) -> pd.DataFrame:
    """Return a table with a row for an exam.

    Parameters
    ----------
    surveys : iterable of Path or str
        What `survey` found, as JSON.
    splits : mapping of str to str
        Split of each exam.

    Returns
    -------
    DataFrame
        With the survey's warnings, and one where two exams are of the same image.
    """
    exams = [json.loads(Path(path).read_text(encoding="utf-8")) for path in surveys]
    owners: dict[str, str] = {}
    for found in exams:
        owner = owners.setdefault(found["image_sha256"], found["exam"])
        if owner != found["exam"]:
            found["warnings"].append(f"the same image as {owner} ({splits[owner]})")
    return pd.DataFrame([_row(found, splits[found["exam"]]) for found in exams])


def _row(found: Mapping[str, Any], split: str) -> dict[str, Any]:
    slices, rows, columns = found["shape"]
    thickness, pixel, _ = found["spacing_mm"]
    voxels = found["voxels"] or {}
    liver, lesion = voxels.get("liver", 0), voxels.get("lesion", 0)
    low, high = found["hu_range"]
    return {
        "exam": found["exam"],
        "split": split,
        "slices": slices,
        "rows × columns": f"{rows} × {columns}",
        "slice distance, mm": f"{thickness:g}" if found["in_millimetres"] else "",
        "pixel, mm": f"{pixel:g}" if found["in_millimetres"] else "",
        "HU": f"{low:g} to {high:g}",
        "liver with lesions, voxels": liver + lesion if voxels else "no label",
        "lesion, % of liver": f"{100 * lesion / (liver + lesion):.2f}" if liver + lesion else "",
        "warnings": "; ".join(found["warnings"]),
    }
