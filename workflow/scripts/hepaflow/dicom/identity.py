"""What a header says of who the patient is, and texts without it."""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from functools import lru_cache
from itertools import permutations
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from hepaflow.errors import UserError

_NAMES = ("PatientName", "ReferringPhysicianName")
_NUMBERS = ("PatientID", "AccessionNumber", "StudyID")

_NO_NAMES = {"ct", "mr", "pt"}
"""Research archives call patients `Pancreas-CT-001`; without the rest, the modality tells nobody."""

_SHORT = 3  # letters; a shorter word than four counts only where it stands alone: 'Li', but not in 'Liver'
_MOST_WORDS = 6
"""Of a name, that are looked for written together."""

_ONE_SIGN = str.maketrans(
    {
        "ø": "o",
        "å": "a",
        "æ": "ae",
        "œ": "oe",
        "ß": "ss",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ı": "i",
        "ħ": "h",
    }
)
_SPELLED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})

_TO_HIRAGANA = ord("ァ") - ord("ぁ")

_ALONE = "="
"""Begins what short words make together: it counts only where it stands alone, not 'anali' in 'analisi'."""

# A letter with its accents, a syllable of Hangul in pieces, a narrow kana with its mark.
_SIGN = re.compile(r"[\u1100-\u115f][\u1160-\u11ff]*|.[\u0300-\u036f\u3099\u309a\uff9e\uff9f]*", re.DOTALL)

_QUOTED = re.compile(r"""(?<!\w)'[^']*'(?!\w)|"[^"]*"|\([^()]*\)""")
_OWN_WORD = re.compile(r"(?<!\S)[a-z]+(-[a-z]+)*(?=[,.:;]?(?:\s|$))")

_CHARACTER_SETS = (
    "utf-8", "gb18030", "big5", "shift_jis", "euc_jp", "iso2022_jp", "euc_kr", "cp1251", "iso8859_7", "cp1250",
    "cp437",
)  # fmt: skip
"""In which names are written that say nothing of it, or say it wrongly."""

_WRONGLY_READ_AS = ("latin-1", "cp1252", "cp437")
"""As which programs read what says nothing of its character set."""

_WITHOUT_SPACES = (
    (0x1100, 0x11FF), (0x2E80, 0x2FDF), (0x3040, 0x30FF), (0x3130, 0x318F), (0x31F0, 0x31FF), (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF), (0xAC00, 0xD7AF), (0xF900, 0xFAFF), (0x20000, 0x3134F),
)  # fmt: skip
"""Chinese characters, kana and Hangul: words do not stand apart."""


def identifiers(headers: Iterable[Dataset]) -> frozenset[str]:
    """Return the words and numbers of headers that tell who the patient is.

    Parameters
    ----------
    headers : iterable of Dataset

    Returns
    -------
    frozenset of str
        Words of names of two letters or more, and short ones written together in either order; numbers of three
        letters and digits or more; the date of birth in the orders in which it is written. As `named_in` compares
        them.
    """
    found: set[str] = set()
    for header in headers:
        raw = getattr(header, "undecoded_names", {})
        for element in _NAMES:
            for name in _readings(header.get(element), raw.get(element, b"")):
                for writing in name.split("="):  # in letters, in ideographs, by their sound
                    found |= _forms(writing)
        for element in _NUMBERS:
            number = _plain(str(header.get(element) or "").strip())
            if sum(sign.isalnum() for sign in number) >= _SHORT:
                found.add(number)
        if date := re.fullmatch(r"(\d{4})(\d\d)(\d\d)", str(header.get("PatientBirthDate") or "")):
            year, month, day = date.groups()
            for one in (year, year[2:]):
                found |= {f"{one}-{month}-{day}", f"{day}-{month}-{one}", f"{month}-{day}-{one}"}
    return frozenset(found)


def undecoded(header: Dataset) -> dict[str, bytes]:
    """Return the names in a header as bytes, from before pydicom has decoded them, which loses what it cannot."""
    items = {name: header.get_item(name) for name in _NAMES if name in header}
    return {name: item.value for name, item in items.items() if isinstance(item.value, bytes)}


