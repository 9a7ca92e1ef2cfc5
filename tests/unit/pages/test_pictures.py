"""Figures in pages: lighter, and the same to look at."""

import base64
import io
import re
from urllib.parse import unquote

import numpy as np
from PIL import Image
from small_svg import image, svg

from hepaflow.pages.pictures import Picture, lighter


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
    address = Picture.of(text.encode(), "words", "caption").address
    head, _, content = address.partition(",")
    assert head == "data:image/svg+xml"
    assert unquote(content) == text.replace("\n", " ")
    assert not set('"<>#&') & set(content)
