"""How the outlines of a label map look: a colour and a pattern of dashes that no other has."""

from collections.abc import Sequence
from dataclasses import dataclass

from hepaflow.names import FUSION

METHOD_COLOURS = ("#5b6cff", "#e69f00", "#cc79a7", "#56b4e9", "#f0e442")
"""Of the methods, in turn: what Okabe and Ito's palette for colour-blind readers has besides the structures' green
and red (jfly.uni-koeln.de/color). Its blue is too dark for a CT, so it is brighter here."""

FUSION_COLOUR = "#ffffff"
"""The opposite of the black that the fusion has on paper."""

DASHES = ((8, 3), (2, 3), (14, 3, 2, 3), (5, 5), (14, 7), (5, 2, 1, 2, 1, 2), (1, 6), (9, 2, 3, 2))
"""Lengths of lines and gaps in pixels of the page; the next pattern as soon as all colours are taken."""


@dataclass(frozen=True)
class Look:
    """How the outlines of a label map look.

    Attributes
    ----------
    colour : str or None
        None for the colours of the structures.
    dashes : tuple of int
        Empty for solid lines.
    """

    colour: str | None
    dashes: tuple[int, ...]


def looks(names: Sequence[str], *, methods_from: int) -> list[Look]:
    """Give every label map its look.

    Parameters
    ----------
    names : sequence of str
        Of the label maps.
    methods_from : int
        How many of them come before the methods: 1 with a reference, else 0.

    Returns
    -------
    list of Look
        The first map's lines are solid and have the colours of the structures. Forty methods besides the fusion
        differ in colour or dashes.
    """
    given = []
    others = 0
    for layer, name in enumerate(names):
        if layer == 0:
            given.append(Look(None, ()))
        elif name == FUSION and layer >= methods_from:
            given.append(Look(FUSION_COLOUR, DASHES[0]))
        else:
            turn, colour = divmod(others, len(METHOD_COLOURS))
            given.append(Look(METHOD_COLOURS[colour], DASHES[turn % len(DASHES)]))
            others += 1
    return given
