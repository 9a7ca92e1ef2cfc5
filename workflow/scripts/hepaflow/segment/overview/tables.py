"""The tables of all results: one row per exam, and one row per lesion."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from hepaflow.model.origin import NOTICE
from hepaflow.segment.overview.results import Result

_Columns = Mapping[str, Callable[[Any], Any]]


def _at(*keys: str) -> Callable[[Result], Any]:
    return lambda result: result.at(*keys)


def _number(*keys: str, place: int) -> Callable[[Result], Any]:
    return lambda result: (result.at(*keys) or (None,) * (place + 1))[place]


_OF_AN_EXAM: _Columns = {
    "exam": lambda result: result.name,
    "source": _at("source", "kind"),
    "series_number": _at("source", "series_number"),
    "slices": _number("grid", "slices_rows_columns", place=0),
    "rows": _number("grid", "slices_rows_columns", place=1),
    "columns": _number("grid", "slices_rows_columns", place=2),
    "liver_ml": _at("liver_ml"),
    "lesion_ml": _at("lesion_ml"),
    "lesions": lambda result: len(result.at("lesions")),
    "largest_lesion_ml": lambda result: next((one["ml"] for one in result.at("lesions")), None),
    "longest_diameter_mm": lambda result: result.longest_mm,
    "tumour_burden_percent": _at("tumour_burden_percent"),
    "liver_voxels": _at("liver_voxels"),
    "lesion_voxels": _at("lesion_voxels"),
    "liver_disagreement_percent": _at("disagreement_percent", "liver"),
    "lesion_disagreement_percent": _at("disagreement_percent", "lesion"),
    "outside_liver_voxels": _at("outside_liver", "voxels"),
    "notes": lambda result: "; ".join(result.notes),
    "hepaflow": _at("hepaflow"),
    "model": lambda result: result.model,
    "networks": _at("model", "networks"),
    "precision": _at("model", "precision"),
    "model_origin": lambda result: result.origin,
    "test_dice_liver": _at("model_origin", "dice", "liver"),
    "test_dice_lesion": _at("model_origin", "dice", "lesion"),
    "notice": lambda result: result.at("notice") or NOTICE,
}
"""What a row of an exam holds; lengths in mm, volumes in ml, empty where millimetres are not to be trusted."""

_PLACE = ("voxel_i", "voxel_j", "voxel_k")
_POSITION = ("left_mm", "posterior_mm", "head_mm")
_OF_A_LESION = ("voxels", "ml", "diameter_mm", "slice", "instance_number")
LESION_COLUMNS = ("exam", "lesion", *_OF_A_LESION, *_PLACE, *_POSITION, "disagreement_percent")
EXAM_COLUMNS = tuple(_OF_AN_EXAM)


def exam_table(results: Sequence[Result]) -> str:
    """Return the table of exams as CSV."""
    return _csv(EXAM_COLUMNS, ([value(result) for value in _OF_AN_EXAM.values()] for result in results))


def lesion_table(results: Sequence[Result]) -> str:
    """Return the table of lesions as CSV; an exam without a lesion has no row."""
    return _csv(LESION_COLUMNS, (_lesion(result, one) for result in results for one in result.at("lesions")))


def _lesion(result: Result, lesion: Mapping[str, Any]) -> list[Any]:
    return [
        result.name,
        lesion["number"],
        *(lesion[name] for name in _OF_A_LESION),
        *lesion["voxel"],
        *(lesion["position_lps_mm"] or [None] * len(_POSITION)),
        lesion["disagreement_percent"],
    ]


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)  # None is an empty cell
    return text.getvalue()
