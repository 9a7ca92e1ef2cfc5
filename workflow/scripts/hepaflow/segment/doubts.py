"""What gives reason to doubt a result: a weak model, a liver unlike adults', an exam unlike those it has seen."""

from collections.abc import Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from hepaflow.exams.parenchyma import Parenchyma, parenchyma
from hepaflow.model.origin import Origin
from hepaflow.model.seen import Range, Seen
from hepaflow.segment.report.measurements import Measurements, reached_ends
from hepaflow.segment.report.numbers import ml_in_words
from hepaflow.segment.source import LoadedExam
from hepaflow.volumes.volume import Grid
from hepaflow.words import IN_WORDS, number

# 369 Chinese adults had 594 to 2250 ml (Feng et al. 2017, doi:10.3748/wjg.v23.i27.4968), livers that radiologists
# called enlarged 2320 ml on average, with a standard deviation of 750 (Linguraru et al. 2012,
# doi:10.1016/j.acra.2012.01.015): 4000 is 2.2 of these above. Larger ones, full of cysts or metastases, are rare.
SMALLEST_ML, LARGEST_ML = 500, 4000
"""Volumes of livers, with lesions, below and above which hardly any adult's is."""

LEAST_AT_AN_END_ML = 600
"""Volume of what an end of the exam cuts off, below which it may be no liver: the smallest whole one of the 369
adults had as much. In the pelvis of a real exam alone, the shipped model takes up to 592 ml of other organs for
one; 20 slices through the middle of a liver hold 699 ml."""

NARROWEST_MM = 270
"""Width below which hardly an adult's abdomen is seen as a whole: exams of heads have 200 to 250 mm, those of LiTS
287 or more (512 pixels of at least 0.56 mm, Bilic et al. 2023, doi:10.1016/j.media.2022.102680)."""

ROOM_OF_LENGTHS = 1.25
"""Factor by which an exam's spacing and noise may leave the range of the training exams, which are a sample."""
ROOM_OF_HU = 10
"""The same for the median of the liver, in HU: about a standard deviation between patients in one phase."""

WEAK = 0.65
"""Mean Dice on a model's test exams below which nobody should rely on a structure: a little below what the best of
the LiTS challenge of 2017 had for lesions (0.70, Bilic et al. 2023, doi:10.1016/j.media.2022.102680)."""

_NATIVE_LIVER, _NATIVE_VESSEL = 70, 75
"""HU that livers and the vessels in them hardly exceed without contrast agent: 50 to 65 and 35 to 50."""


def doubts(
    measured: Measurements, labels: NDArray[np.uint8], exam: LoadedExam, seen: Seen | None = None
) -> tuple[str, ...]:
    """Return what gives reason to doubt a result, in sentences without their full stops; nothing of it is certain.

    Parameters
    ----------
    measured : Measurements
        Of these labels.
    labels : ndarray of uint8, shape (slices, rows, columns)
        0 background, 1 liver, 2 lesion, in canonical orientation.
    exam : LoadedExam
    seen : Seen, optional
        What the model has seen. What is not known of that is not compared.
    """
    told = [_volume(measured, labels), _width(measured, exam.grid)]
    if seen is not None:
        liver = parenchyma(exam.hu, labels)
        told += [_height(exam.grid, seen), _slices(exam.grid, seen), _pixels(exam.grid, seen)]
        told += [_brightness(liver, seen), _noise(liver, seen), _disagreement(measured, seen)]
    return tuple(chain.from_iterable(told))


def weak(origin: Origin | None) -> tuple[str, ...]:
    """Return what a model finds so badly that nobody should rely on it, as its own test exams tell.

    Parameters
    ----------
    origin : Origin or None
        What the model was made from; where that is not known, nothing is said.
    """
    scores = {} if origin is None else origin.dice
    return tuple(
        f"do not rely on the {IN_WORDS[name]}: on its test exams, the model's mean Dice of the {IN_WORDS[name]} "
        f"was {number(dice, 2)}"
        for name, dice in scores.items()
        if dice < WEAK
    )


def _volume(measured: Measurements, labels: NDArray[np.uint8]) -> Iterator[str]:
    ml = measured.liver_ml
    if not ml:  # no liver, or no millimetres
        return
    if ml > LARGEST_ML:
        yield (
            f"the liver has {ml:.0f} ml, hardly any adult's more than {LARGEST_ML}: a part of it may be something "
            "else"
        )
    elif ml < SMALLEST_ML and not reached_ends(labels):
        yield (
            f"the liver has {ml_in_words(ml)} ml, hardly any adult's less than {SMALLEST_ML}: a part of it may be "
            "missing, or it may be none"
        )
    elif ml < LEAST_AT_AN_END_ML and reached_ends(labels):
        yield f"only {ml_in_words(ml)} ml of a liver are seen, at an end or edge of the exam: it may be none"


