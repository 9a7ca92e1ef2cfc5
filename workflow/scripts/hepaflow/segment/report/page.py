"""The web page of one segmented exam: one file that needs no network."""

import base64
import html
import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hepaflow.model.origin import NOTICE, ONLY_SIMPLE, Origin, in_words
from hepaflow.segment.report.measurements import MeasuredLesion, Measurements
from hepaflow.segment.report.montage import WINDOW, body_box, lesion_box, picture, spread_slices
from hepaflow.segment.report.numbers import ml_in_words, percent_in_html, sentence, volume_in_html
from hepaflow.segment.source import LoadedExam
from hepaflow.viewer.exam import ViewedExam
from hepaflow.viewer.page import viewer_page
from hepaflow.volumes.labels import structure_mask
from hepaflow.volumes.lesions import find_lesions
from hepaflow.volumes.volume import times
from hepaflow.web.template import file, page
from hepaflow.words import IN_WORDS

METHOD = "segmentation"
"""What the viewer calls the result."""

_SLICES = 8
_SLICE_WIDTH, _LESION_WIDTH = 440, 168  # pixels of pictures; about twice as they are shown, for dense screens
_VOLUME, _DIAMETER, _POSITION = "Volume, ml", "Diameter, mm", "Place, mm"
_PICTURED = 10
"""Lesions that get a picture; the others, the smallest, are listed in a table that opens at a click."""


def exam_page(
    exam: LoadedExam,
    labels: NDArray[np.uint8],
    disagreement: Mapping[str, NDArray[np.uint8]],
    measured: Measurements,
    files: Mapping[str, str],
    made: str,
    origin: Origin | None = None,
    *,
    threads: int = 1,
) -> str:
    """Return the page of an exam, as HTML.

    Parameters
    ----------
    exam : LoadedExam
    labels : ndarray of uint8, shape (slices, rows, columns)
        0 background, 1 liver, 2 lesion, in canonical orientation.
    disagreement : mapping of str to ndarray of uint8
        For each structure that has one, how far the networks disagree, in percent.
    measured : Measurements
        Of these labels.
    files : mapping of str to str
        What lies beside the page: names, and what each is.
    made : str
        By what the labels were made.
    origin : Origin, optional
        What the model was made from; None where that is not recorded.
    threads : int, optional
        That compress slices at once.
    """
    spacing = exam.grid.spacing if exam.grid.has_millimetres else (1.0, 1.0, 1.0)
    viewed = ViewedExam(exam.name, exam.hu, None, {METHOD: labels}, exam.grid, disagreement)
    low, high = WINDOW
    parts = {
        "title": exam.name,
        "script": file("segment/report", "page.js"),
        "about": _about(exam),
        "origin": origin_line(origin),
        "warnings": _warnings((*measured.warnings, *exam.warnings)),
        "cards": _cards(measured),
        "lesions": _lesions(exam, labels, measured, spacing[1:]),
        "several": bool(disagreement),
        "window": f"From {low} (black) to {high} HU (white).".replace("-", "−"),
        "montage": _montage(exam, labels, spacing[1:]),
        "viewer": viewer_page(viewed, threads=threads),
        "files": "\n".join(
            f"    <dt>{html.escape(name)}</dt><dd>{html.escape(what)}</dd>" for name, what in files.items()
        ),
        "made": made,
    }
    return page("segment/report", "page.html", **parts)


def origin_line(origin: Origin | None) -> str:
    """Return what a model was made from as a paragraph of HTML: in red where it is worth nothing."""
    simple = origin is not None and origin.of_simple_phantoms
    alarming, more = (" phantoms", f" {ONLY_SIMPLE}") if simple else ("", "")
    told = html.escape(in_words(origin))
    return f'<p class="origin{alarming}">Model: {told}.{more} <strong>{NOTICE}</strong></p>'


def _about(exam: LoadedExam) -> str:
    slices, rows, columns = exam.grid.canonical_shape
    parts = [f"{times((columns, rows, slices))} voxels"]
    if exam.series:
        number = "" if exam.series.number is None else f" {exam.series.number}"
        described = f" “{exam.series.description}”" if exam.series.description else ""
        parts.insert(0, f"DICOM series{number}{described}")
    if exam.grid.has_millimetres:
        between_slices, between_rows, between_columns = exam.grid.spacing
        parts.append(
            f"pixels of {between_columns:.2f} × {between_rows:.2f} mm, slices {between_slices:.2f} mm apart"
        )
    return " · ".join(parts)


def _warnings(warnings: tuple[str, ...]) -> str:
    if not warnings:
        return ""
    listed = "".join(f"<li>{html.escape(sentence(one))}</li>" for one in warnings)
    return f'<ul class="warnings" role="note">{listed}</ul>'


