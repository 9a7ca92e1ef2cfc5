"""From what networks find in an exam of one's own to its label map, and what gives reason to doubt that."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hepaflow.segment.outside_liver import Outside, without_outside
from hepaflow.segment.segmented import Segmented
from hepaflow.segment.source import LoadedExam
from hepaflow.volumes.box import Box, Scalar
from hepaflow.volumes.labels import label_map
from hepaflow.volumes.lesions import label_lesions
from hepaflow.words import counted

_UNRECONSTRUCTED = -1024
"""HU, at most, that scanners and archives put where nothing was reconstructed."""

_BESIDE = 2
"""Pixels within which a liver has been cut off: between it and the air around the body lie skin, fat and ribs."""


@dataclass(frozen=True)
class Result:
    """What is told of an exam.

    Attributes
    ----------
    labels : ndarray of uint8, shape (slices, rows, columns)
        0 background, 1 liver, 2 lesion.
    outside : Outside
        What lay outside of the liver.
    notes : tuple of str
        What gives reason to doubt that this is all.
    """

    labels: NDArray[np.uint8]
    outside: Outside
    notes: tuple[str, ...]


def result_of(found: Segmented, exam: LoadedExam, *, keep_outside: bool = False) -> Result:
    """Join liver and lesions; without what lies outside of the liver, unless that is to be kept.

    Parameters
    ----------
    found : Segmented
    exam : LoadedExam
    keep_outside : bool, optional
        Keep what the networks take for lesion anywhere in the box around the liver.
    """
    lesion, outside = without_outside(found.liver, found.lesion, exam.grid.trusted_spacing, keep=keep_outside)
    notes = [
        *_outside(outside),
        *_cut_liver(found.liver, found.boxes.get("liver")),
        *_cut_lesions(lesion, found.boxes.get("lesion")),
        *_cut_by_view(found.liver, exam.hu),
    ]
    return Result(label_map(found.liver, lesion), outside, tuple(notes))


def _outside(outside: Outside) -> list[str]:
    if not outside.voxels:
        return []
    lie = "lies" if outside.voxels == 1 else "lie"
    whole = f", {counted(outside.regions, 'region')} as a whole" if outside.regions else ""
    if outside.margin_mm is None:
        was = "it was" if outside.voxels == 1 else "they were"
        return [
            f"{counted(outside.voxels, 'voxel')} of lesion {lie} outside of the liver{whole}; how far is unknown, "
            f"so {was} kept"
        ]
    done = "was left out" if outside.left_out else "was kept, as asked for"
    return [
        f"{counted(outside.voxels, 'voxel')} that the networks take for lesion {lie} more than "
        f"{outside.margin_mm:g} mm outside of the liver{whole}: this {done}"
    ]


def _cut_liver(liver: NDArray[np.bool_], box: Box | None) -> list[str]:
    """Note that a liver reaches the edge of the box in which it is sought, as one does that was found coarsely."""
    if box is None or not _at_edges(box.crop(liver), box, liver.shape).any():
        return []
    return ["the liver reaches the edge of the region in which it was sought: a part of it may be missing there"]


def _cut_lesions(lesion: NDArray[np.bool_], box: Box | None) -> list[str]:
    """Note how many lesions reach the edge of the box in which they are sought."""
    if box is None or not _at_edges(box.crop(lesion), box, lesion.shape).any():
        return []
    numbered, _ = label_lesions(box.crop(lesion))
    count = np.count_nonzero(np.unique(_at_edges(numbered, box, lesion.shape)))
    return [
        f"{count} lesion{'s reach' if count > 1 else ' reaches'} the edge of the region around the liver in "
        f"which lesions were sought: a part of {'them' if count > 1 else 'it'} may be missing there"
    ]


def _at_edges(cut: NDArray[Scalar], box: Box, shape: tuple[int, ...]) -> NDArray[Scalar]:
    """Return the voxels at the edges of what was cut out of an exam; an edge of the exam itself is none."""
    layers = [cut[:0].ravel()]
    for axis, (start, stop) in enumerate(box.ranges):
        if start > 0:
            layers.append(cut.take(0, axis).ravel())
        if stop < shape[axis]:
            layers.append(cut.take(-1, axis).ravel())
    return np.concatenate(layers)


def _cut_by_view(liver: NDArray[np.bool_], hu: NDArray[Any]) -> list[str]:
    """Tell of a liver at the edge of what the scanner has reconstructed, which is often a circle."""
    low = hu.min()
    if low > _UNRECONSTRUCTED:
        return []
    cut = 0
    for index in np.flatnonzero(liver.any(axis=(1, 2))):
        regions, _ = ndimage.label(hu[index] == low)
        corners = np.unique(regions[:: len(regions) - 1 or 1, :: regions.shape[1] - 1 or 1])
        outer = np.isin(regions, corners[corners > 0])
        cut += bool((ndimage.binary_dilation(outer, iterations=_BESIDE) & liver[index]).any())
    if not cut:
        return []
    return [
        f"the liver reaches the edge of the field of view in {counted(cut, 'slice')}: beyond, it is not measured"
    ]
