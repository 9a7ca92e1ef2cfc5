"""The page of an exam's viewer, and the smaller one that fits into the report."""

import base64
import json
import math
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

import numpy as np

from hepaflow.colours import COLOURS
from hepaflow.names import STRUCTURES
from hepaflow.viewer.ct import CURVE_HU, CURVE_LEVELS, compand, encode
from hepaflow.viewer.exam import (
    ViewedExam,
    count_overlap,
    find_extents,
    first_place,
    list_lesions,
    marked_box,
    mean_disagreement,
    measured_steps,
    told_dice,
    told_volumes,
    voxel_places,
)
from hepaflow.viewer.looks import looks
from hepaflow.volumes.labels import structure_mask
from hepaflow.web.template import file, page

SCRIPTS = (
    "slices.js",
    "volume.js",
    "planes.js",
    "views.js",
    "outlines.js",
    "picture.js",
    "state.js",
    "readout.js",
    "rulers.js",
    "marks.js",
    "tables.js",
    "moves.js",
    "keys.js",
    "address.js",
    "controls.js",
)

EMBEDDED_LIMIT = 1_500_000
"""Bytes of a page that the report can hold. It holds pages as data URIs, which are a third longer, and Chromium
shows nothing, without a word, where one is longer than 2 MiB."""

_QUALITY, _QUALITY_SMALL = 95, 80
_SIDE_SMALL = 256


@dataclass(frozen=True)
class Beside:
    """What lies beside a viewer's page in the results, which it leads to.

    Attributes
    ----------
    previous, next : str or None
        Names of the exams whose viewers lie in the same folder; None before the first exam and after the last.
    report : str or None
        Where the run's report lies, from the page's folder.
    """

    previous: str | None = None
    next: str | None = None
    report: str | None = None

    def links(self) -> list[dict[str, str | None]]:
        """Return the links, ready for JSON: to what, its name and its address; None where there is none."""
        return [
            {"to": "previous exam", "name": self.previous, "address": _address(self.previous)},
            {"to": "next exam", "name": self.next, "address": _address(self.next)},
            {"to": "report", "name": self.report and "report", "address": self.report},
        ]


def _address(exam: str | None) -> str | None:
    return None if exam is None else f"./{quote(exam, safe='')}.html"


@dataclass(frozen=True)
class _Stack:
    """The slices of an exam as the page holds them, base64: pictures, and label maps (empty where all are 0)."""

    factor: int
    pictures: Sequence[str]
    maps: Sequence[str]


def viewer_page(exam: ViewedExam, *, threads: int = 1) -> str:
    """Return the viewer of an exam at full resolution, as an HTML page that needs nothing else.

    Parameters
    ----------
    exam : ViewedExam
    threads : int, optional
        That compress slices at once; the page is the same.
    """
    return _page(_facts(exam) | {"links": []}, _stack(exam, 1, _QUALITY, threads), 1)


def viewer_pages(
    exam: ViewedExam, *, beside: Beside | None = None, limit: int = EMBEDDED_LIMIT
) -> tuple[str, str]:
    """Return the viewer of an exam, as HTML pages that need nothing else.

    Parameters
    ----------
    exam : ViewedExam
    beside : Beside, optional
        Where the pages lead to.
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
    facts = _facts(exam) | {"links": beside.links() if beside else []}
    full = _page(facts, _stack(exam, 1, _QUALITY), 1)
    if len(full.encode()) <= limit:
        return full, full
    small = _stack(exam, math.ceil(max(exam.hu.shape[1:]) / _SIDE_SMALL), _QUALITY_SMALL)
    for step in range(1, len(exam.hu) + 1):
        page = _page(facts, small, step)
        if len(page.encode()) <= limit:
            return full, page
    raise ValueError(f"one slice of {exam.name}, and what belongs to it, take more than {limit} bytes")


def _stack(exam: ViewedExam, factor: int, quality: int, threads: int = 1) -> _Stack:
    layers = [*exam.layers, *exam.disagreement.values()]
    rows, columns = (
        np.minimum(np.arange(factor // 2, length + factor // 2, factor), length - 1)
        for length in exam.hu.shape[1:]
    )

    def drawn(index: int) -> tuple[str, str]:
        picture = encode(compand(exam.hu[index]), factor=factor, quality=quality)
        shown = np.stack([layer[index][np.ix_(rows, columns)] for layer in layers])
        return _base64(picture), _base64(zlib.compress(shown.tobytes(), 9)) if shown.any() else ""

    with ThreadPoolExecutor(threads) as pool:
        pictures, maps = zip(*pool.map(drawn, range(len(exam.hu))), strict=True)
    return _Stack(factor, pictures, maps)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _facts(exam: ViewedExam) -> dict[str, Any]:
    """Return what the page tells besides the slices, ready for JSON."""
    steps = exam.grid.trusted_steps
    reference = exam.reference
    others = {} if reference is None else {"reference": reference}
    names = [*others, *exam.methods]
    return {
        "exam": exam.name,
        "shape": exam.hu.shape,
        "spacing": exam.grid.spacing,
        "inMillimetres": exam.grid.has_millimetres,
        "steps": measured_steps(exam),
        "places": voxel_places(exam),
        "curve": {"hu": CURVE_HU, "levels": CURVE_LEVELS},
        "structures": STRUCTURES,
        "colours": COLOURS,
        "methods": list(exam.methods),
        "opened": list(exam.methods).index(exam.opened),
        "looks": [asdict(look) for look in looks(names, methods_from=len(others))],
        "liver": marked_box(exam.layers),
        "marked": marked_box([*exam.layers, *exam.disagreement.values()]),
        "extents": find_extents(exam.trusted),
        "volumes": told_volumes(exam),
        "dice": told_dice(exam),
        "disagreement": list(exam.disagreement),
        "disagreed": {
            structure: mean_disagreement(percent, structure_mask(exam.methods[exam.opened], structure))
            for structure, percent in exam.disagreement.items()
            if structure in STRUCTURES
        },
        "hasReference": reference is not None,
        "start": first_place(exam),
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
        "step": step,
        "pictures": [stack.pictures[index] for index in kept],
        "maps": [stack.maps[index] for index in kept],
    }
    parts = {
        "title": facts["exam"],
        "script": "\n".join(['"use strict";', *(file("viewer", name) for name in SCRIPTS)]),
        # In a script element nothing but `<` could end the element or open another.
        "data": json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
    }
    return page("viewer", "page.html", **parts)
