"""What is written of a segmented exam: label map, DICOM, page and measurements, in a folder of its own."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepaflow.dicom.derived import version
from hepaflow.dicom.overlay import write_overlay
from hepaflow.dicom.privacy import anonymised
from hepaflow.dicom.segmentation import write_segmentation
from hepaflow.errors import UserError
from hepaflow.exam_report.measurements import Measurements, measure
from hepaflow.exam_report.page import exam_page
from hepaflow.exam_source import LoadedExam
from hepaflow.labels import LABELS
from hepaflow.volume import write_map

LABEL_MAP, MEASUREMENTS, PAGE = "segmentation.nii.gz", "measurements.json", "report.html"
SEGMENTATION, OVERLAY = "segmentation.dcm", "overlay"

_FILES = {
    LABEL_MAP: "label map on the exam's own grid: 0 background, 1 liver, 2 lesion",
    MEASUREMENTS: "the numbers of this page, for programs",
}
_DICOM_FILES = {
    SEGMENTATION: "DICOM Segmentation with the segments Liver (with lesions) and Lesion",
    f"{OVERLAY}/": "the slices in colour as a DICOM series: liver green, lesions red",
}
_NAMES = {LABEL_MAP, MEASUREMENTS, PAGE, SEGMENTATION, OVERLAY, ".sha256"}
"""All that an earlier result can consist of; the last are digests that jobs of the workflow note."""


def write_exam(
    folder: Path,
    exam: LoadedExam,
    labels: NDArray[np.uint8],
    disagreement: Mapping[str, NDArray[np.uint8]],
    *,
    model: Mapping[str, str] | None = None,
    anonymise: bool = False,
    overwrite: bool = False,
) -> Measurements:
    """Write everything about a segmented exam into a folder, which is there as a whole or not at all.

    Parameters
    ----------
    folder : Path
        Folder to make. An empty one may be there.
    exam : LoadedExam
    labels : ndarray of uint8, shape (slices, rows, columns)
        0 background, 1 liver, 2 lesion, in canonical orientation.
    disagreement : mapping of str to ndarray of uint8
        For each stage that has one, how far the networks disagree, in percent.
    model : mapping of str to str, optional
        What tells which networks segmented it: names and values, written wherever there is room for them.
    anonymise : bool, optional
        Write DICOM without patient and study.
    overwrite : bool, optional
        Replace a folder that holds an earlier result, and nothing else.

    Returns
    -------
    Measurements

    Raises
    ------
    UserError
        If the folder holds something already.
    """
    check_free(folder, overwrite=overwrite)
    measured = measure(labels, exam.grid, disagreement, exam.series)
    with _as_a_whole(folder) as partial:
        write_map(partial / LABEL_MAP, labels, exam.grid)
        if exam.series:
            series = anonymised(exam.series) if anonymise else exam.series
            write_segmentation(partial / SEGMENTATION, labels, exam.grid, series, parameters=model)
            write_overlay(partial / OVERLAY, exam.hu, labels, exam.grid, series)
        told = json.dumps(_told(exam, measured, model or {}), indent=2, ensure_ascii=False, allow_nan=False)
        (partial / MEASUREMENTS).write_text(told + "\n", encoding="utf-8")
        files = _FILES | (_DICOM_FILES if exam.series else {})
        page = exam_page(exam, labels, disagreement, measured, files, _made(model or {}))
        (partial / PAGE).write_text(page, encoding="utf-8")
    return measured


def check_free(folder: Path, *, overwrite: bool) -> None:
    """Refuse to write into a folder that holds something; an earlier result alone may be replaced.

    Raises
    ------
    UserError
        If it does.
    """
    if not os.path.lexists(folder):
        return
    if folder.is_symlink() or not folder.is_dir():
        raise UserError("something else than a folder", file=folder, remedy="move it, or name another folder")
    held = {path.name for path in folder.iterdir()}
    if held - _NAMES:
        raise UserError(
            f"files that are not hepaflow's: {', '.join(sorted(held - _NAMES)[:3])}",
            file=folder,
            expected="no such folder yet",
            remedy="name another folder",
        )
    if held and not overwrite:
        raise UserError(
            "an earlier result", file=folder, expected="no such folder yet", remedy="name another, or --overwrite"
        )


@contextmanager
def _as_a_whole(folder: Path) -> Iterator[Path]:
    """Give a folder to write into, which takes its name when all is written; after an error nothing is left."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.parent / f".{folder.name}.{secrets.token_hex(4)}"
    partial.mkdir()
    try:
        yield partial
        if folder.exists():
            shutil.rmtree(folder)
        partial.replace(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _told(exam: LoadedExam, measured: Measurements, model: Mapping[str, str]) -> dict[str, object]:
    """Return the content of the file of measurements; nothing in it tells whose exam it is."""
    series = exam.series
    return {
        "exam": exam.name,
        "hepaflow": version(),
        "model": dict(model),
        "source": {"kind": "DICOM", "series_number": series.number, "series_description": series.description}
        if series
        else {"kind": "NIfTI"},
        "grid": {
            "slices_rows_columns": list(exam.grid.canonical_shape),
            "spacing_mm": [round(length, 6) for length in exam.grid.trusted_spacing or ()] or None,
            "axes": exam.grid.axes,
        },
        "labels": {str(value): name for value, name in LABELS.items()},
        **measured.as_json(),
        "exam_warnings": list(exam.warnings),
    }


def _made(model: Mapping[str, str]) -> str:
    networks = "; ".join(f"{name} {value}" for name, value in model.items())
    return f"Made by hepaflow {version()}" + (f" with the networks of: {networks}." if networks else ".")