def _width(measured: Measurements, grid: Grid) -> Iterator[str]:
    """Tell of an exam without a liver that is as narrow as one of a head."""
    if measured.liver_voxels or grid.trusted_spacing is None:
        return
    _, rows, columns = grid.canonical_shape
    _, between_rows, between_columns = grid.trusted_spacing
    width = max(rows * between_rows, columns * between_columns)
    if width < NARROWEST_MM:
        yield (
            f"the exam is {width:.0f} mm wide, those of adults' abdomens hardly less than {NARROWEST_MM} mm: "
            "it may show another part of the body"
        )


def _height(grid: Grid, seen: Seen) -> Iterator[str]:
    """Tell of an exam that is too thin for networks that see volumes to recognise what it shows."""
    if grid.trusted_spacing is None or seen.height_mm is None:
        return
    height, (least, most) = grid.canonical_shape[0] * grid.trusted_spacing[0], seen.height_mm
    if height < least:
        yield (
            f"the exam is {height:.0f} mm high; the model was trained with {least:.0f} to {most:.0f} mm, and may "
            "recognise nothing in so few slices"
        )


def _slices(grid: Grid, seen: Seen) -> Iterator[str]:
    if grid.trusted_spacing is None:
        return
    between = grid.trusted_spacing[0]
    if _is_beyond(between, seen.slice_mm):
        yield f"slices lie {between:.3g} mm apart; the model was trained with {_in_words(seen.slice_mm)} mm"


def _pixels(grid: Grid, seen: Seen) -> Iterator[str]:
    if grid.trusted_spacing is None:
        return
    sides = sorted(grid.trusted_spacing[1:])
    beyond = [side for side in sides if _is_beyond(side, seen.pixel_mm)]
    if beyond:
        yield f"pixels have {beyond[-1]:.3g} mm; the model was trained with {_in_words(seen.pixel_mm)} mm"


def _brightness(liver: Parenchyma | None, seen: Seen) -> Iterator[str]:
    if liver is None or seen.liver_hu is None:
        return
    low, high = seen.liver_hu
    if low - ROOM_OF_HU <= liver.hu <= high + ROOM_OF_HU:
        return
    native = liver.hu <= _NATIVE_LIVER and liver.brightest <= _NATIVE_VESSEL
    like = ", as without contrast agent or before it reaches the liver" if native else ""
    yield (
        f"the liver has a median of {liver.hu:.0f} HU{like}; the model was trained with livers of {low:.0f} to "
        f"{high:.0f} HU"
    )


def _noise(liver: Parenchyma | None, seen: Seen) -> Iterator[str]:
    if liver is None or liver.noise is None:
        return
    if _is_beyond(liver.noise, seen.noise_hu):
        yield (
            f"the noise in the liver is {liver.noise:.2g} HU from pixel to pixel; the model was trained with "
            f"{_in_words(seen.noise_hu)} HU"
        )


def _disagreement(measured: Measurements, seen: Seen) -> Iterator[str]:
    for structure, percent in measured.disagreement_percent.items():
        largest = seen.disagreement_percent.get(structure)
        if largest is not None and percent > far_above(largest):
            yield (
                f"the networks disagree by {percent:.0f} % on the {IN_WORDS[structure]}, on no test exam of the "
                f"model by more than {largest:.0f} %"
            )


def far_above(largest: float) -> float:
    """Return the disagreement in percent above which an exam is unlike all test exams.

    Half as much again as the largest of them: one exam of eleven that are alike is above ten others, by less than
    that as a rule. Where little room is left to 100 %, as for lesions, half of that room.

    Examples
    --------
    >>> far_above(8), far_above(50), far_above(70)
    (12.0, 75.0, 85.0)
    """
    return largest + min(largest, 100 - largest) / 2


def _is_beyond(value: float, range_: Range | None) -> bool:
    if range_ is None:
        return False
    low, high = range_
    return not low / ROOM_OF_LENGTHS <= value <= high * ROOM_OF_LENGTHS


def _in_words(range_: Range | None) -> str:
    low, high = range_ or (0, 0)
    ends = dict.fromkeys(f"{end:.3g}" for end in (low, high))
    return " to ".join(ends)
