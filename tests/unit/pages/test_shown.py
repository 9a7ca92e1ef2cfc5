"""Tables as people see them."""

import pandas as pd
import pytest

from hepaflow.pages.shown import Shown, is_numeric, read_table, rounded


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "-2.5", "+0.3", "1e-05", ""], True),
        (["0.911 (0.880 to 0.930)", "undefined", "0.9; 1 left out"], True),
        (["0.893 to 0.928", "–"], True),
        (["0.654", "missed", "merged"], True),
        (["", ""], False),
        (["1", "one"], False),
        (["2026-01-02T10:00:00+00:00"], False),
        (["128 × 128", "64 × 64"], True),
        (["3.11.7-rc1"], False),
        (["12ab34cd56ef"], False),
    ],
)
def test_columns_of_numbers_are_known(cells: list[str], expected: bool) -> None:
    assert is_numeric(pd.Series(cells, name="value")) == expected


def test_the_names_of_exams_are_no_numbers() -> None:
    assert not is_numeric(pd.Series(["007", "12"], name="exam"))


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("0.8950000001", "0.8950"),
        ("1447.38053", "1447.3805"),
        ("-0.00001234567", "-1.235e-05"),
        ("1.234567e-07", "1.235e-07"),
        ("0.00000", "0.0000"),
        ("0.1234", "0.1234"),
        ("phantom-0.123456", "phantom-0.123456"),
    ],
)
def test_numbers_are_written_with_four_decimals(cell: str, shown: str) -> None:
    assert rounded(cell) == shown


def test_cells_are_text_as_in_the_file() -> None:
    shown = Shown.of(read_table(b'exam,value,words\nNA,0.123456789,"a, b"\n007,,\n'))
    assert shown.columns == ["exam", "value", "words"]
    assert shown.numeric == [False, True, False]
    assert shown.rows == [["NA", "0.1235", "a, b"], ["007", "", ""]]
    assert shown.rounded
    assert not Shown.of(read_table(b"a\n0.5\n")).rounded
    assert Shown.of(read_table(b"a,b\n")).rows == []


def test_times_stand_in_the_unit_that_fits() -> None:
    shown = Shown.of(read_table(b'"training, hours","longest job, min",hours\n0.0168,120,0.0168\n2.5,,2.5\n'))
    assert shown.columns == ["training", "longest job", "hours"]
    assert shown.rows == [["60 s", "2.0 h", "0.0168"], ["2.5 h", "", "2.5"]]
    assert shown.numeric == [True, True, True]
    assert shown.rounded


def test_zeros_that_a_column_ends_in_are_left_out() -> None:
    shown = Shown.of(read_table(b"a,b,c\n7.9100,0.8100,5\n23.7000,0.8852,6\n"))
    assert shown.rows == [["7.91", "0.8100", "5"], ["23.70", "0.8852", "6"]]


def test_moments_are_told_to_the_minute() -> None:
    shown = Shown.of(read_table(b"began,what\n2026-01-02T10:20:59+00:00,2026-01-02T10:20:59 or so\n"))
    assert shown.rows == [["2026-01-02 10:20", "2026-01-02T10:20:59 or so"]]
    assert shown.numeric == [False, False]
    assert shown.rounded


def test_no_zero_has_a_sign() -> None:
    assert rounded("-0.0000000") == "0.0000"
