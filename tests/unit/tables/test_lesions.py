"""The tables of lesions."""

from math import nan

import pandas as pd
import pytest

from hepaflow.evaluation.lesions import LESION_COLUMNS
from hepaflow.tables.lesions import ALL, SIZES, UNKNOWN, detection_table, lesion_table, size_of


def test_a_size_begins_at_its_lower_end() -> None:
    found = size_of(pd.Series([0.5, 9.999, 10.0, 20.0, 49.9, 50.0, 400.0, nan]))
    under, ten, twenty, fifty = SIZES
    assert found.tolist() == [under, under, ten, twenty, twenty, fifty, fifty, UNKNOWN]


def row(method: str, of: str, number: int, diameter: float, iou: float, found: tuple[int, int]) -> tuple:
    return ("e", method, of, number, 1, 10, 1.5, diameter, iou, 0.5, *found)


LESIONS = pd.DataFrame(
    [
        row("one", "reference", 1, 30.0, 0.7, (1, 1)),
        row("one", "reference", 2, 12.0, 0.2, (0, 0)),
        row("one", "reference", 3, 8.0, 0.0, (0, 0)),
        row("one", "mask", 1, 25.0, 0.7, (1, 1)),
        row("one", "mask", 2, 5.0, 0.0, (0, 0)),
        row("two", "reference", 1, 30.0, 0.4, (1, 0)),
        row("two", "reference", 2, 12.0, 0.6, (1, 1)),
        row("two", "reference", 3, 8.0, 0.0, (0, 0)),
    ],
    columns=LESION_COLUMNS,
)


def test_every_lesion_of_the_reference_has_a_row_and_every_method_a_column() -> None:
    table = lesion_table(LESIONS)
    assert table["lesion"].tolist() == [1, 2, 3]
    assert table["one"].tolist() == ["0.700", "merged", "missed"]
    assert table["two"].tolist() == ["0.400", "0.600", "missed"]
    assert table["diameter, mm"].tolist() == [30, 12, 8]


@pytest.mark.parametrize("name", ["lesion", "slice"])
def test_a_method_can_be_called_like_a_column(name: str) -> None:
    table = lesion_table(LESIONS.replace({"method": {"one": name}}))
    assert [*table] == ["exam", "lesion", "slice", "volume, ml", "diameter, mm", f"{name} (method)", "two"]
    assert table["lesion"].tolist() == [1, 2, 3]
    assert table["slice"].tolist() == [1, 1, 1]
    assert table[f"{name} (method)"].tolist() == ["0.700", "merged", "missed"]


def test_lesions_are_counted_by_size() -> None:
    table = detection_table(LESIONS).set_index(["method", "diameter"])
    whole = table.loc[("one", ALL)]
    assert whole["reference lesions"] == 3
    assert whole["found, IoU > 0"] == 1
    assert whole["recall, IoU > 0"] == pytest.approx(1 / 3)
    assert (whole["lesions of the mask"], whole["false alarms"]) == (2, 1)
    assert table.loc[("one", "under 10 mm"), "false alarms"] == 1
    assert table.loc[("two", "20 to 50 mm"), "recall, IoU > 0"] == 1
    assert table.loc[("two", "20 to 50 mm"), "recall, IoU > 0.5"] == 0
    assert ("one", "from 50 mm") not in table.index


def test_sizes_add_up_to_all() -> None:
    table = detection_table(LESIONS)
    counts = [name for name in table if table[name].dtype == int]
    for _, rows in table.groupby("method"):
        by_size = rows[rows["diameter"] != ALL][counts].sum()
        assert by_size.tolist() == rows[rows["diameter"] == ALL][counts].iloc[0].tolist()


def test_no_lesions_at_all_are_tables_without_rows() -> None:
    nothing = LESIONS[:0]
    assert len(lesion_table(nothing)) == len(detection_table(nothing)) == 0
    assert "false alarms" in detection_table(nothing)
