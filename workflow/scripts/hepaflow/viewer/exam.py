"""What the viewer tells of an exam besides its pictures: places, volumes, Dice of every slice, and the lesions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepaflow.names import FUSION, STRUCTURES
from hepaflow.viewer.scored import Scored
from hepaflow.volumes.box import Box, bounding_box
from hepaflow.volumes.labels import structure_mask
from hepaflow.volumes.lesions import Lesion, find_lesions
from hepaflow.volumes.steps import Steps, voxel_volume
from hepaflow.volumes.volume import Grid, canonical_affine

_RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])


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
    grid : Grid
        The grid of the exam's file: where in the patient a voxel lies, and what lengths and volumes are measured
        with. Without a spacing that can be trusted, nothing is told in mm or ml.
    disagreement : mapping of str to ndarray of uint8
        For each structure that has one, how far the networks disagree, from 0 to 100 percent.
    scores : Scored
        What the tables tell of the exam; without, Dice and volumes are those of the label maps. The tables' liver
        is the mask of the liver network, and a label map's has lesions outside of that mask in it as well.
    """

    name: str
    hu: NDArray[Any]
    reference: NDArray[np.uint8] | None
    methods: Mapping[str, NDArray[np.uint8]]
    grid: Grid
    disagreement: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    scores: Scored = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, array in {"reference": self.reference, **self.methods, **self.disagreement}.items():
            if array is not None and array.shape != self.hu.shape:
                raise ValueError(f"{name} of shape {array.shape} for an exam of shape {self.hu.shape}")

    @property
    def opened(self) -> str:
        """The method that the viewer opens on: the fusion, or the last one."""
        return FUSION if FUSION in self.methods else list(self.methods)[-1]

    @property
    def trusted(self) -> NDArray[np.uint8]:
        """The label map that says where to look: the reference, if there is one, else the opened method's."""
        return self.methods[self.opened] if self.reference is None else self.reference

    @property
    def layers(self) -> list[NDArray[np.uint8]]:
        """All label maps: the reference, if there is one, then those of the methods."""
        return [*([] if self.reference is None else [self.reference]), *self.methods.values()]


def first_place(exam: ViewedExam) -> tuple[int, int, int]:
    """Return where to begin: slice, row and column in the largest lesion, the largest liver, or the middle."""
    labels = exam.trusted
    lesions = find_lesions(structure_mask(labels, "lesion"), None)
    if lesions:
        return lesions[0].place
    livers = np.count_nonzero(labels, axis=(1, 2))
    index = int(livers.argmax()) if livers.any() else len(labels) // 2
    box = bounding_box(labels[index : index + 1] > 0)
    _, rows, columns = (box or Box.whole(exam.hu.shape)).ranges
    return index, sum(rows) // 2, sum(columns) // 2


def voxel_places(exam: ViewedExam) -> dict[str, list[list[float]] | None]:
    """Return where the voxel of a slice, row and column lies, ready for JSON.

    Returns
    -------
    dict
        `voxel`: from (slice, row, column, 1) to the indices along the axes of the exam's file, counted from 0,
        shape (3, 4); `patient`: to mm towards the patient's left, back and head (LPS+), None without millimetres.
    """
    turned = np.eye(4)[[2, 1, 0, 3]]  # from slice, row, column to column, row, slice
    affine = canonical_affine(exam.grid) @ turned
    voxel = np.rint(np.linalg.inv(exam.grid.affine) @ affine)[:3]  # axes are turned and mirrored, no more
    patient = _RAS_TO_LPS[:, np.newaxis] * affine[:3] * (exam.grid.unit_mm or 1)
    return {"voxel": voxel.tolist(), "patient": patient.tolist() if exam.grid.has_millimetres else None}


def measured_steps(exam: ViewedExam) -> list[list[float]] | None:
    """Return the steps to the next slice, row and column in mm, shape (3, 3); None where they cannot be told."""
    if exam.grid.trusted_steps is None:
        return None
    steps = np.asarray(exam.grid.trusted_steps, float)
    told: list[list[float]] = (np.diag(steps) if steps.ndim == 1 else steps).tolist()
    return told