def _readings(value: Any, raw: bytes) -> Iterator[str]:
    """Yield a name as it was decoded, and as it reads in other character sets that may be meant."""
    text = str(value or "").replace("\\", "^")
    yield text
    if raw and (b"\x1b" in raw or not raw.isascii()):
        yield from _decoded([raw])


def _decoded(contents: Iterable[bytes]) -> Iterator[str]:
    """Yield what bytes say in the character sets in which they may be meant."""
    for content in contents:
        for name in _CHARACTER_SETS:
            try:
                yield content.decode(name)
            except UnicodeError:
                continue


def _wrongly_decoded(text: str) -> set[bytes]:
    """Return the bytes that a text may have been before it was decoded in the wrong character set."""
    found = set()
    for wrong in _WRONGLY_READ_AS:
        try:
            found.add(text.encode(wrong))
        except UnicodeError:
            continue
    try:
        text.encode()
    except UnicodeError:  # the name of a file that is no UTF-8
        found.add(os.fsencode(text))
    return found


@lru_cache(maxsize=256)  # the slices of a series have the same names
def _forms(name: str) -> frozenset[str]:
    """Return the words of a name, and what short ones make written together."""
    words = [word for word in re.split(r"[\W_]+", name) if word and _plain(word) not in _NO_NAMES][:_MOST_WORDS]
    found = {form for word in words if len(word) > 1 for form in (_plain(word), _spelled_out(word))}
    found |= {_ALONE + _plain(word) for word in words if len(word) == 1 and _without_spaces(word)}
    for one, other in permutations(map(_plain, words), 2):
        if _without_spaces(one + other):
            found.add(one + other)
        elif len(one) <= _SHORT and len(other) <= _SHORT:
            found.add(_ALONE + one + other)
    for initial in [_plain(word)[0] for word in words[1:]]:
        family = _plain(words[0])
        if 1 < len(family) <= _SHORT and not _without_spaces(family):
            found |= {_ALONE + family + initial, _ALONE + initial + family}
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
    return _other_writings(_hidden(text, found), found)


def retold(text: str, found: Set[str]) -> str:
    """Return a message of hepaflow's own without a patient's `identifiers`, but with all of its own words.

    A patient may be called One, or Mali as in 'normalised'. A word in small letters between spaces is hepaflow's;
    what a message quotes stands in quotes, parentheses or paths, or is written as headers write it.

    Examples
    --------
    >>> retold("one of the files in /data/One ('phase one')", {"one"})
    "one of the files in /data/*** ('phase ***')"
    """
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    own = [
        match.span()
        for match in _OWN_WORD.finditer(text)
        if not any(start < match.start() < stop for start, stop in quoted)
    ]
    return _other_writings(_hidden(text, found, own), found)


def without_patient(error: UserError, found: Set[str], place: Path) -> UserError:
    """Return an error without a patient's `identifiers`.

    Parameters
    ----------
    error : UserError
    found : set of str
    place : Path
        Where the exams lie; names of files below it are nobody's own words.
    """
    return error.reworded(
        lambda text: redacted(text, found) if text.startswith(str(place)) else retold(text, found)
    )


def _hidden(text: str, found: Set[str], own: Sequence[tuple[int, int]] = ()) -> str:
    spans: list[tuple[int, int]] = []
    for writing in (_one_form, _spelled):
        plain, starts, stops = _sign_by_sign(text, writing)
        for word in _perhaps_in(plain, frozenset(found)):
            for match in re.finditer(_pattern(word), plain):
                start, stop = starts[match.start()], stops[match.end() - 1]
                is_own = any(first <= start and stop <= last for first, last in own)
                if not is_own and (_stands_alone(text, start, stop) or not _must_stand_alone(word)):
                    spans.append((start, stop))
    parts, end = [], 0
    for start, stop in sorted(spans):
        if start >= end:
            parts += [text[end:start], "***"]
        end = max(end, stop)
    return "".join([*parts, text[end:]])


