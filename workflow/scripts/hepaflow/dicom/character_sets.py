"""In which characters a header's texts are written, where it does not say or says wrong."""

import warnings

from pydicom.charset import convert_encodings, decode_bytes
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.valuerep import PN_DELIMS, TEXT_VR_DELIMS

_TEXTS = frozenset(("LO", "SH", "ST", "LT", "UC", "UT", "PN"))
_ESCAPE = b"\x1b"

_UTF_8, _LATIN = "ISO_IR 192", "ISO_IR 100"
_WESTERN = ("ISO_IR 6", _LATIN)
_ESCAPED = ["", "ISO 2022 IR 87", "ISO 2022 IR 159", "ISO 2022 IR 149", "ISO 2022 IR 58", "ISO 2022 IR 100"]
"""What escape sequences can lead to, in their order of precedence: Japanese, Korean, Chinese, western."""


def declare_character_set(header: Dataset) -> list[str]:
    """Put a SpecificCharacterSet that fits into a header whose own is missing, unknown, or does not fit its texts.

    Parameters
    ----------
    header : Dataset
        As it was read, before its texts are decoded.

    Returns
    -------
    list of str
        What was done, for whoever reads the names.

    Notes
    -----
    What is no UTF-8 is taken for Latin, which loses nothing: every byte is one of its characters. Latin texts that
    are UTF-8 throughout are UTF-8: as Latin they would read `Ã¼` for `ü`.
    """
    names: list[bytes] = []
    for tag in header.keys():  # noqa: SIM118  # iterating over the data set itself would decode it
        item = header.get_item(tag)
        of_text = keyword_for_tag(tag) and dictionary_VR(tag) in _TEXTS
        if of_text and isinstance(item, RawDataElement) and isinstance(item.value, bytes):
            names.append(item.value)
    texts = b"\\".join(names)
    if texts.isascii() and _ESCAPE not in texts:
        return []
    declared = header.get("SpecificCharacterSet")
    fits = bool(declared) and _decodes(texts, declared)
    if fits and not (declared in _WESTERN and _decodes(texts, _UTF_8)):
        return []
    candidates = (_ESCAPED,) if _ESCAPE in texts else (_UTF_8,)
    found = next((one for one in candidates if _decodes(texts, one)), _LATIN)
    header.SpecificCharacterSet = found
    shown = {_UTF_8: "UTF-8", _LATIN: "Latin"}.get(str(found), "what their escape sequences say")
    return [f"texts in another character set than SpecificCharacterSet says: read as {shown}"]


def _decodes(texts: bytes, declared: str | list[str]) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            decode_bytes(texts, convert_encodings(declared), PN_DELIMS | TEXT_VR_DELIMS)
    except Exception:  # a warning of pydicom's, or whatever a codec raises
        return False
    return True
