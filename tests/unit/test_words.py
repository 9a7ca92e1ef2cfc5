"""How counts, times and numbers are written for people."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from hepaflow.names import STRUCTURES
from hepaflow.words import IN_WORDS, counted, duration, number, signed, structure_in_words

SOURCES = [*(Path(__file__).parents[2] / "workflow").rglob("*.py")]
SECONDS = {"s": 1, "min": 60, "h": 3600}
DRAWN = np.random.default_rng(1)


def test_every_structure_has_its_word_and_other_names_are_their_own() -> None:
    assert set(IN_WORDS) == set(STRUCTURES)
    assert [structure_in_words(name) for name in ("lesion", "spleen")] == ["lesions", "spleen"]


@pytest.mark.parametrize(("count", "text"), [(0, "0 epochs"), (1, "1 epoch"), (2, "2 epochs")])
def test_one_has_no_plural(count: int, text: str) -> None:
    assert counted(count, "epoch") == text


@pytest.mark.parametrize("seconds", 10 ** DRAWN.uniform(0, 7, 50))
def test_a_time_is_right_within_a_twentieth(seconds: float) -> None:
    value, unit = duration(seconds).split()
    assert float(value) * SECONDS[unit] == pytest.approx(seconds, rel=0.05)
    assert float(value) < (1e4 if unit == "h" else 100)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0, "0.0 s"), (0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (99.4, "99 s"), (99.6, "1.7 min")),
        *((60.5, "60 s"), (619.2, "10 min"), (5999, "100 min"), (6000, "1.7 h"), (36000, "10 h")),
    ],
)
def test_times_at_the_edges_of_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("decimals", range(5))
@pytest.mark.parametrize("value", [0.0, -0.0, -1e-9, *DRAWN.normal(0, 1, 9), *DRAWN.normal(0, 1e-3, 9)])
def test_a_number_keeps_its_value_and_no_zero_a_sign(value: float, decimals: int) -> None:
    for text in (number(value, decimals), signed(value, decimals)):
        assert float(text) == pytest.approx(value, abs=0.5000001 * 10**-decimals)
        assert math.copysign(1, float(text)) == 1 or float(text) < 0
    assert signed(value, decimals)[0] == "+" or float(signed(value, decimals)) <= 0


def test_no_message_leaves_the_plural_to_its_reader() -> None:
    """But for one in what every network was trained by: other words would train all of them again."""
    sources = [path for path in SOURCES if path.parent.name != "networks"]
    assert len(sources) > 100
    assert [path for path in sources if re.search(r"[a-z]\(s\)", path.read_text(encoding="utf-8"))] == []
