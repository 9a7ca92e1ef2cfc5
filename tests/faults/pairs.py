"""Cases of images and label maps that do not belong together as they lie: each writes both."""

from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
from cases import ACCEPTED, REFUSED, WARNED, Case, Table
from made import AFFINE, write
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform
from numpy.typing import NDArray


class Pair(NamedTuple):
    """An image and its label map, and whether the voxel grid is to be trusted whatever CT values say."""

    image: Path
    label: Path
    trust_label_grid: bool = False


def _exam() -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """A liver to the patient's right, in fat and air."""
    labels = np.zeros((10, 30, 30), np.uint8)
    labels[4:9, 8:17, 4:14] = 1
    labels[5:8, 10:13, 6:9] = 2
    hu = np.full(labels.shape, -90)
    hu[:, :3] = hu[:, :, :2] = hu[:, :, -2:] = -1000
    hu[:2] = -800
    hu[labels == 1], hu[labels == 2] = 100, 50
    return (hu + np.random.default_rng(0).normal(0, 10, hu.shape)).round().astype(np.int16), labels


HU, LABELS = _exam()


def along(codes: str, labels: NDArray[np.uint8] = LABELS, *, trusted: bool = False) -> Any:
    """A label map whose file counts along other axes, as its affine says."""

    def do(folder: Path) -> Pair:
        image = nib.Nifti1Image(labels.transpose(2, 1, 0), AFFINE)
        turned = image.as_reoriented(ornt_transform(io_orientation(AFFINE), axcodes2ornt(codes)))
        nib.save(turned, folder / "label.nii")
        return Pair(write(folder / "image.nii", HU), folder / "label.nii", trusted)

    return do


def pair(hu: NDArray[Any], labels: NDArray[Any], affine: NDArray[Any] = AFFINE) -> Any:
    return lambda folder: Pair(write(folder / "image.nii", hu), write(folder / "label.nii", labels, affine))


BY_AFFINE = ("right by its affine, and wrong voxel by voxel", "`trust_label_grid: true`")
NOT_ON_A_LIVER = "CT values that no liver has"
BEFORE = "trained on as it was, with one line on directions: a Dice of 0.045"

PAIRS = Table(
    "Images and labels that do not lie on each other",
    "LiTS has labels whose header differs from that of their image, although their voxels are right. CT values "
    "inside the label distinguish these from labels that are right by their header.",
    (
        Case("label that lies along LPS, as its image does", ACCEPTED, (), along("LPS")),
        Case(
            "label that lies along RAS, image along LPS", REFUSED, ("along RAS", *BY_AFFINE), along("RAS"), BEFORE
        ),
        Case(
            "label that lies along RPS, image along LPS", REFUSED, ("along RPS", *BY_AFFINE), along("RPS"), BEFORE
        ),
        Case(
            "label that lies along LPI, image along LPS", REFUSED, ("along LPI", *BY_AFFINE), along("LPI"), BEFORE
        ),
        Case(
            "label that lies along PLS, image along LPS", REFUSED, ("along PLS", *BY_AFFINE), along("PLS"), BEFORE
        ),
        Case(
            "label that lies along RAS, and is to be trusted",
            WARNED,
            ("disagree on directions, LPS and RAS", "voxel by voxel", "by its own affine"),
            along("RAS", trusted=True),
        ),
        Case(
            "label whose header alone is mirrored",
            WARNED,
            ("disagree on directions", "100 % of the label lie on -50 to 250 HU voxel by voxel"),
            pair(HU, LABELS, AFFINE * [-1, -1, 1, 1]),
        ),
        Case(
            "label that is mirrored, header and all as its image",
            WARNED,
            (NOT_ON_A_LIVER,),
            pair(HU, LABELS[:, :, ::-1]),
            "trained on, without a word",
        ),
        Case(
            "label that is upside down, header and all as its image",
            WARNED,
            (NOT_ON_A_LIVER,),
            pair(HU, LABELS[::-1]),
            "trained on, without a word",
        ),
        Case(
            "label that is shifted, header and all as its image",
            WARNED,
            (NOT_ON_A_LIVER,),
            pair(HU, np.roll(LABELS, 7, 2)),
            "trained on, without a word",
        ),
        Case(
            "label of another exam of the same shape",
            WARNED,
            (NOT_ON_A_LIVER,),
            pair(np.roll(HU, (3, 9), (0, 1)), LABELS),
            "trained on, without a word",
        ),
        Case(
            "label map instead of the image",
            REFUSED,
            ("the values 0, 1, 2 alone", "not a label map"),
            pair(LABELS, LABELS),
            "trained on, with a warning",
        ),
        Case(
            "mask of 0 and 255 instead of the image",
            REFUSED,
            ("the values 0, 255 alone", "not a label map"),
            pair((LABELS > 0) * np.uint8(255), LABELS),
            "trained on, with a warning",
        ),
        Case("image instead of the label", REFUSED, ("label values",), pair(HU, HU)),
        Case(
            "values 1024 above HU, with padding of -1024",
            WARNED,
            ("as hard as bone", NOT_ON_A_LIVER),
            pair(np.where(HU < -950, -1024, HU + 1024).astype(np.int16), LABELS),
            "trained on, without a word",
        ),
        Case(
            "values 1024 below HU",
            WARNED,
            ("padding", NOT_ON_A_LIVER),
            pair((HU - 1024).astype(np.int16), LABELS),
            "trained on, with a word on padding",
        ),
    ),
)
