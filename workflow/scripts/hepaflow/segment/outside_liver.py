"""Lesions of the liver lie in it, or bulge out of it a little: what lies farther away is none."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hepaflow.volumes.box import Box, bounding_box
from hepaflow.volumes.lesions import label_lesions
from hepaflow.volumes.steps import Spacing

MARGIN_MM = 10.0
"""How far a lesion may reach out of the liver as the networks see it.

The lesion networks look at the whole box around the liver (thesis 4.3), with kidneys, bowel and ribs in it. A
lesion at the capsule is often no liver to the liver networks, which see pixels of 1.5 to 2 mm.
"""


@dataclass(frozen=True)
class Outside:
    """What the networks take for lesion, but farther from the liver than a lesion of it can be.

    Attributes
    ----------
    voxels : int
    regions : int
        Pieces that lie there as a whole.
    left_out : bool
        Whether it was taken out of the result.
    margin_mm : float or None
        How far from the liver that begins; None where millimetres are not to be trusted: then it is all that is
        no liver.
    """

    voxels: int
    regions: int
    left_out: bool
    margin_mm: float | None = MARGIN_MM


def near_liver(
    liver: NDArray[np.bool_], lesion: NDArray[np.bool_], spacing: Spacing, *, margin: float = MARGIN_MM
) -> NDArray[np.bool_]:
    """Return which voxels of the lesions lie in the liver, or within a margin of it.

    Parameters
    ----------
    liver, lesion : ndarray of bool, shape (slices, rows, columns)
    spacing : tuple of float
        Distances between slices, rows and columns in mm.
    margin : float, optional
        In mm, from the middle of a voxel to the middle of the nearest that is liver.

    Returns
    -------
    ndarray of bool, same shape
    """
    beside, kept = lesion & ~liver, lesion & liver
    reach = [int(margin // length) for length in spacing]
    depth = 2 * reach[0] + 1  # of slabs: distances take about 50 bytes a voxel, too many for a whole exam
    for first in range(0, len(beside), depth):
        box = bounding_box(beside[first : first + depth])
        if box is None:
            continue
        in_exam = Box((first + box.slices[0], first + box.slices[1]), box.rows, box.columns)
        # No liver beyond this box is near enough to any voxel in question.
        around = tuple(
            slice(max(start - more, 0), stop + more)
            for (start, stop), more in zip(in_exam.ranges, reach, strict=True)
        )
        if liver[around].any():
            distance = ndimage.distance_transform_edt(~liver[around], sampling=spacing)
            kept[around] |= beside[around] & (distance <= margin)
    return kept


def without_outside(
    liver: NDArray[np.bool_], lesion: NDArray[np.bool_], spacing: Spacing | None, *, keep: bool = False
) -> tuple[NDArray[np.bool_], Outside]:
    """Leave out of the lesions what is farther from the liver than `MARGIN_MM`, and tell how much that is.

    Parameters
    ----------
    liver, lesion : ndarray of bool, shape (slices, rows, columns)
    spacing : tuple of float or None
        Distances between slices, rows and columns in mm. None where they cannot be trusted: nothing is left out.
    keep : bool, optional
        Tell it, but leave it in.
    """
    near = lesion & liver if spacing is None else near_liver(liver, lesion, spacing)
    far = lesion & ~near
    box = bounding_box(lesion) or Box((0, 1), (0, 1), (0, 1))
    labels, count = label_lesions(box.crop(lesion))
    touched = np.unique(labels[box.crop(near)])
    outside = Outside(
        voxels=int(np.count_nonzero(far)),
        regions=count - len(touched),
        left_out=not keep and spacing is not None,
        margin_mm=None if spacing is None else MARGIN_MM,
    )
    return (near if outside.left_out else lesion), outside
