"""What a model has seen: the ranges of its exams, read again as they were written."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hepaflow.evaluation.scores import UNCERTAINTY_COLUMNS, write_scores
from hepaflow.model.drawn import DRAWN as SEEN_OF
from hepaflow.model.drawn import seen_drawn
from hepaflow.model.seen import Seen, seen_of
from hepaflow.model.seen_files import read_seen
from hepaflow.sampling.registry import DRAWN

WHOLE = Seen((0.7, 5.0), (0.6, 0.9), (85.0, 130.0), (4.2, 18.0), {"liver": 9.5, "lesion": 60.0})


def surveyed(spacing: tuple[float, float, float] = (2.5, 0.7, 0.8), **others: Any) -> dict[str, Any]:
    return {
        "spacing_mm": list(spacing),
        "in_millimetres": True,
        "liver_hu": 100.0,
        "noise_hu": 9.0,
    } | others


def test_ranges_hold_every_training_exam() -> None:
    exams = [
        surveyed((5, 0.9, 0.6), liver_hu=85.0),
        surveyed((0.7, 0.8, 0.8), noise_hu=4.2),
        surveyed(liver_hu=130.0, noise_hu=18.0),
        surveyed((1, 1, 1), in_millimetres=False),
        surveyed(liver_hu=None, noise_hu=None),
        {"spacing_mm": [1, 0.7, 0.7], "in_millimetres": True},  # as earlier versions have surveyed it
    ]
    assert seen_of(exams) == Seen((0.7, 5.0), (0.6, 0.9), (85.0, 130.0), (4.2, 18.0))


def test_of_no_exam_nothing_is_known() -> None:
    assert seen_of([]) == Seen()
    assert seen_of([surveyed(in_millimetres=False, liver_hu=None, noise_hu=None)]) == Seen()
    assert Seen().as_json() == {}


def levels(*rows: tuple[str, str, int, int]) -> pd.DataFrame:
    whole = [(exam, structure, level, count, count, 0) for exam, structure, level, count in rows]
    return pd.DataFrame(whole, columns=list(UNCERTAINTY_COLUMNS))


LEVELS = levels(
    ("a", "liver", 0, 90), ("a", "liver", 50, 10),  # 5 %
    ("b", "liver", 0, 80), ("b", "liver", 100, 20),  # 20 %
    ("a", "lesion", 50, 3),
    ("b", "lesion", 0, 0),
)  # fmt: skip


def test_the_largest_disagreement_is_that_of_an_exam_not_of_a_voxel() -> None:
    assert seen_of([], LEVELS).disagreement_percent == {"liver": 20.0, "lesion": 50.0}
    assert seen_of([], levels(("a", "liver", 0, 9))).disagreement_percent == {}


@pytest.mark.parametrize(
    "seen", [WHOLE, Seen(), Seen(slice_mm=(1.0, 1.0)), Seen(disagreement_percent={"lesion": 1})]
)
def test_what_was_written_is_read_and_later_keys_are_left_out(seen: Seen) -> None:
    text = json.dumps(seen.as_json() | {"of_the_future": [1]})
    assert Seen.of_json(json.loads(text)) == seen
    assert "null" not in text


@pytest.mark.parametrize(
    "told",
    [
        [],
        7,
        {"slice_mm": [5, 1]},
        {"slice_mm": [1]},
        {"slice_mm": 3},
        {"noise_hu": [0, float("inf")]},
        {"liver_hu": ["a", "b"]},
        {"disagreement_percent": {"liver": None}},
        {"disagreement_percent": {"liver": float("nan")}},
        {"disagreement_percent": 3},
    ],
)
def test_something_else_is_refused(told: Any) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Seen.of_json(told)


def test_two_together_have_seen_what_either_has() -> None:
    other = Seen(slice_mm=(0.5, 3.0), noise_hu=(5.0, 30.0))
    joined = Seen((0.5, 5.0), (0.6, 0.9), (85.0, 130.0), (4.2, 30.0), WHOLE.disagreement_percent)
    assert WHOLE.with_more(other) == joined


def test_it_is_read_from_the_files_of_a_run(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.json" for name in "ab"]
    for path, slices in zip(paths, (1.0, 4.0), strict=True):
        path.write_text(json.dumps(surveyed((slices, 0.7, 0.7))))
    tables = [tmp_path / f"{name}.csv" for name in "ab"]
    for name, path in zip("ab", tables, strict=True):
        write_scores(LEVELS[LEVELS["exam"] == name], path)
    seen = read_seen(paths, tables)
    assert seen == Seen((1.0, 4.0), (0.7, 0.7), (100.0, 100.0), (9.0, 9.0), {"liver": 20.0, "lesion": 50.0})
    assert read_seen([], []) == Seen()
    assert read_seen([], [], ["trunk"]) == seen_drawn(["trunk"])


def test_every_kind_of_drawn_phantoms_says_what_is_seen_of_it() -> None:
    assert SEEN_OF.keys() == DRAWN.keys()
    assert seen_drawn([]) == Seen()
    assert seen_drawn(["trunk"]) == Seen((0.7, 8.0), None, (-20.0, 220.0), (0.0, 30.0), height_mm=(30.0, 800.0))
