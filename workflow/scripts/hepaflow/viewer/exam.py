"""What the viewer tells of an exam besides its pictures: Dice of every slice, and the lesions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepaflow.names import STRUCTURES
from hepaflow.volumes.box import bounding_box
from hepaflow.volumes.labels import structure_mask
from hepaflow.volumes.lesions import find_lesions, label_lesions
from hepaflow.volumes.steps import Steps


@dataclass(frozen=True)
class ViewedExam:
    """An exam with everything that is laid over it; all arrays of one shape (slices, rows, columns).

    Attributes
    ----------
    name : str
    hu : ndarray
        CT values in HU, in canonical orientation.
    reference : ndarray of uint8 or None
        0 background, 1 liver, 2 lesion; None for an exam that nobody has segmented.
    methods : mapping of str to ndarray of uint8
        Label maps of every method, at least one, in the order in which they are listed.
    spacing : tuple of float
        Distances between slices, rows and columns in mm.
    in_millimetres : bool
        Whether the spacing is real; without, nothing is told in mm or ml.
    disagreement : mapping of str to ndarray of uint8
        For each structure that has one, how far the networks disagree, from 0 to 100 percent.
    steps : Steps or None
        What lengths and volumes are measured with, where that is not the spacing: the steps of a sheared grid.
    """

    name: str
    hu: NDArray[Any]
    reference: NDArray[np.uint8] | None
    methods: Mapping[str, NDArray[np.uint8]]
    spacing: tuple[float, float, float]
    in_millimetres: bool = True
    disagreement: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    steps: Steps | None = None

    def __post_init__(self) -> None:
        for name, array in {"reference": self.reference, **self.methods, **self.disagreement}.items():
            if array is not None and array.shape != self.hu.shape:
                raise ValueError(f"{name} of shape {array.shape} for an exam of shape {self.hu.shape}")

    @property
    def measured_in(self) -> Steps | None:
        """What lengths and volumes are measured with; None where they cannot be."""
        if not self.in_millimetres:
            return None
        return self.spacing if self.steps is None else self.steps

    @property
    def layers(self) -> list[NDArray[np.uint8]]:
        """All label maps: the reference, if there is one, then those of the methods."""
        return [*([] if self.reference is None else [self.reference]), *self.methods.values()]


def first_slice(exam: ViewedExam) -> int:
    """Return where to begin: at the largest lesion, or where the liver is largest, or in the middle.

    Lesions and liver are those of the reference, else of the last method.
    """
    labels = exam.reference if exam.reference is not None else list(exam.methods.values())[-1]
    lesions = find_lesions(structure_mask(labels, "lesion"), None)
    if lesions:
        return lesions[0].place[0]
    livers = np.count_nonzero(labels, axis=(1, 2))
    return int(livers.argmax()) if livers.any() else len(labels) // 2


def count_overlap(labels: NDArray[np.uint8], reference: NDArray[np.uint8]) -> dict[str, list[list[int]]]:
    """Count, for each structure and slice, the pixels of both, of the labels and of the reference; Dice follows.

    Parameters
    ----------
    labels, reference : ndarray of uint8, shape (slices, rows, columns)

    Returns
    -------
    dict of str to list
        By structure: three numbers a slice.
    """
    counts: dict[str, list[list[int]]] = {}
    for structure in STRUCTURES:
        one, other = structure_mask(labels, structure), structure_mask(reference, structure)
        numbers = [np.count_nonzero(mask, axis=(1, 2)) for mask in (one & other, one, other)]
        counts[structure] = np.column_stack(numbers).tolist()
    return counts


def liver_box(exam: ViewedExam) -> list[tuple[int, int]] | None:
    """Return the rows and the columns between which anything is marked in any slice; None where nothing is."""
    marked = np.zeros(exam.hu.shape[1:], bool)
    for labels in exam.layers:
        marked |= labels.any(axis=0)
    box = bounding_box(marked[np.newaxis])
    return [box.rows, box.columns] if box else None


def list_lesions(
    labels: NDArray[np.uint8], others: Mapping[str, NDArray[np.uint8]], steps: Steps | None
) -> list[dict[str, Any]]:
    """List the lesions of a label map, the largest first, ready for JSON.

    Parameters
    ----------
    labels : ndarray of uint8, shape (slices, rows, columns)
    others : mapping of str to ndarray of uint8, same shape
        Label maps to compare with: of each lesion it is told which share of its voxels is lesion there, too.
    steps : Steps or None
        In mm; None where they cannot be trusted.
    """
    mask = structure_mask(labels, "lesion")
    numbered, count = label_lesions(mask)
    shared = {
        name: np.bincount(numbered[structure_mask(other, "lesion")], minlength=count + 1)
        for name, other in others.items()
    }
    return [
        {
            "place": lesion.place,
            "box": [lesion.box.rows, lesion.box.columns],
            "voxels": lesion.voxels,
            "ml": lesion.volume,
            "mm": lesion.diameter,
            "shared": {name: float(found[lesion.label] / lesion.voxels) for name, found in shared.items()},
        }
        for lesion in find_lesions(mask, steps)
    ]