def _cards(measured: Measurements) -> str:
    disagreed = measured.disagreement_percent
    cards = [
        ("liver", "Liver, with lesions", volume_in_html(measured.liver_ml, measured.liver_voxels), ""),
        ("lesion", "Lesions", str(len(measured.lesions)), ""),
        ("lesion", "Volume of lesions", volume_in_html(measured.lesion_ml, measured.lesion_voxels), ""),
        ("lesion", "Tumour burden", percent_in_html(measured.tumour_burden_percent), "of the liver's volume"),
        *(
            (
                structure,
                f"Disagreement, {IN_WORDS[structure]}",
                f"{percent:.0f} %",
                "of networks",
            )
            for structure, percent in disagreed.items()
        ),
    ]
    return "\n".join(
        f'  <div class="{structure}"><h3>{name}</h3><p>{value}</p><small>{note}</small></div>'
        for structure, name, value, note in cards
    )


def _lesions(
    exam: LoadedExam, labels: NDArray[np.uint8], measured: Measurements, spacing: tuple[float, float]
) -> str:
    if not measured.lesions:
        return "  <p>No lesion was found.</p>"
    found = find_lesions(structure_mask(labels, "lesion"), None)  # in the same order
    rows = []
    for lesion, one in zip(measured.lesions, found, strict=True):
        shown = ""
        if lesion.number <= _PICTURED:
            around = lesion_box(one.box, labels.shape, spacing)
            cut = one.place[0], slice(*around.rows), slice(*around.columns)
            image = picture(exam.hu[cut], labels[cut], spacing, _LESION_WIDTH)
            shown = f'<img src="{_source(image)}" alt="Lesion {lesion.number}">'
        target = json.dumps([*one.place, [one.box.rows, one.box.columns]], separators=(",", ":"))
        rows.append(_row(lesion, shown, target))
    heads = _heads(exam, measured)
    table = _table(rows[:_PICTURED], heads)
    if rest := rows[_PICTURED:]:
        summary = f"<summary>{len(rest)} more, none larger than these</summary>"
        table += f"\n  <details>{summary}{_table(rest, heads)}</details>"
    return table


def _heads(exam: LoadedExam, measured: Measurements) -> list[str]:
    """Return the heads of the columns behind number and picture."""
    volume = "Volume" if measured.lesion_ml is None else _VOLUME
    slices = "Slice<br>(image in series)" if exam.series else "Slice"
    of_several = ["Networks'<br>disagreement"] if measured.lesions[0].disagreement_percent is not None else []
    return [volume, _DIAMETER, slices, _POSITION, *of_several, ""]


def _table(rows: list[str], heads: list[str]) -> str:
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    return (
        f'  <div class="scroll"><table class="lesions"><thead><tr><th scope="col">Lesion</th>'
        f'<th scope="col" class="picture"></th>{head}</tr></thead>\n<tbody>\n{"".join(rows)}</tbody></table></div>'
    )


def _row(lesion: MeasuredLesion, shown: str, target: str) -> str:
    image = "" if lesion.instance_number is None else f" ({lesion.instance_number})"
    place = "–" if lesion.position_lps_mm is None else position_in_letters(lesion.position_lps_mm)
    volume = ("Volume", f"{lesion.voxels} voxels") if lesion.ml is None else (_VOLUME, ml_in_words(lesion.ml))
    cells = {
        volume[0]: volume[1],
        _DIAMETER: "–" if lesion.diameter_mm is None else f"{lesion.diameter_mm:.0f}",
        "Slice (image in series)" if image else "Slice": f"{lesion.slice}{image}",
        _POSITION: place,
    }
    if lesion.disagreement_percent is not None:
        cells["Networks' disagreement"] = f"{lesion.disagreement_percent:.0f} %"
    joined = "".join(f'<td data-label="{label}"><span>{value}</span></td>' for label, value in cells.items())
    button = f'<td class="show"><button type="button" data-lesion="{target}">Show</button></td>'
    return f'<tr><td>{lesion.number}</td><td class="picture">{shown}</td>{joined}{button}</tr>\n'


def position_in_letters(lps: tuple[float, float, float]) -> str:
    """Return a position in mm with the letters of its side of the origin.

    Examples
    --------
    >>> position_in_letters((-60.2, 12.0, -431.7))
    'R 60 · P 12 · F 432'
    """
    return " · ".join(
        f"{letters[one < 0]} {abs(one):.0f}" for one, letters in zip(lps, ("LR", "PA", "HF"), strict=True)
    )


def _montage(exam: LoadedExam, labels: NDArray[np.uint8], spacing: tuple[float, float]) -> str:
    box = body_box(exam.hu)
    figures = []
    for index in spread_slices(labels, _SLICES):
        cut = index, slice(*box.rows), slice(*box.columns)
        image = picture(exam.hu[cut], labels[cut], spacing, _SLICE_WIDTH)
        caption = f"Slice {index + 1} of {len(labels)}"
        figures.append(
            f'    <figure><img src="{_source(image)}" alt="{caption}"><figcaption>{caption}</figcaption></figure>'
        )
    return "\n".join(figures)


def _source(image: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(image).decode('ascii')}"
