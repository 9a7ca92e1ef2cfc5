"""The worst, the median and the best exam."""

import pandas as pd
import pytest

from hepaflow.evaluation.extremes import extremes
from hepaflow.evaluation.scores import METRIC_COLUMNS


def metrics(values: dict[str, float]) -> pd.DataFrame:
    rows = [(exam, "liver", "fusion", "clean", "dice", value) for exam, value in values.items()]
    rows += [("a", "liver", "fusion", "raw", "dice", 0.0), ("a", "liver", "other", "clean", "dice", 0.0)]
    rows += [("a", "lesion", "fusion", "clean", "dice", 0.0), ("a", "liver", "fusion", "clean", "voe", 9.0)]
    return pd.DataFrame(rows, columns=METRIC_COLUMNS)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"a": 0.5, "b": 0.3, "c": 0.9}, {"worst": "b", "median": "a", "best": "c"}),
        ({"a": 0.5, "b": 0.3, "c": 0.9, "d": 0.7}, {"worst": "b", "median": "a", "best": "c"}),
        ({"a": 0.5, "b": 0.3}, {"worst": "b", "best": "a"}),
        ({"a": 0.5}, {"best": "a"}),
        ({"a": 1.0, "b": 1.0, "c": 1.0}, {"worst": "a", "median": "b", "best": "c"}),
        # So many that a sort which is not stable changes their order.
        (
            {f"e{number}": float(number % 2) for number in range(40)},
            {"worst": "e0", "median": "e38", "best": "e39"},
        ),
    ],
)
def test_extremes(values: dict[str, float], expected: dict[str, str]) -> None:
    found = extremes(metrics(values), "liver", "fusion")
    assert {place: exam for place, (exam, _) in found.items()} == expected
    assert list(found) == list(expected)
    assert all(value == values[exam] for exam, value in found.values())


def test_a_method_that_is_not_there_has_none() -> None:
    assert extremes(metrics({}), "liver", "nobody") == {}
