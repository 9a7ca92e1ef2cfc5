"""Figures in pages: lighter, and the same to look at."""

import base64
import io
import re
from pathlib import Path
from urllib.parse import unquote

import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from small_svg import image, svg

from hepaflow.figures.style import save
from hepaflow.pages.pictures import Picture, lighter, parts


def test_outlines_have_corners_alone() -> None:
    square = "M 0 0 \nL 1.00001 0 \nL 2 0 \nL 2 1.5 \nL 2 2 \nL 0 2 \nz\n"
    assert 'd="M0 0L2 0L2 2L0 2z "' in lighter(svg(f'<path d="{square}"/>'))


def test_a_line_that_turns_back_keeps_its_ends() -> None:
    assert 'd="M0 0L2 0L1 0 "' in lighter(svg('<path d="M 0 0 \nL 2 0 \nL 1 0 \n"/>'))


def test_curves_stay_as_they_are() -> None:
    curve = "M 0 0 C 1 1 2 2 3.123456 3 z"
    assert f'd="{curve}"' in lighter(svg(f'<path d="{curve}"/>'))


def test_slices_become_jpeg_and_look_the_same() -> None:
    down, along = np.indices((64, 64))
    noise = np.random.default_rng(1).integers(6, size=(64, 64))  # of which PNG can make little
    grey = (2 * down + along + noise).astype(np.uint8)
    pixels = np.stack([grey, grey, grey, np.full_like(grey, 255)], axis=-1)
    pixels[:, -1, 3] = 0  # transparent at its edge, where the white figure shows
    (found,) = re.findall(r"data:image/jpeg;base64,([^\"]+)", lighter(svg(image(pixels))))
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(found))).convert("L"), float)
    assert np.abs(shown[:, :48] - grey[:, :48]).mean() < 4
    assert shown[:, -1].mean() > 240


def test_an_image_that_would_grow_stays() -> None:
    small = image(np.zeros((1, 1, 4), np.uint8))
    assert "image/png" in lighter(svg(small))


def test_the_address_holds_the_figure() -> None:
    text = svg('<text fill="#000">50 % &amp; <tspan>ä</tspan></text>')
    (address,) = Picture.of(text.encode(), "words", "caption").addresses
    head, _, content = address.partition(",")
    assert head == "data:image/svg+xml"
    assert unquote(content) == text.replace("\n", " ")
    assert not set('"<>#&') & set(content)


# Figures that are longer than a page.


def long_figure(folder: Path, height: float = 12, *, between: bool = True, markers: bool = False) -> str:
    """Return a figure of three rows of two panels, each row below a text where there is one between them."""
    figure = Figure(figsize=(6, height))
    figure.text(0, 0.99, "title", va="top")
    for row in range(3):
        top = 0.95 - 0.32 * row
        if between:
            figure.text(0, top - 0.01, f"row {row}")
        for column in range(2):
            axes = figure.add_axes((0.05 + 0.5 * column, top - 0.28, 0.4, 0.24))
            axes.set_title(f"panel {row}{column}")
            axes.plot([0, 1], [0, 1], "o" if markers else "-")
            axes.set_xticks([])
            axes.set_yticks([])
    path = folder / "figure.svg"
    save(figure, path, title="Long")
    return " ".join(path.read_text(encoding="utf-8").split("\n"))


def test_a_long_figure_is_cut_above_the_text_of_each_row(tmp_path: Path) -> None:
    found = parts(long_figure(tmp_path))
    assert [re.findall(r">(row \d|panel \d\d|title)<", one) for one in found] == [
        ["title", "row 0", "panel 00", "panel 01"],
        ["row 1", "panel 10", "panel 11"],
        ["row 2", "panel 20", "panel 21"],
    ]
    boxes = [[float(one) for one in re.findall(r'viewBox="([^"]+)"', part)[0].split()] for part in found]
    assert {(left, width) for left, _, width, _ in boxes} == {(0.0, 432.0)}
    assert [top for _, top, _, _ in boxes[1:]] == [top + height for _, top, _, height in boxes[:-1]]
    assert boxes[0][1] == 0
    assert boxes[-1][1] + boxes[-1][3] == 864
    for part in found:
        assert set(re.findall(r"url\(#([^)]+)\)", part)) <= set(re.findall(r'id="([^"]+)"', part))


def test_every_part_is_an_image_of_the_page(tmp_path: Path) -> None:
    picture = Picture.of(long_figure(tmp_path).encode(), "words", "caption")
    assert len(picture.addresses) == 3
    assert all(one.startswith("data:image/svg+xml,") for one in picture.addresses)


def test_what_cannot_be_cut_stays_whole(tmp_path: Path) -> None:
    short = long_figure(tmp_path, height=6)
    assert parts(short) == [short]
    without_rows = long_figure(tmp_path, between=False)
    assert parts(without_rows) == [without_rows]
    shared = long_figure(tmp_path, markers=True)
    drawn_once = shared.count("<defs>") < 7  # matplotlib defines a marker where it first draws it
    assert len(parts(shared)) == (1 if drawn_once else 3)
