"""Test slices drawn at random, with the reference and every method's labels (thesis figures 11 and 12)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepaflow.names import STRUCTURES
from hepaflow.preprocessing.voi import volume_of_interest
from hepaflow.volumes.box import Box
from hepaflow.volumes.labels import read_labels, structure_mask
from hepaflow.volumes.volume import read_image

REFERENCE = "reference"
_ANY = "any"
_AROUND = {"liver": _ANY, "lesion": "liver"}
"""What a structure lies in: what is shown around it, and instead of it where no exam has it."""
_MARGIN = 0.08
"""Of the liver's box on either side, in its width."""


@dataclass(frozen=True)
class Sample:
    """One slice of one exam, cut to what is shown of it.

    Attributes
    ----------
    exam : str
    index : int
        Slice, counted from the feet and from 0.
    slices : int
        Slices of the exam.
    hu : ndarray, shape (rows, columns)
        CT values in HU.
    labels : mapping of str to ndarray of uint8, same shape
        Label maps: the reference, then every method's.
    spacing : tuple of float
        Distance between rows, and between columns, in mm.
    """

    exam: str
    index: int
    slices: int
    hu: NDArray[Any]
    labels: Mapping[str, NDArray[np.uint8]]
    spacing: tuple[float, float]

    def mask(self, name: str, structure: str) -> NDArray[np.bool_]:
        """Return a mask of the liver (with its lesions) or of the lesions: the reference's or a method's."""
        return structure_mask(self.labels[name], structure)

    @property
    def proportion(self) -> float:
        """Height of the slice by its width."""
        rows, columns = self.hu.shape
        return float(rows * self.spacing[0] / (columns * self.spacing[1]))


def find_slices(labels: NDArray[np.uint8]) -> dict[str, list[int]]:
    """Return the slices of an exam that show each structure, and all of them."""
    shown = {structure: structure_mask(labels, structure).any(axis=(1, 2)) for structure in STRUCTURES}
    return {name: np.flatnonzero(of).tolist() for name, of in shown.items()} | {_ANY: list(range(len(labels)))}


def draw_slices(
    found: Mapping[str, Mapping[str, Sequence[int]]], structure: str, count: int, seed: int
) -> dict[str, list[int]]:
    """Draw slices at random: exams first, so that a long exam is not shown more often than a short one.

    Parameters
    ----------
    found : mapping of str to mapping
        What `find_slices` returns, for each exam.
    structure : {'liver', 'lesion'}
        Only slices that show this are drawn; slices with liver where no exam has a lesion.
    count : int
        Slices to draw; all of them if there are fewer.
    seed : int

    Returns
    -------
    dict of str to list of int
        Slices by exam, both in ascending order.
    """
    for shown in (structure, _AROUND[structure], _ANY):
        left = {exam: list(slices[shown]) for exam, slices in sorted(found.items()) if slices[shown]}
        if left:
            break
    random = np.random.default_rng(seed)
    drawn: dict[str, list[int]] = {}
    while left and count > 0:
        # One slice of every exam in turn, until there are enough.
        for exam in random.permutation(sorted(left)).tolist()[:count]:
            slices = left[exam]
            drawn.setdefault(exam, []).append(slices.pop(int(random.integers(len(slices)))))
            count -= 1
            if not slices:
                del left[exam]
    return {exam: sorted(slices) for exam, slices in sorted(drawn.items())}


def field_of_view(labels: NDArray[np.uint8], structure: str) -> Box:
    """Return what is shown of an exam: all of it, or the box of what the structure lies in, with a margin."""
    whole = Box.whole((labels.shape[0], labels.shape[1], labels.shape[2]))
    around = _AROUND[structure]
    if around == _ANY or not labels.any():
        return whole
    box = volume_of_interest(structure_mask(labels, around))
    margin = round(_MARGIN * (box.rows[1] - box.rows[0]))
    rows, columns = (
        (max(start - margin, 0), min(stop + margin, length))
        for (start, stop), length in zip((box.rows, box.columns), labels.shape[1:], strict=True)
    )
    return Box(whole.slices, rows, columns)


def read_samples(
    exam: str, indices: Sequence[int], structure: str, image: Path, labels: Mapping[str, Path]
) -> list[Sample]:
    """Read some slices of an exam, one volume at a time.

    Parameters
    ----------
    exam : str
    indices : sequence of int
        Slices, counted from the feet and from 0.
    structure : {'liver', 'lesion'}
    image : Path
        CT volume.
    labels : mapping of str to Path
        Label maps: the `REFERENCE`, and every method's.
    """
    hu, grid = read_image(image, exam=exam)
    box = field_of_view(read_labels(labels[REFERENCE], exam=exam, image=grid)[0], structure)
    shown = box.crop(hu)[list(indices)]
    maps = {
        name: box.crop(read_labels(path, exam=exam, image=grid)[0])[list(indices)] for name, path in labels.items()
    }
    return [
        Sample(
            exam=exam,
            index=index,
            slices=len(hu),
            hu=shown[row],
            labels={name: slices[row] for name, slices in maps.items()},
            spacing=grid.spacing[1:],
        )
        for row, index in enumerate(indices)
    ]
