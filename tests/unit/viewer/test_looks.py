"""Looks of outlines: none repeats, and colour-blind readers tell them apart."""

import itertools

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from hepaflow.colours import COLOURS
from hepaflow.viewer.looks import DASHES, FUSION_COLOUR, METHOD_COLOURS, Look, looks

# How dichromats see linear RGB: Machado, Oliveira and Fernandes 2009, severity 1.0.
SIGHTS = {
    "full": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def seen(colours: np.ndarray, sight: str) -> np.ndarray:
    """Return sRGB colours, shape (n, 3), 0 to 1, as CIELAB, as they are seen."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.array(SIGHTS[sight]).T, 0, 1)
    shown = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    lab: np.ndarray = rgb2lab(shown)
    return lab


def rgb(code: str) -> list[float]:
    return [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]


@pytest.mark.parametrize("count", [1, 2, 5, 20, 41])
def test_no_look_repeats(count: int) -> None:
    names = ["reference", *(f"method-{index}" for index in range(count - 1)), "fusion"]
    given = looks(names, methods_from=1)
    assert given[0] == Look(None, ())
    assert len(set(given)) == len(names)


def test_methods_differ_in_colour_first() -> None:
    given = looks(["reference", *"abcde", "fusion"], methods_from=1)[1:]
    assert {one.colour for one in given} == {*METHOD_COLOURS, FUSION_COLOUR}
    assert {one.dashes for one in given} == {DASHES[0]}


def test_a_method_looks_the_same_whatever_comes_after_it() -> None:
    names = ["reference", "a", "b", "fusion"]
    assert looks([*names, "c"], methods_from=1)[:4] == looks(names, methods_from=1)


def test_without_a_reference_the_first_method_has_the_structures_colours() -> None:
    assert looks(["segmentation"], methods_from=0) == [Look(None, ())]


@pytest.mark.parametrize("sight", SIGHTS)
def test_colours_are_told_apart(sight: str) -> None:
    lab = seen(np.array([rgb(code) for code in (*METHOD_COLOURS, FUSION_COLOUR, *COLOURS.values())]), sight)
    assert min(float(deltaE_ciede2000(one, other)) for one, other in itertools.combinations(lab, 2)) > 10
    assert lab[:, 0].min() > 45  # bright enough for dark tissue
