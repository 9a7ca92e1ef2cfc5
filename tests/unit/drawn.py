"""What of a figure is drawn, and whether it can be read: for the tests of all figures."""

from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from hepaflow.figures.style import own_settings

WIDEST = 12.0
"""Inches: a page."""
SMALLEST_TEXT = 7.0
"""Points."""
SMALLEST_PICTURE = 110
"""Pixels along a side of a slice in a browser, of which there are 96 in an inch."""
_TOUCH = 0.5
"""Pixels that boxes may share, as text is placed to fractions of them."""


class _Blank(RendererAgg):
    """Draws nothing, which takes no time."""

    def _leave_out(self, *_: Any, **more: Any) -> None:
        pass

    draw_path = draw_markers = draw_path_collection = draw_quad_mesh = draw_image = draw_text = _leave_out


def _drawn_texts(figure: Figure, renderer: _Blank) -> list[Text]:
    """Draw a figure, and return the texts that it shows; others, as ticks outside of their axis, only exist."""
    found = []
    draw = Text.draw

    def noted(text: Text, renderer: Any) -> None:
        if text.get_visible() and text.get_text().strip():
            found.append(text)
        draw(text, renderer)

    with patch.object(Text, "draw", noted):
        figure.draw(renderer)
    return found


def assert_readable(figure: Figure) -> str:
    """Draw a figure; check its size, and that its texts and pictures are large enough, inside it, and apart.

    Returns
    -------
    str
        All its text, without the ends of lines, as long names are broken.
    """
    figure.set_dpi(96)
    with own_settings():
        renderer = _Blank(*figure.bbox.size, figure.dpi)
        texts = _drawn_texts(figure, renderer)
        boxes = [(text, Text.get_window_extent(text, renderer)) for text in texts]  # without an annotation's line
        whole = figure.get_tightbbox(renderer)
    wide, high = figure.get_size_inches()
    assert wide <= WIDEST, f"{wide} inches wide"
    assert high >= 1
    for low, most in zip((*whole.min, *-whole.max), (0, 0, -wide, -high), strict=True):
        assert low >= most - _TOUCH / 96, f"drawn outside of the figure: {whole} of {wide} x {high}"
    for text, box in boxes:
        assert text.get_fontsize() >= SMALLEST_TEXT, f"{text.get_fontsize()} points: {text}"
        assert _inside(box, figure.bbox), f"outside of the figure: {text}"
    over = _pairs([box for _, box in boxes])
    assert not over, "; ".join(f"{boxes[one][0]} over {boxes[other][0]}" for one, other in over)
    corners = _corners([box for _, box in boxes])
    for axes in figure.axes:
        picture = bool(axes.get_images())
        over = [boxes[place][0] for place in np.flatnonzero(_overlap(axes.bbox, corners))]
        assert [str(text) for text in over if picture or text.axes is not axes] == []
        assert not picture or axes.bbox.width >= SMALLEST_PICTURE
    assert _pairs([axes.bbox for axes in figure.axes]) == []
    return "".join(text.get_text().replace("\n", "") + "\n" for text, _ in boxes)


def _inside(box: Bbox, whole: Bbox) -> bool:
    return bool((box.min >= whole.min - _TOUCH).all() and (box.max <= whole.max + _TOUCH).all())


def _overlap(one: Bbox, others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which boxes (n, 2, 2: corners, x and y) share more than their edges with one."""
    shared = np.minimum(one.max, others[:, 1]) - np.maximum(one.min, others[:, 0])
    return (shared > _TOUCH).all(axis=1)


def _corners(boxes: Sequence[Bbox]) -> NDArray[np.float64]:
    return np.array([(box.min, box.max) for box in boxes]).reshape(-1, 2, 2)


def _pairs(boxes: Sequence[Bbox]) -> list[tuple[int, int]]:
    """Return which boxes lie over which."""
    corners = _corners(boxes)
    return [
        (place, place + 1 + int(other))
        for place, box in enumerate(boxes)
        for other in np.flatnonzero(_overlap(box, corners[place + 1 :]))
    ]
