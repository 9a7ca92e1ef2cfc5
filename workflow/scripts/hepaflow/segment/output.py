"""What is written of a segmented exam: label map, DICOM, page and measurements, in a folder of its own."""

import functools
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepaflow.dicom.derived import Remarks
from hepaflow.dicom.identity import identifiers, redacted
from hepaflow.dicom.overlay import write_overlay
from hepaflow.dicom.privacy import anonymised
from hepaflow.dicom.segmentation import write_segmentation
from hepaflow.errors import UserError
from hepaflow.model.origin import NOTICE, Origin, in_short, in_words
from hepaflow.segment.doubts import doubts, weak
from hepaflow.segment.outside_liver import Outside
from hepaflow.segment.report.measurements import Measurements, measure
from hepaflow.segment.report.montage import thumbnail
from hepaflow.segment.report.page import exam_page
from hepaflow.segment.result_folder import MEASUREMENTS, as_a_whole, aside, check_free, measurements_in
from hepaflow.segment.source import LoadedExam, Source
from hepaflow.version import UNKNOWN, this_version
from hepaflow.volumes.labels import LABELS
from hepaflow.volumes.volume import write_map

LABEL_MAP, PAGE = "segmentation.nii.gz", "report.html"
SEGMENTATION, OVERLAY, THUMBNAIL = "segmentation.dcm", "overlay", "thumbnail.webp"

_FILES = {
    LABEL_MAP: "label map on the exam's own grid: 0 background, 1 liver, 2 lesion",
    MEASUREMENTS: "the numbers of this page, for programs",
    THUMBNAIL: "small picture, for the overview of several exams",
}
_DICOM_FILES = {
    SEGMENTATION: "DICOM Segmentation with the segments Liver (with lesions) and Lesion",
    f"{OVERLAY}/": "the slices in colour as a DICOM series: liver green, lesions red",
}
NAMES = {LABEL_MAP, MEASUREMENTS, PAGE, THUMBNAIL, SEGMENTATION, OVERLAY, ".sha256"}
"""All that an earlier result can consist of; the last are digests that jobs of the workflow note."""

_BYTES_OF_A_VOXEL = 0.5
"""In page and label map: 0.2 in exams of 512 × 512 pixels, half a byte in small ones with much noise."""

_BYTES_OF_DICOM = 3.25
"""In overlay and segmentation, which are not compressed: three colours, and a bit for each of two segments."""


@dataclass(frozen=True)
class Written:
    """What was written of an exam.

    Attributes
    ----------
    measured : Measurements
        With warnings of what is missing.
    missing : tuple of str
        Which results could not be written, and why; without the patient.
    """

    measured: Measurements
    missing: tuple[str, ...] = ()


