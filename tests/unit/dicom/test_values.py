"""Numbers and texts of headers are read in whatever form they have, and what is none is out."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from dicom_series import raw
from pydicom.dataset import Dataset
from pydicom.filewriter import dcmwrite

from hepaflow.dicom.values import number, numbers, settle, text, uid, whole


def _header(name: str, vr: str, value: bytes) -> Dataset:
    header = Dataset()
    raw(header, name, value, vr=vr)
    return header


@pytest.mark.parametrize(
    ("name", "vr", "value", "expected"),
    [
        ("SeriesNumber", "IS", b"3 ", 3),
        ("SeriesNumber", "IS", b"007 ", 7),
        ("SeriesNumber", "IS", b"3.0 ", 3),
        ("SeriesNumber", "UN", b"3 ", 3),
        ("SeriesNumber", "LO", b"3 ", 3),
        ("SeriesNumber", "IS", b"3\\3 ", 3),
        ("SeriesNumber", "IS", b"  ", None),
        ("Rows", "US", b"\x00\x02", 512),
        ("Rows", "DS", b"512 ", 512),
        ("RescaleSlope", "DS", b"1.0", 1),
        ("RescaleSlope", "DS", b"1,0 ", 1),
        ("RescaleSlope", "DS", b"1.00000000000000000000", 1),
        ("RescaleIntercept", "DS", b"-1024,5 ", -1024.5),
        ("RescaleIntercept", "FD", np.float64(0.1 + 0.2).tobytes(), 0.3),
        ("SliceThickness", "DS", b"0,625 ", 0.625),
        ("GantryDetectorTilt", "DS", b"0\\0 ", 0),
    ],
)
def test_a_number_is_read_whatever_its_form_and_can_be_written_again(
    name: str, vr: str, value: bytes, expected: float | None
) -> None:
    header = _header(name, vr, value)
    assert settle(header)[0] == frozenset()
    assert number(header, name) == (expected if expected is None else pytest.approx(expected))
    _can_be_written(header)


@pytest.mark.parametrize(
    ("name", "vr", "value"),
    [
        ("SeriesNumber", "IS", b"3A"),
        ("SeriesNumber", "IS", b"3.5 "),
        ("SeriesNumber", "IS", b"456115117112105110101 "),
        ("SeriesNumber", "IS", b"1\\2 "),
        ("RescaleIntercept", "DS", b"NaN "),
        ("RescaleIntercept", "DS", b"-inf"),
        ("RescaleIntercept", "DS", b"-1,024"),  # 1024 or 1.024
        ("RescaleSlope", "DS", b"1,0,0 "),
        ("PixelSpacing", "DS", b"0.7 "),
        ("PixelSpacing", "DS", b"0.7\\"),
        ("PixelSpacing", "DS", b"0.7\\0.7\\0.7 "),
        ("Rows", "US", b"\x01"),
        ("Rows", "US", b"\x00\x02\x00\x01"),
        ("Rows", "OB", b"\x00\x02"),
    ],
)
def test_what_is_no_number_is_out(name: str, vr: str, value: bytes) -> None:
    header = _header(name, vr, value)
    assert settle(header) == ({name}, [])
    assert name not in header
    _can_be_written(header)


def test_numbers_that_are_right_stay_as_they_were_written() -> None:
    header = _header("PixelSpacing", "DS", b"0.70\\0.7000 ")
    settle(header)
    assert [one.original_string for one in header.PixelSpacing] == ["0.70", "0.7000"]


def test_a_decimal_comma_is_told() -> None:
    header = _header("PixelSpacing", "DS", b"0,7\\0,7 ")
    assert settle(header)[1] == ["a decimal comma in PixelSpacing: read as a point"]
    assert numbers(header, "PixelSpacing", 2) == (0.7, 0.7)


def test_headers_that_were_not_settled_are_read_alike() -> None:
    header = Dataset()
    header.PixelSpacing = [0.5, 0.5]
    header.SliceThickness = "2.5"
    assert numbers(header, "PixelSpacing", 2) == (0.5, 0.5)
    assert numbers(header, "PixelSpacing", 3) is None
    assert whole(header, "SliceThickness") is None
    assert number(header, "RescaleSlope") is None


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (uid, b"1.2.840 ", "1.2.840"),
        (uid, b" 1.2.840\0", "1.2.840"),
        (uid, b"1.2.x", ""),
        (uid, b"1.2\\1.3", ""),
        (uid, b"1." * 32 + b"1", ""),
        (text, b"1.2\\1.3 ", "1.2\\1.3"),
    ],
)
def test_uids_and_texts(read: Callable[[Dataset, str], str], value: bytes, expected: str) -> None:
    header = _header("SeriesInstanceUID", "UI", value)
    settle(header)
    assert read(header, "SeriesInstanceUID") == expected
    assert read(header, "StudyInstanceUID") == ""


def _can_be_written(header: Dataset) -> None:
    dcmwrite(BytesIO(), header, implicit_vr=False, little_endian=True)
