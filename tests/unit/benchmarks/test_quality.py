"""Dice for the same compute: means of scores."""

import argparse
import math

import pandas as pd
import pytest
from benchmarks.quality import add_seconds, mean_dice, seconds_by_stage

ROWS = [
    ("one", "liver", "dice", "a", 0.9),
    ("one", "liver", "dice", "b", 0.8),
    ("one", "lesion", "dice", "a", 0.5),
    ("one", "lesion", "dice", "b", math.nan),  # an exam without lesions
    ("two", "liver", "dice", "a", 0.7),
    ("two", "liver", "dice", "b", 0.5),
    ("two", "lesion", "dice", "a", 0.0),
    ("two", "lesion", "dice", "b", math.nan),
    ("two", "liver", "jaccard", "a", 0.1),
]


def test_dice_is_averaged_over_the_exams_that_have_one() -> None:
    scores = pd.DataFrame(ROWS, columns=["method", "structure", "metric", "exam", "value"])
    found = mean_dice(scores)
    assert list(found) == ["one", "two"]
    assert found["one"] == pytest.approx({"liver": 0.85, "lesion": 0.5})
    assert found["two"] == pytest.approx({"liver": 0.6, "lesion": 0.0})
    assert {type(value) for of_method in found.values() for value in of_method.values()} == {float}


@pytest.mark.parametrize(
    ("words", "expected"), [([], None), (["--seconds", "324", "228"], {"liver": 324.0, "lesion": 228.0})]
)
def test_each_stage_has_its_own_seconds(words: list[str], expected: dict[str, float] | None) -> None:
    parser = argparse.ArgumentParser()
    add_seconds(parser)
    assert seconds_by_stage(parser.parse_args(words)) == expected