def _other_writings(text: str, found: Set[str]) -> str:
    """Hide words that name the patient in another character set than they are read in."""

    def hidden(match: re.Match[str]) -> str:
        word = match[0]
        return "***" if any(_hidden(one, found) != one for one in _decoded(_wrongly_decoded(word))) else word

    return re.sub(r"[^\s/\\]*[^\x00-\x7f][^\s/\\]*", hidden, text) if found else text


def _must_stand_alone(word: str) -> bool:
    return word.startswith(_ALONE) or (len(word) <= _SHORT and not _without_spaces(word))


def _stands_alone(text: str, start: int, stop: int) -> bool:
    """Tell whether a word stands between other signs, beside digits, or where capitals begin a new word."""
    before, piece, after = text[start - 1 : start] if start else "", text[start:stop], text[stop : stop + 1]
    if not piece.isalpha():  # a number
        return not before.isalnum() and not after.isalnum()
    if _without_spaces(piece):  # a single sign, which in other words means something else
        return not before.isalpha() and not after.isalpha()
    capital = piece[0].isupper() and (before.islower() or not piece.isupper())  # the L in 'BoLi' and in 'CTLi'
    begins = not before.isalpha() or capital or _without_spaces(before)
    ends = not after.isalpha() or (piece[-1].islower() and after.isupper()) or _without_spaces(after)
    return begins and ends


def _without_spaces(text: str) -> bool:
    return bool(text) and all(any(low <= ord(sign) <= high for low, high in _WITHOUT_SPACES) for sign in text)


def _perhaps_in(plain: str, found: frozenset[str]) -> Iterator[str]:
    """Yield the words whose longest piece is in a text; a folder's are thousands, too many to look for each."""
    for length, words in _by_piece(found).items():
        for piece in words.keys() & {plain[start : start + length] for start in range(len(plain) - length + 1)}:
            yield from words[piece]


@lru_cache(maxsize=16)
def _by_piece(found: frozenset[str]) -> dict[int, dict[str, list[str]]]:
    """Return words by the longest piece of each, and these by their length."""
    words: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for word in found:
        longest = max(_pieces(word), key=len, default="")
        words[len(longest)][longest].append(word)
    return words


def _pieces(word: str) -> list[str]:
    # Signs may part letters from digits as well; what short words make is looked for as it stands.
    return re.findall(r"[^\W_]+" if word.startswith(_ALONE) else r"\d+|[^\W\d_]+", word)


def _pattern(word: str) -> str:
    pattern = r"[\W_]*".join(_pieces(word))
    is_date = re.fullmatch(r"(\d{2}|\d{4})(-(\d{2}|\d{4})){2}", word)
    return rf"(?<!\d){pattern}(?!\d)" if is_date else pattern


def _plain(text: str) -> str:
    """Return a text in one form of each letter: without case, accents, width and the kind of kana."""
    return _sign_by_sign(text, _one_form)[0]


def _spelled_out(text: str) -> str:
    return _sign_by_sign(text, _spelled)[0]


def _sign_by_sign(text: str, form: Callable[[str], str]) -> tuple[str, list[int], list[int]]:
    """Return a text with every sign in a form, and for each letter of that where its sign begins and ends."""
    formed: list[str] = []
    starts: list[int] = []
    stops: list[int] = []
    for match in _SIGN.finditer(text):
        letters = form(match[0])
        formed.append(letters)
        starts += [match.start()] * len(letters)
        stops += [match.end()] * len(letters)
    return "".join(formed), starts, stops


def _one_form(sign: str) -> str:
    letters = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", sign).lower().translate(_ONE_SIGN))
    bare = unicodedata.normalize("NFC", "".join(one for one in letters if not unicodedata.combining(one)))
    return "".join(chr(ord(one) - _TO_HIRAGANA) if "\u30a1" <= one <= "\u30f6" else one for one in bare)


def _spelled(sign: str) -> str:
    return _one_form(unicodedata.normalize("NFKC", sign).lower().translate(_SPELLED))