def write_exam(
    folder: Path,
    exam: LoadedExam,
    labels: NDArray[np.uint8],
    disagreement: Mapping[str, NDArray[np.uint8]],
    *,
    model: Mapping[str, str] | None = None,
    origin: Origin | None = None,
    anonymise: bool = False,
    overwrite: bool = False,
    digest: str = "",
    content: str = "",
    outside: Outside | None = None,
    notes: Sequence[str] = (),
    threads: int = 1,
) -> Written:
    """Write everything about a segmented exam into a folder, which is there as a whole or not at all.

    Without the label map and the measurements there is no result. Any other part that cannot be written is left
    out, and the measurements say so.

    Parameters
    ----------
    folder : Path
        Folder to make. An empty one may be there.
    exam : LoadedExam
    labels : ndarray of uint8, shape (slices, rows, columns)
        0 background, 1 liver, 2 lesion, in canonical orientation.
    disagreement : mapping of str to ndarray of uint8
        For each structure that has one, how far the networks disagree, in percent.
    model : mapping of str to str, optional
        What tells which networks segmented it: names and values, written wherever there is room for them.
    origin : Origin, optional
        What the model was made from; None where that is not recorded. Every result says it, and that it is no
        medical device's.
    anonymise : bool, optional
        Write DICOM without patient and study.
    overwrite : bool, optional
        Replace a folder that holds an earlier result, and nothing else.
    digest : str, optional
        By which the result is known as that of this exam. That of another exam is not replaced.
    content : str, optional
        By which it is known that the exam's files have not changed since.
    outside : Outside, optional
        What lay outside of the liver.
    notes : sequence of str, optional
        What else gives reason to doubt the labels.
    threads : int, optional
        That compress slices of the page at once.

    Raises
    ------
    UserError
        If the folder holds something already, or cannot be written to.
    """
    check_result(folder, overwrite=overwrite, digest=digest)
    measured = _with_warnings(measure(labels, exam.grid, disagreement, exam.series), notes)
    unlike = doubts(measured, labels, exam, origin.seen if origin else None)
    measured = _with_warnings(measured, (*weak(origin), *unlike))
    missing: list[str] = []
    try:
        with as_a_whole(folder, NAMES, overwrite=overwrite, digest=digest) as partial:
            write_map(partial / LABEL_MAP, labels, exam.grid)
            for name, write in _dicom_writers(exam, labels, anonymise, model, origin).items():
                missing += _attempt(partial / name, write, exam)
            spacing = exam.grid.spacing[1:] if exam.grid.has_millimetres else (1.0, 1.0)
            small = functools.partial(thumbnail, exam.hu, labels, spacing)
            missing += _attempt(partial / THUMBNAIL, lambda path: path.write_bytes(small()), exam)

            def write_page(path: Path) -> None:
                told = _with_warnings(measured, missing)
                files = {
                    name: what
                    for name, what in _listed(exam).items()
                    if name == MEASUREMENTS or (partial / name).exists()
                }
                made = _made(model or {})
                page = exam_page(exam, labels, disagreement, told, files, made, origin, threads=threads)
                path.write_text(page, encoding="utf-8")

            missing += _attempt(partial / PAGE, write_page, exam)
            measured = _with_warnings(measured, missing)
            told = json.dumps(
                _told(exam, measured, model or {}, origin, outside, digest, content, anonymise),
                indent=2,
                ensure_ascii=False,
                allow_nan=False,
            )
            (partial / MEASUREMENTS).write_text(told + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"results that cannot be written ({error.strerror})",
            exam=exam.name,
            file=folder,
            remedy="make room, change the permissions of the folder for results, or name another folder",
        ) from None
    return Written(measured, tuple(missing))


def check_result(folder: Path, *, overwrite: bool, digest: str = "") -> None:
    """Refuse to write a result where something else lies, or an earlier one that is not to be replaced.

    `write_exam` has the parameters.

    Raises
    ------
    UserError
        If so.
    """
    check_free(folder, NAMES, overwrite=overwrite, digest=digest)


def is_up_to_date(
    folder: Path,
    exam: Source,
    model: Mapping[str, str],
    origin: Origin | None,
    *,
    content: str,
    anonymise: bool,
    keep_outside: bool,
) -> bool:
    """Return whether a folder holds what a command would write into it.

    That is the whole result of the same files, by the same model and version of hepaflow, with the same options.
    Results of earlier versions do not tell all of this. Nor does a version with changes.

    Parameters
    ----------
    folder : Path
    exam : Source
    model, origin
        Of the model that the command has, as for `write_exam`.
    content : str
        Digest of the exam's files, as for `write_exam`; not empty.
    anonymise, keep_outside : bool
        As `write_exam` and `result_of` have them. Where they would make no difference, they do not count.
    """
    told = measurements_in(folder)
    try:
        found = told["source"]["content"], told["hepaflow"], told["model"], told["model_origin"]
        outside = told["outside_liver"]
        as_wanted = told["anonymised"] == anonymise or not exam.series
        as_wanted &= not outside["voxels"] or outside["margin_mm"] is None or outside["left_out"] != keep_outside
    except (KeyError, TypeError):
        return False
    this = this_version()
    if not as_wanted or this.changed or this.number == UNKNOWN:
        return False
    whole = {*_FILES, PAGE} | ({SEGMENTATION, OVERLAY} if exam.series else set())
    return found == (content, this.number, model, _of_model(origin)) and all(
        _holds(folder / name) for name in whole
    )


def _holds(path: Path) -> bool:
    """Return whether something is in a file or folder."""
    return any(path.iterdir()) if path.is_dir() else path.is_file() and path.stat().st_size > 0


def _of_model(origin: Origin | None) -> dict[str, object]:
    return {"in_words": in_words(origin), **(origin.as_json() if origin else {})}


