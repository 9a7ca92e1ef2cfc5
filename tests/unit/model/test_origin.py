"""What a model was made from is told as it is, and read again as it was written."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hepaflow.evaluation.scores import METRIC_COLUMNS
from hepaflow.model.origin import UNRECORDED, Origin, in_short, in_words, origin_of
from hepaflow.model.seen import Seen

PHANTOMS = Origin(True, "demo.tsv", 22, 4, {"liver": 0.905, "lesion": 0.651})
EXAMS = Origin(False, "lits17.tsv", 121, 10, {"liver": 0.95, "lesion": 0.7})
SEEN = Seen((0.7, 5.0), (0.6, 1.0), (85.0, 130.0), (4.0, 18.0), {"liver": 9.5})


@pytest.mark.parametrize(
    ("origin", "words", "short"),
    [
        (
            PHANTOMS,
            "trained on 22 synthetic phantoms, no patient; test Dice liver 0.905, lesions 0.651 (4 phantoms)",
            "phantoms alone",
        ),
        (
            EXAMS,
            "trained on 121 exams of lits17.tsv; test Dice liver 0.950, lesions 0.700 (10 exams)",
            "121 exams",
        ),
        (Origin(False, "one.tsv", 1, 1, {}), "trained on 1 exam of one.tsv; no test Dice", "1 exam"),
        (
            Origin(True, "p.tsv", 1, 1, {"liver": 1.0}, weights_of_files=True),
            "trained on 1 synthetic phantom, from weights of a file; test Dice liver 1.000 (1 phantom)",
            "phantoms, from other weights",
        ),
        (
            Origin(True, "trunks.tsv", 0, 12, {"liver": 0.97}, drawn_phantoms=6000),
            "trained on 6000 synthetic phantoms, no patient; test Dice liver 0.970 (12 phantoms)",
            "phantoms alone",
        ),
        (
            Origin(False, "mine.tsv", 0, 2, {"liver": 0.9}, drawn_phantoms=6000),
            "trained on 6000 synthetic phantoms, no patient; test Dice liver 0.900 (2 exams)",
            "phantoms alone",
        ),
        (
            Origin(True, "p.tsv", 22, 2, {"liver": 0.9}, test_phantoms=False),
            "trained on 22 synthetic phantoms, no patient; test Dice liver 0.900 (2 exams)",
            "phantoms alone",
        ),
        (  # of two models, say, whose training is not recorded
            Origin(False, "mine.tsv", 5, 2, {}, weights_of_files=True, drawn_phantoms=0),
            "trained on 0 synthetic phantoms, from weights of a file; no test Dice",
            "phantoms, from other weights",
        ),
        (None, UNRECORDED, "training unknown"),
    ],
)
def test_words(origin: Origin | None, words: str, short: str) -> None:
    assert (in_words(origin), in_short(origin)) == (words, short)


@pytest.mark.parametrize(
    "origin",
    [
        PHANTOMS,
        EXAMS,
        Origin(False, "größe.tsv", 2, 1, {}, True),
        replace(EXAMS, seen=SEEN),
        replace(EXAMS, seen=Seen()),
    ],
)
def test_what_was_written_is_read_and_later_keys_are_left_out(origin: Origin) -> None:
    assert Origin.of_json(json.dumps(origin.as_json() | {"of_the_future": [1]})) == origin


def test_what_is_not_recorded_is_not_written() -> None:
    """So a model that was bundled earlier has the same text as one of which nothing is known."""
    assert "seen" not in EXAMS.as_json()
    assert Origin.of_json(json.dumps(EXAMS.as_json() | {"seen": None})) == EXAMS
    assert replace(EXAMS, seen=SEEN).in_words == EXAMS.in_words


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        "{}",
        json.dumps(PHANTOMS.as_json() | {"dice": {"liver": 1.5}}),
        json.dumps(PHANTOMS.as_json() | {"dice": {"liver": float("nan")}}),
        json.dumps(PHANTOMS.as_json() | {"train": None}),
        json.dumps(PHANTOMS.as_json() | {"seen": [1]}),
        json.dumps(PHANTOMS.as_json() | {"seen": {"slice_mm": [5, 1]}}),
    ],
)
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Origin.of_json(text)


def test_a_name_that_a_terminal_would_obey_is_shown_without_its_signs() -> None:
    words = Origin(False, "\x1b[2Ja\nb" + "c" * 300, 1, 1, {}).in_words
    assert words.isprintable()
    assert len(words) < 150


def _scores(**others: Any) -> pd.DataFrame:
    rows = [
        (f"exam-{number}", structure, method, processing, metric, value)
        for structure, values in (("liver", (0.9, 0.8, 0.7)), ("lesion", others.get("lesion", (0.5, np.nan, 0.2))))
        for number, value in enumerate(values)
        for method, processing, metric in (
            ("fusion", "clean", "dice"), ("fusion", "raw", "dice"), ("fusion", "clean", "jaccard"),
            ("other", "clean", "dice"),
        )
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=list(METRIC_COLUMNS))
    chosen = (table["method"] == "fusion") & (table["processing"] == "clean") & (table["metric"] == "dice")
    return table.assign(value=table["value"].where(chosen, 0.01))


def test_the_dice_is_that_of_the_models_own_final_masks() -> None:
    scores = _scores()
    exams = {"phantoms": True, "sheet": "demo.tsv", "train": 5, "test": 3, "weights_of_files": False}
    origin = origin_of("fusion", exams, scores)
    assert origin == Origin(True, "demo.tsv", 5, 3, origin.dice)
    assert origin.dice == pytest.approx({"liver": 0.8, "lesion": 0.35})
    assert origin_of("fusion", exams, _scores(lesion=(np.nan,) * 3)).dice.keys() == {"liver"}
    assert origin_of("fusion", exams, scores, SEEN) == replace(origin, seen=SEEN)


@pytest.mark.parametrize(
    ("origin", "simple"),
    [
        (PHANTOMS, True),
        (EXAMS, False),
        (replace(PHANTOMS, drawn_phantoms=6000), False),
        (replace(EXAMS, drawn_phantoms=6000), False),
    ],
)
def test_a_few_simple_phantoms_are_told_from_thousands_that_were_drawn(origin: Origin, simple: bool) -> None:
    assert origin.of_simple_phantoms == simple
    assert Origin.of_json(json.dumps(origin.as_json())) == origin