def measure_volumes(labels: NDArray[np.uint8], steps: Steps | None) -> dict[str, float | None]:
    """Measure the structures of a label map.

    Parameters
    ----------
    labels : ndarray of uint8, shape (slices, rows, columns)
    steps : Steps or None

    Returns
    -------
    dict
        `liver`, lesions included, and `lesion` in ml, None without steps; `burden`, the lesions' share of the
        liver in percent, None without liver.
    """
    voxels = {structure: int(np.count_nonzero(structure_mask(labels, structure))) for structure in STRUCTURES}
    volumes: dict[str, float | None] = {
        structure: None if steps is None else count * voxel_volume(steps) / 1000
        for structure, count in voxels.items()
    }
    return volumes | {"burden": 100 * voxels["lesion"] / voxels["liver"] if voxels["liver"] else None}


def told_volumes(exam: ViewedExam) -> list[dict[str, float | None]]:
    """Return the volumes of the reference, if there is one, and of every method: those of the tables, if any."""
    measured = [measure_volumes(labels, exam.grid.trusted_steps) for labels in exam.layers]
    for volumes, method in zip(measured[len(measured) - len(exam.methods) :], exam.methods, strict=True):
        for structure, scores in exam.scores.get(method, {}).items():
            volumes[structure] = scores.get("volume_ml")
    return measured


def told_dice(exam: ViewedExam) -> list[dict[str, float | None] | None]:
    """Return the tables' Dice of every method by structure: null for what was not scored; None without tables."""
    return [
        {structure: exam.scores[method].get(structure, {}).get("dice") for structure in STRUCTURES}
        if method in exam.scores
        else None
        for method in exam.methods
    ]


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


def marked_box(maps: Iterable[NDArray[np.uint8]]) -> list[tuple[int, int]] | None:
    """Return the slices, rows and columns between which any of the maps is more than 0; None where none is."""
    boxes = [box for box in (bounding_box(one > 0) for one in maps) if box]
    if not boxes:
        return None
    sides = zip(*(box.ranges for box in boxes), strict=True)
    return [(min(start for start, _ in side), max(stop for _, stop in side)) for side in sides]


def find_extents(labels: NDArray[np.uint8]) -> dict[str, list[list[tuple[int, int]]]]:
    """Return where along each axis a structure is: by structure and axis, the half-open ranges that hold it."""
    extents = {}
    for structure in STRUCTURES:
        mask = structure_mask(labels, structure)
        extents[structure] = [_ranges(np.asarray(mask.any(axis=others))) for others in ((1, 2), (0, 2), (0, 1))]
    return extents


def _ranges(present: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the half-open ranges in which a row of booleans is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], present, [False]]).astype(np.int8))).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def mean_disagreement(percent: NDArray[np.uint8], mask: NDArray[np.bool_]) -> list[int]:
    """Return the mean disagreement of every slice over what the mask or any network marks, in percent.

    Parameters
    ----------
    percent : ndarray of uint8, shape (slices, rows, columns)
        0 to 100.
    mask : ndarray of bool, same shape
        What is segmented.
    """
    means = []
    for disagreed, marked in zip(percent, mask, strict=True):
        voxels = disagreed[marked | (disagreed > 0)]
        means.append(round(float(voxels.mean())) if voxels.size else 0)
    return means


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
    return [
        {
            "place": lesion.place,
            "box": [lesion.box.rows, lesion.box.columns],
            "voxels": lesion.voxels,
            "ml": lesion.volume,
            "mm": lesion.diameter,
            "shared": {name: _share(lesion, other) for name, other in others.items()},
        }
        for lesion in find_lesions(structure_mask(labels, "lesion"), steps)
    ]


def _share(lesion: Lesion, labels: NDArray[np.uint8]) -> float:
    """Return which share of a lesion's voxels is lesion in a label map, too."""
    return float(structure_mask(lesion.box.crop(labels), "lesion")[lesion.mask].mean())