def rehearse(folder: Path, exam: LoadedExam, *, anonymise: bool = False) -> list[str]:
    """Find out before the networks run what will not be written, by making DICOM of this exam's headers.

    Parameters
    ----------
    folder : Path
        The result's.
    exam : LoadedExam
    anonymise : bool, optional
        As for `write_exam`.

    Returns
    -------
    list of str
        Which results cannot be written, and why; without the patient.

    Raises
    ------
    UserError
        If the disk has no room for the result.
    """
    bytes_of_a_voxel = _BYTES_OF_A_VOXEL + (_BYTES_OF_DICOM if exam.series else 0)
    needed, free = bytes_of_a_voxel * exam.hu.size, shutil.disk_usage(folder.parent).free
    if needed > free:
        raise UserError(
            f"{free / 1e6:.0f} MB free",
            exam=exam.name,
            file=folder.parent,
            expected=f"about {needed / 1e6:.0f} MB for the result",
            remedy="make room, or name a folder on a larger disk",
        )
    if exam.series is None:
        return []
    labels = np.zeros(exam.hu.shape, np.uint8)
    labels.flat[:2] = 1, 2  # a frame of either segment
    with aside(folder.parent, "partial") as partial:
        writers = _dicom_writers(exam, labels, anonymise, None, None, pixels=False)
        return [told for name, write in writers.items() for told in _attempt(partial / name, write, exam)]


def _dicom_writers(
    exam: LoadedExam,
    labels: NDArray[np.uint8],
    anonymise: bool,
    model: Mapping[str, str] | None,
    origin: Origin | None,
    *,
    pixels: bool = True,
) -> dict[str, Callable[[Path], object]]:
    """Return what writes an exam's DICOM results, by their names; nothing for a NIfTI exam."""
    given = exam.series
    if given is None:
        return {}
    series = functools.cache(lambda: anonymised(given) if anonymise else given)  # both belong to one new study
    remarks = Remarks(in_words(origin), in_short(origin), NOTICE)
    return {
        SEGMENTATION: lambda path: write_segmentation(
            path, labels, exam.grid, series(), parameters=model, remarks=remarks
        ),
        OVERLAY: lambda path: write_overlay(
            path, exam.hu, labels, exam.grid, series(), pixels=pixels, remarks=remarks
        ),
    }


def _attempt(path: Path, write: Callable[[Path], object], exam: LoadedExam) -> list[str]:
    """Write a part of the result that it can do without; where that fails, leave nothing of it and say why."""
    try:
        write(path)
    except Exception as error:  # the libraries raise nearly every built-in error on headers of the wrong form
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        reason = (error.strerror if isinstance(error, OSError) else "") or f"{type(error).__name__}: {error}"
        whose = identifiers(exam.series.headers) if exam.series else frozenset()
        return [f"{path.name} could not be written ({redacted(reason, whose)})"]
    return []


def _with_warnings(measured: Measurements, more: Sequence[str]) -> Measurements:
    return replace(measured, warnings=(*measured.warnings, *more))


def _listed(exam: LoadedExam) -> dict[str, str]:
    return _FILES | (_DICOM_FILES if exam.series else {})


def _told(
    exam: LoadedExam,
    measured: Measurements,
    model: Mapping[str, str],
    origin: Origin | None,
    outside: Outside | None,
    digest: str,
    content: str,
    anonymise: bool,
) -> dict[str, object]:
    """Return the content of the file of measurements; nothing in it tells whose exam it is."""
    series = exam.series
    source = (
        {"kind": "DICOM", "series_number": series.number, "series_description": series.description}
        if series
        else {"kind": "NIfTI"}
    )
    return {
        "exam": exam.name,
        "hepaflow": this_version().number,
        "notice": NOTICE,
        "model": dict(model),
        "model_origin": _of_model(origin),
        "source": source | {name: one for name, one in (("digest", digest), ("content", content)) if one},
        "anonymised": anonymise,
        "grid": {
            "slices_rows_columns": list(exam.grid.canonical_shape),
            "spacing_mm": [round(length, 6) for length in exam.grid.trusted_spacing or ()] or None,
            "axes": exam.grid.axes,
        },
        "labels": {str(value): name for value, name in LABELS.items()},
        **measured.as_json(),
        "outside_liver": None if outside is None else asdict(outside),
        "exam_warnings": list(exam.warnings),
    }


def _made(model: Mapping[str, str]) -> str:
    networks = "; ".join(f"{name} {value}" for name, value in model.items())
    return f"Made by hepaflow {this_version().number}" + (
        f" with the networks of: {networks}." if networks else "."
    )
