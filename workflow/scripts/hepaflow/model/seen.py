"""What the exams that a model was trained on are like: another kind gives reason to doubt a result.

It stands in what the model was made from (`model.origin`), and changes nothing of what is found.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any

import pandas as pd

from hepaflow.evaluation.disagreement import mean_disagreement
from hepaflow.names import STRUCTURES

Range = tuple[float, float]
"""The smallest and the largest of some numbers."""


@dataclass(frozen=True)
class Seen:
    """What a model has seen; None, and no entry, of what is not known.

    Attributes
    ----------
    slice_mm, pixel_mm : Range or None
        Distances between slices, and between pixels, of the training exams.
    liver_hu : Range or None
        Medians of their livers, beside lesions.
    noise_hu : Range or None
        Noise in their livers, from a pixel to the next (`exams.parenchyma`).
    disagreement_percent : mapping of str to float
        By structure: the largest mean disagreement of the networks on a test exam.
    height_mm : Range or None
        From the lowest to the highest slice of exams, where networks see volumes of phantoms that are drawn.
    """

    slice_mm: Range | None = None
    pixel_mm: Range | None = None
    liver_hu: Range | None = None
    noise_hu: Range | None = None
    disagreement_percent: Mapping[str, float] = field(default_factory=dict)
    height_mm: Range | None = None

    def with_more(self, other: "Seen") -> "Seen":
        """Return it with the ranges of another, too."""
        return Seen(
            **{name: _span((*(getattr(self, name) or ()), *(getattr(other, name) or ()))) for name in _RANGES},
            disagreement_percent=self.disagreement_percent,
        )

    def as_json(self) -> dict[str, Any]:
        """Return what is known, ready for JSON."""
        known = {name: list(ends) for name in _RANGES if (ends := getattr(self, name)) is not None}
        return known | ({_DISAGREEMENT: dict(self.disagreement_percent)} if self.disagreement_percent else {})

    @classmethod
    def of_json(cls, told: Any) -> "Seen":
        """Take it from JSON; keys of later versions are left out.

        Raises
        ------
        ValueError, KeyError, TypeError
            If it is something else.
        """
        if not isinstance(told, Mapping):
            raise TypeError(f"{told!r}, where what a model has seen was expected")
        largest = told.get(_DISAGREEMENT, {})
        return cls(
            **{name: _range(told[name]) for name in _RANGES if told.get(name) is not None},
            disagreement_percent={name: _number(largest[name]) for name in STRUCTURES if name in largest},
        )


_DISAGREEMENT = "disagreement_percent"
_RANGES = tuple(one.name for one in fields(Seen) if one.name != _DISAGREEMENT)


def seen_of(surveys: Iterable[Mapping[str, Any]], levels: pd.DataFrame | None = None) -> Seen:
    """Return what a model of a run has seen.

    Parameters
    ----------
    surveys : iterable of mapping
        Of the training exams, as `exams.survey.survey` returns them; those of earlier versions lack what livers
        are like.
    levels : DataFrame, optional
        How far the model's networks disagree on the test exams, as `evaluation.disagreement.error_by_disagreement`
        counts it.
    """
    exams = list(surveys)
    spacings = [one["spacing_mm"] for one in exams if one["in_millimetres"]]
    return Seen(
        slice_mm=_span(slices for slices, *_ in spacings),
        pixel_mm=_span(pixel for _, *pixels in spacings for pixel in pixels),
        liver_hu=_span(one.get("liver_hu") for one in exams),
        noise_hu=_span(one.get("noise_hu") for one in exams),
        disagreement_percent={} if levels is None else _largest(levels),
    )


def _span(numbers: Iterable[float | None]) -> Range | None:
    known = [number for number in numbers if number is not None]
    return (min(known), max(known)) if known else None


def _largest(levels: pd.DataFrame) -> dict[str, float]:
    """Return the largest disagreement by structure; none where it is nowhere above zero."""
    found = {
        name: round(float(mean_disagreement(levels[levels["structure"] == name])["disagreement"].max()), 2)
        for name in STRUCTURES
        if (levels["structure"] == name).any()
    }
    return {name: percent for name, percent in found.items() if percent > 0}


def _range(told: Any) -> Range:
    low, high = map(_number, told)
    if low > high:
        raise ValueError(f"a range from {low} to {high}")
    return low, high


def _number(told: object) -> float:
    number = float(str(told))
    if not isfinite(number):
        raise ValueError(f"a number {number}")
    return number
