"""The single lesions of a mask: how large each is, and where to look for it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from hepaflow.volumes.box import Box, bounding_box
from hepaflow.volumes.steps import Steps, in_mm, in_plane, voxel_volume


@dataclass(frozen=True)
class Lesion:
    """One lesion.

    Attributes
    ----------
    label : int
        Its value in the array of `label_lesions`, of the mask or of any box that holds all of it.
    voxels : int
    volume : float or None
        In ml; None where the exam has no spacing that could be trusted.
    diameter : float or None
        Longest diameter within one slice, in mm, from the outer side of a pixel to that of another; None as above.
    place : tuple of int
        Slice, row and column of a voxel of the lesion: in the slice where it is largest, the one closest to the
        middle of what is seen there.
    box : Box
        Smallest box around it.
    mask : ndarray of bool, of the shape of the box
        Which voxels of the box are its own.
    """

    label: int
    voxels: int
    volume: float | None
    diameter: float | None
    place: tuple[int, int, int]
    box: Box
    mask: NDArray[np.bool_] = field(repr=False, compare=False)


def label_lesions(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Label the lesions of a mask: voxels that share a face are of one, as the LiTS challenge counts.

    Parameters
    ----------
    mask : ndarray of bool, shape (slices, rows, columns)

    Returns
    -------
    labels : ndarray of int32, same shape
        0 outside, and 1, 2, ... in the lesions.
    count : int
        How many lesions there are.
    """
    labels = np.empty(mask.shape, np.int32)
    return labels, int(ndimage.label(mask, output=labels))


def find_lesions(mask: NDArray[np.bool_], steps: Steps | None) -> list[Lesion]:
    """Measure every lesion of a mask.

    Parameters
    ----------
    mask : ndarray of bool, shape (slices, rows, columns)
    steps : Steps or None
        Distances between slices, rows and columns in mm, or the steps of a sheared grid; None where they cannot be
        trusted.

    Returns
    -------
    list of Lesion
        The largest first; of equally large ones, the one closer to the feet.
    """
    around = bounding_box(mask)
    if around is None:
        return []
    labels, _ = label_lesions(around.crop(mask))  # of a whole exam, labels take gigabytes
    lesions = [
        _measure(labels[place] == label, label, _box(place, around), steps)
        for label, place in enumerate(ndimage.find_objects(labels), start=1)
    ]
    return sorted(lesions, key=lambda lesion: (-lesion.voxels, lesion.label))


def _measure(
    lesion: NDArray[np.bool_],
    label: int,
    box: Box,
    steps: Steps | None,
) -> Lesion:
    """Measure one lesion, given as the mask in its own box."""
    voxels = int(np.count_nonzero(lesion))
    middle = _middle(lesion)
    return Lesion(
        label,
        voxels,
        voxels * voxel_volume(steps) / 1000 if steps is not None else None,
        max(_diameter(one, in_plane(steps)) for one in lesion if one.any()) if steps is not None else None,
        (box.slices[0] + middle[0], box.rows[0] + middle[1], box.columns[0] + middle[2]),
        box,
        lesion,
    )


def _box(place: tuple[slice, ...], around: Box) -> Box:
    """Return a place in a box as a box in the exam."""
    return Box(
        *((first + one.start, first + one.stop) for one, (first, _) in zip(place, around.ranges, strict=True))
    )


def _middle(lesion: NDArray[np.bool_]) -> tuple[int, int, int]:
    """Return the pixel of the largest slice that is closest to its centroid; in a crescent that lies outside."""
    index = int(lesion.sum(axis=(1, 2)).argmax())
    pixels = np.argwhere(lesion[index])
    row, column = pixels[((pixels - pixels.mean(axis=0)) ** 2).sum(axis=1).argmin()]
    return index, int(row), int(column)


def _diameter(mask: NDArray[np.bool_], steps: NDArray[np.float64]) -> float:
    """Return the longest distance in mm between any two pixels of a slice, measured from side to side."""
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1)
    last = mask.shape[1] - 1 - mask[rows, ::-1].argmax(axis=1)
    ends = np.concatenate([np.column_stack([rows, first]), np.column_stack([rows, last])])
    # The middles of a pixel's four sides: a lesion of one pixel is as long as the pixel, and a disc is not
    # overstated, as it would be from corner to corner. Nor do they ever lie on one line, which has no convex hull.
    sides = np.array([(0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5)])
    points = in_mm((ends[:, None] + sides).reshape(-1, 2), steps)
    return float(pdist(points[ConvexHull(points).vertices]).max())
