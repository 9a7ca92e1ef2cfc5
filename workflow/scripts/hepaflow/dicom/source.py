"""A CT series as derived objects take it over: values in the right form, lengths that are those of the grid."""

import logging
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from pydicom import config
from pydicom.datadict import dictionary_VM
from pydicom.dataelem import DataElement
from pydicom.dataset import FileDataset
from pydicom.multival import MultiValue
from pydicom.valuerep import DA, TM, validate_value

from hepaflow.dicom.geometry import Plane
from hepaflow.dicom.headers import ALWAYS_THERE
from hepaflow.dicom.series import Series

_AS_THEY_ARE = {"UI", "PN", "LO", "SH", "LT", "ST", "UT", "SQ", "US", "SS"}
"""What tells whose an object is, and of which study, is taken over as it stands: else it would be another's."""

_GEOMETRY = {"PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "ImageType"}
"""Several values, which `Plane` has read."""

_LENGTHS = {"SpacingBetweenSlices", "SliceThickness"}

_ALIKE = ("ImageOrientationPatient", "PixelSpacing")
"""What slices of a volume share; in the last digits headers may differ, of which writers of DICOM make errors."""

_SAME_LENGTH = 0.01  # part of the distance between slices

_LARGEST = (1 << 31) - 1
"""Of whole numbers in DICOM."""


@contextmanager
def in_silence() -> Iterator[None]:
    """Keep the libraries' warnings to themselves: they spell out values of headers, which may name the patient."""
    logger = logging.getLogger("highdicom")
    before, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = before


def slice_distance(series: Series) -> float:
    """Return how far the slices of a series are apart, in mm, by their positions.

    Parameters
    ----------
    series : Series
        In the order that `read_series` returns.
    """
    first, last = (Plane.of(header) for header in (series.headers[0], series.headers[-1]))
    return float(np.linalg.norm(last.position - first.position)) / (len(series.headers) - 1)


def in_form(series: Series) -> Series:
    """Return a series from whose headers objects can be made that every reader takes for what they are.

    Parameters
    ----------
    series : Series
        A regular volume, in the order of its slices; remains as it is.

    Returns
    -------
    Series
        Values of the wrong form are gone, or empty where objects must have the element. SpacingBetweenSlices is
        the distance between positions, whatever the header said: readers compute volumes from it. What was
        changed is noted, without the values: they may tell whose they are.
    """
    distance = slice_distance(series)
    told = {str(header.get("SpacingBetweenSlices", "")) for header in series.headers} - {"", "None"}
    wrong: set[str] = set()
    headers = []
    gap = f"{distance:.10g}"  # a decimal string has up to 16 characters
    for header in series.headers:
        clean = FileDataset("", {}, file_meta=header.file_meta, preamble=bytes(128))
        for element in header:
            sound = _sound(element)
            if sound is not None:
                clean.add(sound)
                continue
            if element.keyword != "SpacingBetweenSlices":
                wrong.add(element.keyword)
            if element.keyword in ALWAYS_THERE:
                setattr(clean, element.keyword, "")
        for name in _ALIKE:
            clean[name] = series.headers[0][name]
        clean.SpacingBetweenSlices = gap
        if not clean.get("SliceThickness"):
            clean.SliceThickness = gap
        headers.append(clean)
    notes = [f"of the wrong form, and left out: {', '.join(sorted(wrong))}"] if wrong else []
    if any(_differs(one, distance) for one in told):
        notes.append(f"SpacingBetweenSlices of another length than slices are apart, {distance:.4g} mm")
    return replace(series, headers=tuple(headers), notes=(*series.notes, *notes))


def _sound(element: DataElement) -> DataElement | None:
    """Return an element that can be written and read again; None where its value is of another form."""
    name, kind, value = element.keyword, element.VR, element.value
    if kind == "PN" and isinstance(value, MultiValue):
        return DataElement(element.tag, kind, value[0] if value else "")
    if kind in _AS_THEY_ARE or name in _GEOMETRY or value in (None, ""):
        return element
    several = isinstance(value, MultiValue)
    if several and dictionary_VM(element.tag) == "1":
        return None
    try:
        for one in value if several else [value]:
            _check_form(name, kind, one)
    except (TypeError, ValueError, OverflowError):
        return None
    return element


def _check_form(name: str, kind: str, value: Any) -> None:
    """Raise an error where one value of an element has no form in which it can be written and read again."""
    if kind in ("DS", "IS"):
        number = float(value)
        if not math.isfinite(number) or (name in _LENGTHS and number <= 0):
            raise ValueError("no length")
        return
    validate_value(kind, str(value), config.RAISE)
    if calendar := {"DA": DA, "TM": TM}.get(kind):
        calendar(str(value))  # knows days and hours that there are not, and have the right form


def _differs(told: str, distance: float) -> bool:
    """Tell whether a SpacingBetweenSlices is another length; some scanners give it a sign, most leave it out."""
    try:
        return not abs(abs(float(told)) - distance) <= _SAME_LENGTH * distance
    except ValueError:
        return True


def raised(series: Series, by: int) -> int:
    """Return the number of a series that is made from another: a positive whole number that DICOM can hold."""
    return min(max(series.number or 0, 0), _LARGEST - by) + by


def instance_numbers(headers: Sequence[FileDataset]) -> list[int]:
    """Return the slices' instance numbers, so that viewers sort a derived series alike; else count."""
    given = [header.get("InstanceNumber") for header in headers]
    numbers = [int(number) for number in given if number not in (None, "")]
    if len(set(numbers)) == len(given) and min(numbers) >= 0:
        return numbers
    return list(range(1, len(given) + 1))
