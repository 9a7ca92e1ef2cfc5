"""Cases of segmentations by others beside references: each fills two folders for `hepaflow.evaluation.folder`."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from cases import ACCEPTED, REFUSED, WARNED, Case, Table
from made import AFFINE, LABELS, write
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform
from numpy.typing import NDArray

MOVED = np.roll(LABELS, (1, 2, 3), (0, 1, 2))
"""Of no symmetry, so that a flip cannot pass."""


def pair(
    array: NDArray[Any] = MOVED,
    affine: NDArray[Any] = AFFINE,
    *options: str,
    name: str = "one.nii.gz",
    reference: NDArray[Any] = MOVED,
) -> Any:
    def do(folder: Path) -> tuple[str, ...]:
        write(folder / "references/one.nii.gz", reference)
        write(folder / "predictions" / name, array, affine)
        return options

    return do


def along(codes: str) -> Any:
    """The segmentation along other axes, as its affine says."""

    def do(folder: Path) -> tuple[str, ...]:
        write(folder / "references/one.nii.gz", MOVED)
        image = nib.Nifti1Image(MOVED.transpose(2, 1, 0), AFFINE)
        turned = image.as_reoriented(ornt_transform(io_orientation(AFFINE), axcodes2ornt(codes)))
        nib.save(turned, folder / "predictions/one.nii.gz")
        return ()

    return do


def moved(*millimetres: float) -> NDArray[np.float64]:
    affine = AFFINE.copy()
    affine[:3, 3] += millimetres
    return affine


def with_more(*names: str, where: str) -> Any:
    """More files of the same content in one of the folders."""

    def do(folder: Path) -> tuple[str, ...]:
        pair()(folder)
        for name in names:
            write(folder / where / name, MOVED)
        return ()

    return do


def of_one_folder(folder: Path) -> tuple[str, ...]:
    pair()(folder)
    (folder / "predictions/one.nii.gz").unlink()
    (folder / "predictions").rmdir()
    (folder / "predictions").symlink_to("references")
    return ()


def upper_case(folder: Path) -> tuple[str, ...]:
    write(folder / "references/one.nii.gz", MOVED)
    write(folder / "predictions/two.nii", MOVED).rename(folder / "predictions/one.NII")
    return ()


ORGANS = np.where(MOVED > 0, 5, 3).astype(np.uint8)
RESAMPLE = "resample the segmentation to the image's grid without interpolation"
NOT_SCORED = "scored voxel by voxel, whatever the headers said"

COMPARISONS = Table(
    "Comparisons with others' results",
    "`hepaflow evaluate` compares a segmentation with an equal reference, except for the oddity: either the Dice "
    "is 1, or it is refused.",
    (
        *(
            Case(
                f"segmentation along {codes}, reference along LPS",
                ACCEPTED,
                (),
                along(codes),
                mended="refused, though the affine says exactly where its voxels lie",
            )
            for codes in ("RAS", "RPS", "LPI", "PLS", "SRA")
        ),
        Case(
            "segmentation whose header alone is mirrored",
            REFUSED,
            ("along RAS", "beside the image", RESAMPLE, "--trust-grid"),
            pair(MOVED, AFFINE * [-1, -1, 1, 1]),
        ),
        Case(
            "segmentation whose header alone is mirrored, to be trusted",
            ACCEPTED,
            (),
            pair(MOVED, AFFINE * [-1, -1, 1, 1], "--trust-grid"),
            mended="refused, without a way on",
        ),
        Case(
            "segmentation that lies elsewhere by its header",
            REFUSED,
            ("0 slices, 0 rows and 10 columns beside the image",),
            pair(MOVED, moved(7, 0, 0)),
            mended=NOT_SCORED,
        ),
        Case(
            "segmentation that lies a voxel beside by its header",
            REFUSED,
            ("1 slices, 0 rows and 0 columns beside the image",),
            pair(MOVED, moved(0, 0, 2.5)),
            mended=NOT_SCORED,
        ),
        Case(
            "segmentation of another spacing and as many voxels",
            REFUSED,
            ("a spacing of 5×0.8×0.7 mm, where the image has 2.5×0.8×0.7 mm",),
            pair(MOVED, AFFINE * [1, 1, 2, 1]),
            mended=NOT_SCORED,
        ),
        Case(
            "segmentation with an identity affine",
            REFUSED,
            ("a spacing of 1×1×1 mm", "--trust-grid"),
            pair(MOVED, np.eye(4)),
            mended="scored or refused, by the directions of the reference",
        ),
        Case("segmentation that was cropped", REFUSED, ("another number of voxels",), pair(MOVED[:, 3:])),
        Case(
            "segmentation whose header was rounded",
            ACCEPTED,
            (),
            pair(MOVED, AFFINE * [0.996, 1.004, 1, 1]),
        ),
        Case("segmentation in floating-point numbers", ACCEPTED, (), pair(MOVED.astype(np.float64))),
        Case(
            "probabilities as bytes instead of a segmentation",
            REFUSED,
            ("253 label values without a meaning: 3, 4, 5, 6, 7, ...", "probabilities"),
            pair(np.arange(MOVED.size).reshape(MOVED.shape).astype(np.uint8)),
            mended="1 and 2 of 255 were taken for liver and lesion",
        ),
        Case(
            "mask of 0 and 255 instead of a segmentation",
            REFUSED,
            ("1 label value without a meaning: 255", "1, 2 for liver, 2 for lesions"),
            pair((MOVED > 0) * np.uint8(255)),
            mended="a Dice of 0",
        ),
        Case(
            "organs with other numbers, not told",
            WARNED,
            ("label values 3, 5", "are taken for background; no voxel is liver or lesion"),
            pair(ORGANS, reference=np.zeros_like(MOVED)),
            mended="a Dice of 0, without a word",
        ),
        Case(
            "organs with other numbers, and told",
            WARNED,
            ("label values 3 of one.nii.gz are taken for background",),
            pair(ORGANS, AFFINE, "--liver", "5", "--lesion"),
        ),
        Case(
            "references without a segmentation",
            WARNED,
            ("2 of 3 references have no segmentation: three, two",),
            with_more("two.nii", "three.nii.gz", where="references"),
            mended="means over fewer exams, without a word",
        ),
        Case(
            "segmentations without a reference",
            REFUSED,
            ("no reference for 1 of 2 segmentations: two",),
            with_more("two.nii", where="predictions"),
        ),
        Case(
            "two segmentations that mean one exam",
            REFUSED,
            ("two files of the exam 'one'",),
            with_more("segmentation-one.nii", where="predictions"),
        ),
        Case(
            "segmentation named .NII",
            ACCEPTED,
            (),
            upper_case,
            mended="no NIfTI file",
        ),
        Case(
            "one folder as segmentations and references",
            REFUSED,
            ("one folder for both",),
            of_one_folder,
            mended="a Dice of 1",
        ),
    ),
)
