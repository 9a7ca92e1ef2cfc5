"""The page of an exam's viewer, and the smaller one that fits into the report."""

import base64
import html
import json
import math
import re
import zlib
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from hepaflow.colours import COLOURS
from hepaflow.names import STRUCTURES
from hepaflow.viewer.ct import CURVE_HU, CURVE_LEVELS, compand, encode
from hepaflow.viewer.exam import ViewedExam, count_overlap, first_slice, list_lesions, liver_box

SCRIPTS = ("slices.js", "outlines.js", "picture.js", "state.js", "tables.js", "moves.js", "controls.js")

EMBEDDED_LIMIT = 1_500_000
"""Bytes of a page that the report can hold. It holds pages as data URIs, which are a third longer, and Chromium
shows nothing, without a word, where one is longer than 2 MiB."""

_QUALITY, _QUALITY_SMALL = 95, 80
_SIDE_SMALL = 256


@dataclass(frozen=True)
class _Stack:
    """The slices of an exam as the page holds them, base64: pictures, and label maps (empty where all are 0)."""

    factor: int
    pictures: list[str]
    maps: list[str]


def viewer_page(exam: ViewedExam) -> str:
    """Return the viewer of an exam at full resolution, as an HTML page that needs nothing else."""
    return _page(_facts(exam), _stack(exam, 1, _QUALITY), 1)


def viewer_pages(exam: ViewedExam, *, limit: int = EMBEDDED_LIMIT) -> tuple[str, str]:
    """Return the viewer of an exam, as HTML pages that need nothing else.

    Parameters
    ----------
    exam : ViewedExam
    limit : int, optional
        Bytes that the second page may have.

    Returns
    -------
    full : str
        At the exam's full resolution.
    embedded : str
        The same where it fits into the limit, else with smaller slices, and fewer of them if need be. What it
        tells of Dice and lesions is still that of the whole exam at full resolution.

    Raises
    ------
    ValueError
        If not even one slice fits into the limit.
    """
    facts = _facts(exam)
    full = _page(facts, _stack(exam, 1, _QUALITY), 1)
    if len(full.encode()) <= limit:
        return full, full
    small = _stack(exam, math.ceil(max(exam.hu.shape[1:]) / _SIDE_SMALL), _QUALITY_SMALL)
    for step in range(1, len(exam.hu) + 1):
        page = _page(facts, small, step)
        if len(page.encode()) <= limit:
            return full, page
    raise ValueError(f"one slice of {exam.name}, and what belongs to it, take more than {limit} bytes")


def _stack(exam: ViewedExam, factor: int, quality: int) -> _Stack:
    layers = [*exam.layers, *exam.disagreement.values()]
    rows, columns = (
        np.minimum(np.arange(factor // 2, length + factor // 2, factor), length - 1)
        for length in exam.hu.shape[1:]
    )
    pictures, maps = [], []
    for index, hu in enumerate(exam.hu):
        pictures.append(_base64(encode(compand(hu), factor=factor, quality=quality)))
        shown = np.stack([layer[index][np.ix_(rows, columns)] for layer in layers])
        maps.append(_base64(zlib.compress(shown.tobytes(), 9)) if shown.any() else "")
    return _Stack(factor, pictures, maps)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _facts(exam: ViewedExam) -> dict[str, Any]:
    """Return what the page tells besides the slices, ready for JSON."""
    steps = exam.measured_in
    reference = exam.reference
    others = {} if reference is None else {"reference": reference}
    return {
        "exam": exam.name,
        "shape": exam.hu.shape,
        "spacing": exam.spacing,
        "inMillimetres": exam.in_millimetres,
        "curve": {"hu": CURVE_HU, "levels": CURVE_LEVELS},
        "structures": STRUCTURES,
        "colours": COLOURS,
        "methods": list(exam.methods),
        "liver": liver_box(exam),
        "disagreement": list(exam.disagreement),
        "hasReference": reference is not None,
        "start": first_slice(exam),
        "counts": [count_overlap(labels, one) for labels in exam.methods.values() for one in others.values()],
        "lesions": {
            "reference": [] if reference is None else list_lesions(reference, exam.methods, steps),
            "methods": [list_lesions(labels, others, steps) for labels in exam.methods.values()],
        },
    }


def _page(facts: dict[str, Any], stack: _Stack, step: int) -> str:
    """Put every `step`-th slice of a stack into the page."""
    slices = len(stack.pictures)
    kept = range(min(step // 2, slices - 1), slices, step)  # half a step from either end
    data = facts | {
        "factor": stack.factor,
        "kept": list(kept),
        "pictures": [stack.pictures[index] for index in kept],
        "maps": [stack.maps[index] for index in kept],
    }
    parts = {
        "exam": html.escape(facts["exam"]),
        "style": _file("page.css"),
        "script": "\n".join(map(_file, SCRIPTS)),
        # In a script element nothing but `<` could end the element or open another.
        "data": json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _file("page.html"))


def _file(name: str) -> str:
    return resources.files("hepaflow.viewer").joinpath(name).read_text(encoding="utf-8")
