"""Room for text: measured as matplotlib draws it, broken where too wide, moved apart where it would touch."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure

from hepaflow.figures.layout import add_panel, apart, in_lines, legend_columns, width_of

NAMES = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789-_.", min_size=1, max_size=40)


@pytest.mark.parametrize("text", ["resnet152", "WWWW", "iiii", "one line\nand another"])
def test_text_is_as_wide_as_it_is_drawn(text: str) -> None:
    figure = Figure(dpi=720)
    drawn = figure.text(0, 0, text, fontsize=9, family="DejaVu Sans").get_window_extent(RendererAgg(10, 10, 720))
    assert width_of(text, 9) == pytest.approx(drawn.width / 720, abs=0.02)


@given(NAMES, st.floats(0.2, 4))
def test_a_name_in_lines_is_whole_and_no_wider_than_told(name: str, width: float) -> None:
    lines = in_lines(name, 9, width)
    assert lines.replace("\n", "") == name
    assert width_of(lines, 9) <= width
    assert lines == name or width_of(name, 9) > width


def test_names_break_after_punctuation_and_within_a_word_only_if_it_is_too_wide() -> None:
    assert in_lines("densenet201-long.tail", 9, 1.0) == "densenet201-\nlong.tail"
    assert in_lines("aaaaaaaaaaaaaaaa", 9, width_of("a" * 10, 9) + 0.01) == "aaaaaaaaaa\naaaaaa"


@given(st.lists(st.floats(-5, 15), max_size=10))
def test_places_end_up_apart_in_their_order_and_range(places: list[float]) -> None:
    moved = apart(places, 1, 0, 10)
    ordered = [place for _, place in sorted(zip(places, moved, strict=True), key=lambda pair: pair)]
    assert all(after - before >= 1 - 1e-9 for before, after in pairwise(ordered))
    assert all(-1e-9 <= place <= 10 for place in moved)


def test_places_with_room_stay() -> None:
    assert apart([7, 2, 4.5], 2, 0, 10) == [7, 2, 4.5]


def test_a_legend_has_as_many_columns_as_fit() -> None:
    assert legend_columns(["a", "b", "c"], 9) == 3
    assert legend_columns(["a" * 40] * 6, 9) == 2
    assert legend_columns(["a" * 200] * 3, 9) == 1
    assert legend_columns([], 9) == 1


def test_a_panel_lies_where_it_is_put() -> None:
    box = add_panel(Figure(figsize=(8, 4)), 1, 2, 3, 1).get_position()
    assert (box.x0, box.y0, box.width, box.height) == pytest.approx((1 / 8, 0.5, 3 / 8, 0.25))
