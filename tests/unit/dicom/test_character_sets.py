"""Names are read as they were written, whatever the header declares."""

import pytest
from dicom_series import raw
from pydicom.dataset import Dataset

from hepaflow.dicom.character_sets import declare_character_set

JAPANESE = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"


@pytest.mark.parametrize(
    ("declared", "written", "expected", "told"),
    [
        (None, b"Roe^Jane", "Roe^Jane", ""),
        (None, "Müller^Jörg".encode(), "Müller^Jörg", "read as UTF-8"),
        (None, "Müller^Jörg".encode("latin-1"), "Müller^Jörg", "read as Latin"),
        (None, "王^小明".encode(), "王^小明", "read as UTF-8"),
        (None, JAPANESE, "Yamada^Tarou=山田^太郎", "escape sequences"),
        ("ISO_IR 100", "Müller".encode("latin-1"), "Müller", ""),
        ("ISO_IR 100", "Müller".encode(), "Müller", "read as UTF-8"),
        ("ISO_IR 192", "Müller".encode(), "Müller", ""),
        ("ISO_IR 192", "Müller".encode("latin-1"), "Müller", "read as Latin"),
        ("GB18030", "王^小明".encode("gb18030"), "王^小明", ""),
        ("GB18030", b"\xff\xff", "ÿÿ", "read as Latin"),
        ("ISO_IR 13\\ISO 2022 IR 87", JAPANESE, "Yamada^Tarou=山田^太郎", ""),
        ("NO_SET", "Müller".encode("latin-1"), "Müller", "read as Latin"),
    ],
)
def test_names(declared: str | None, written: bytes, expected: str, told: str) -> None:
    header = Dataset()
    if declared:
        header.SpecificCharacterSet = declared.split("\\") if "\\" in declared else declared
    raw(header, "PatientName", written)
    notes = declare_character_set(header)
    assert str(header.PatientName) == expected
    assert [told in note for note in notes] == [True] * bool(told)


def test_what_is_taken_for_latin_loses_nothing() -> None:
    header = Dataset()
    raw(header, "PatientName", written := "王小明".encode("gb18030"))
    declare_character_set(header)
    assert str(header.PatientName).encode("latin-1") == written
