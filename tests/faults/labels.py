"""Cases of label maps, and of segmentations by others: each writes a file, and says what reading it is to give."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from cases import ACCEPTED, REFUSED, WARNED, Case, Table
from made import AFFINE, LABELS, scale, write
from numpy.typing import NDArray


class Label(NamedTuple):
    """A label map that was written, and what reading it is to give."""

    path: Path
    labels: NDArray[np.uint8] = LABELS


def stored(array: NDArray[Any], labels: NDArray[np.uint8] = LABELS, affine: Any = AFFINE, **how: Any) -> Any:
    return lambda folder: Label(write(folder / "label.nii.gz", array, affine, **how), labels)


def with_value(value: float, dtype: str) -> Any:
    array = LABELS.astype(dtype)
    array[4, 12, 10] = value
    return stored(array)


def cut(folder: Path) -> Label:
    path = write(folder / "label.nii.gz", LABELS)
    path.write_bytes(path.read_bytes()[:-10])
    return Label(path)


def moved(axis: int, millimetres: float) -> NDArray[np.float64]:
    affine = AFFINE.copy()
    affine[axis, 3] += millimetres
    return affine


def changed(*places: Any, value: int) -> NDArray[np.uint8]:
    labels = LABELS.copy()
    labels[places] = value
    return labels


NONE = np.zeros_like(LABELS)
HEALTHY = np.minimum(LABELS, 1)
OUTSIDE = changed(slice(3, 5), slice(0, 2), slice(0, 2), value=2)
"""With a lesion in the corner, in the air."""
ONLY_LESIONS = np.where(LABELS == 2, 2, 0).astype(np.uint8)
WRONG_VALUE = ("0 background, 1 liver, 2 lesion", "leave the exam out")
DISAGREE = "the voxel grid is trusted, with the image's"

LABEL_MAPS = Table(
    "Label maps",
    "Labels are read beside their image, and scored with their own masks instead of those of networks.",
    (
        Case(
            "floating-point label with 1.9999 for 2",
            ACCEPTED,
            (),
            stored(np.where(LABELS == 2, 1.9999, LABELS).astype(np.float32)),
            mended="refused, though the same rounding in a scaled label map was accepted",
        ),
        Case("floating-point label with 0.5", REFUSED, ("label values 0.5", *WRONG_VALUE), with_value(0.5, "f4")),
        Case(
            "label saved as fractions of a scale",
            ACCEPTED,
            (),
            stored(LABELS * np.uint8(100), edits=(scale(0.01, 0),)),
        ),
        Case("label with the value 3", REFUSED, ("label values 3", *WRONG_VALUE), with_value(3, "u1")),
        Case("label with the value -1", REFUSED, ("label values -1", *WRONG_VALUE), with_value(-1, "i2")),
        Case("label with 255 for liver", REFUSED, ("label values 255",), stored((LABELS > 0) * np.uint8(255))),
        Case("label with NaN", REFUSED, ("label values nan",), with_value(np.nan, "f4")),
        Case("label of int64", ACCEPTED, (), stored(LABELS.astype(np.int64))),
        Case("label, big-endian", ACCEPTED, (), stored(LABELS.astype(">i4"))),
        Case("label without any liver or lesion", WARNED, ("no liver in the label",), stored(NONE, NONE)),
        Case("label without lesions", WARNED, ("no lesion in the label",), stored(HEALTHY, HEALTHY)),
        Case(
            "lesion outside the liver",
            WARNED,
            ("1 lesion touches no liver",),
            stored(OUTSIDE, OUTSIDE),
            mended="no warning",
        ),
        Case(
            "label with lesions alone",
            WARNED,
            ("lesions without any liver",),
            stored(ONLY_LESIONS, ONLY_LESIONS),
            mended="no warning",
        ),
        Case(
            "label shifted by its header",
            WARNED,
            ("disagree on the affine", DISAGREE),
            stored(LABELS, affine=moved(0, 20)),
        ),
        Case(
            "label mirrored by its header",
            WARNED,
            ("disagree on directions, LPS and RAS", DISAGREE),
            stored(LABELS, affine=AFFINE * [-1, -1, 1, 1]),
            mended="told as any other small disagreement of the headers",
        ),
        Case("label of another shape", REFUSED, ("20×24×7 voxels", "20×24×8 voxels"), stored(LABELS[1:])),
        Case("label with three frames", REFUSED, ("three axes",), stored(np.stack([LABELS] * 3, 3))),
        Case("label that was cut short", REFUSED, ("not readable as NIfTI",), cut),
        Case("label that is not there", REFUSED, ("no such file",), lambda folder: Label(folder / "label.nii.gz")),
    ),
)

OTHERS = Table(
    "Segmentations by others",
    "Label maps that the setting `predictions` names, to be scored beside hepaflow's own.",
    (
        Case("segmentation by others", ACCEPTED, (), stored(LABELS)),
        Case(
            "probabilities instead of a segmentation",
            REFUSED,
            ("not whole, such as 0.7", "not probabilities"),
            stored((LABELS * 0.7).astype(np.float32)),
            mended="rounded, without a word",
        ),
        Case(
            "segmentation with NaN",
            REFUSED,
            ("not whole, such as nan",),
            with_value(np.nan, "f4"),
            mended="NaN was background, without a word",
        ),
        Case("segmentation with values of other organs", ACCEPTED, (), stored(changed(0, 0, 0, value=117))),
        Case("segmentation of another shape", REFUSED, ("resample",), stored(LABELS[1:])),
        Case(
            "segmentation along other directions",
            REFUSED,
            ("along RAS", "along LPS"),
            stored(LABELS, affine=AFFINE * [-1, -1, 1, 1]),
        ),
        Case("segmentation that was cut short", REFUSED, ("not readable as NIfTI",), cut),
    ),
)
