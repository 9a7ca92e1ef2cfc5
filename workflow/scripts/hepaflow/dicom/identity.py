"""What a header says of who the patient is, and texts without it."""

import re
import unicodedata
from collections.abc import Iterable, Set

from pydicom.dataset import Dataset

_NAMES = ("PatientName", "ReferringPhysicianName")
_NUMBERS = ("PatientID", "AccessionNumber", "StudyID")

_NO_NAMES = {"ct", "mr", "pt"}
"""Research archives call patients `Pancreas-CT-001`; without the rest, the modality tells nobody."""

_SHORT = 3  # letters; a shorter word than four counts only where it stands alone: 'Li', but not in 'Liver'
_SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "oe", "å": "aa", "æ": "ae"})


def identifiers(headers: Iterable[Dataset]) -> frozenset[str]:
    """Return the words and numbers of headers that tell who the patient is.

    Parameters
    ----------
    headers : iterable of Dataset

    Returns
    -------
    frozenset of str
        Words of names of two letters or more, numbers of three letters and digits or more, and the date of birth
        in the orders in which it is written; as `named_in` compares them.
    """
    found: set[str] = set()
    for header in headers:
        for element in _NAMES:
            words = re.split(r"[\W_]+", str(header.get(element) or "").casefold())
            found |= {
                form
                for word in words
                if len(word) > 1 and word not in _NO_NAMES
                for form in (_plain(word), _spelled_out(word))
            }
        for element in _NUMBERS:
            number = _plain(str(header.get(element) or "").strip())
            if sum(sign.isalnum() for sign in number) >= _SHORT:
                found.add(number)
        if date := re.fullmatch(r"(\d{4})(\d\d)(\d\d)", str(header.get("PatientBirthDate") or "")):
            year, month, day = date.groups()
            found |= {f"{year}-{month}-{day}", f"{day}-{month}-{year}", f"{month}-{day}-{year}"}
    return frozenset(found)


def named_in(text: str, found: Set[str]) -> bool:
    """Tell whether a text holds any of a patient's `identifiers`, whatever the case and the accents."""
    return redacted(text, found) != text


def redacted(text: str, found: Set[str]) -> str:
    """Return a text with asterisks in place of a patient's `identifiers`, whatever signs part their pieces.

    Examples
    --------
    >>> redacted("/data/MÜLLER_Li/Liver", {"muller", "mueller", "li"})
    '/data/***_***/Liver'
    """
    plain = _plain(text)
    hidden = [match.span() for word in found for match in re.finditer(_pattern(word), plain)]
    parts, end = [], 0
    for start, stop in sorted(hidden):
        if start >= end:
            parts += [text[end:start], "***"]
        end = max(end, stop)
    return "".join([*parts, text[end:]])


def _pattern(word: str) -> str:
    pieces = r"[\W_]*".join(re.escape(piece) for piece in re.split(r"[\W_]+", word) if piece)
    return rf"(?<![^\W_]){pieces}(?![^\W_])" if len(word) <= _SHORT else pieces


def _plain(text: str) -> str:
    """Return a text without case and accents, sign by sign: its length stays."""
    return "".join(unicodedata.normalize("NFKD", sign)[0].lower()[0] for sign in text)


def _spelled_out(word: str) -> str:
    return _plain(word.translate(_SPELLED_OUT))
