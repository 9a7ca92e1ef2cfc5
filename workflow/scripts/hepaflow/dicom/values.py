"""Numbers and texts of headers, in whatever form they were written; what has a wrong form is as good as absent."""

import math
import re
from collections.abc import Sequence
from typing import Any

from pydicom.datadict import dictionary_VM, dictionary_VR, keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.valuerep import DSfloat

_WHOLE, _REAL = frozenset(("IS", "US", "SS", "UL", "SL", "US or SS")), frozenset(("DS", "FD", "FL"))

_COMMA = re.compile(r"[+-]?\d+,\d+")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
"""What may be a decimal comma, or one between thousands: -1,024."""

_LONGEST = 1 << 31  # what an IS holds; a number that no writer could write again is none

_UID = re.compile(r"\d+(\.\d+)*")
_LONGEST_UID = 64


def text(header: Dataset, name: str) -> str:
    """Return an element's value as text, without padding; empty where it is absent."""
    return "\\".join(str(part) for part in _parts(header.get(name))).strip(" \0\t\r\n")


def uid(header: Dataset, name: str) -> str:
    """Return an element's UID; empty where it is absent, or none that may be written."""
    found = text(header, name)
    return found if _UID.fullmatch(found) and len(found) <= _LONGEST_UID else ""


def number(header: Dataset, name: str) -> float | None:
    """Return an element's one number, or None."""
    found = numbers(header, name, 1)
    return found[0] if found else None


def whole(header: Dataset, name: str) -> int | None:
    """Return an element's one whole number, or None."""
    found = number(header, name)
    return int(found) if found is not None and found.is_integer() else None


def numbers(header: Dataset, name: str, count: int) -> tuple[float, ...] | None:
    """Return an element's finite numbers where there are as many as belong there, or None.

    Examples
    --------
    >>> header = Dataset()
    >>> header.PixelSpacing = [0.5, 0.5]
    >>> numbers(header, "PixelSpacing", 2), numbers(header, "PixelSpacing", 3), number(header, "SliceThickness")
    ((0.5, 0.5), None, None)
    """
    return _parsed(_parts(header.get(name)), count)


def settle(header: Dataset) -> tuple[frozenset[str], list[str]]:
    """Decode every element of a header, in place, so that nothing that reads or copies it later can stumble.

    Parameters
    ----------
    header : Dataset

    Returns
    -------
    wrong : frozenset of str
        Names of the elements that held no such numbers as belong there, or could not be decoded; they are out.
    notes : list of str
        What was read in another form than the standard's.
    """
    wrong, notes = set(), []
    for tag in list(header.keys()):
        name = keyword_for_tag(tag)
        try:
            value = header[tag].value
        except Exception:  # pydicom raises nearly every built-in error on a malformed value
            del header[tag]
            wrong.add(name)
            continue
        kind = dictionary_VR(tag) if name else ""
        if kind not in _WHOLE | _REAL or not (parts := _parts(value)):
            continue
        found = _parsed(parts, _count(tag))
        if found is None or (kind in _WHOLE and not all(_fits(one) for one in found)):
            del header[tag]
            wrong.add(name)
        elif (
            len(parts) != len(found) or header[tag].VR not in kind or any(isinstance(part, str) for part in parts)
        ):
            del header[tag]  # its form is the standard's from here on
            clean = [int(one) if kind in _WHOLE else _real(one, kind) for one in found]
            setattr(header, name, clean[0] if len(clean) == 1 else clean)
            if any("," in str(part) for part in parts):
                notes.append(f"a decimal comma in {name}: read as a point")
    return frozenset(wrong), notes


def _parts(value: Any) -> list[Any]:
    if value is None or value == "" or isinstance(value, bytes):
        return [value] if isinstance(value, bytes) else []
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _count(tag: BaseTag) -> int | None:
    """Return how many values belong into an element; None where that is open."""
    count = dictionary_VM(tag)
    return int(count) if count.isdigit() else None


def _parsed(parts: Sequence[Any], count: int | None) -> tuple[float, ...] | None:
    found = [_number(part) for part in parts]
    if count == 1 and len(set(found)) == 1:  # the same said twice
        found = found[:1]
    if not found or None in found or count not in (None, len(found)):
        return None
    return tuple(one for one in found if one is not None)


def _number(part: Any) -> float | None:
    if isinstance(part, bytes):
        return None
    written = str(getattr(part, "original_string", part)).strip(" \0\t\r\n")
    if _COMMA.fullmatch(written) and not _THOUSANDS.fullmatch(written):
        written = written.replace(",", ".")
    try:
        found = float(written)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _real(one: float, kind: str) -> float:
    return DSfloat(one, auto_format=True) if kind == "DS" else one  # else it may be too long to be written


def _fits(one: float) -> bool:
    return one.is_integer() and abs(one) < _LONGEST
