"""A first look at an exam: what it holds, and whether it can be used."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hepaflow.errors import UserError
from hepaflow.exams.image_warnings import image_warnings
from hepaflow.exams.parenchyma import parenchyma
from hepaflow.files import sha256
from hepaflow.volumes.box import bounding_box
from hepaflow.volumes.grid_warnings import TOLERANCE_MM
from hepaflow.volumes.label_fit import LabelFit, label_fit
from hepaflow.volumes.labels import LABELS, read_labels, structure_mask
from hepaflow.volumes.lesions import label_lesions
from hepaflow.volumes.volume import Grid, read_image
from hepaflow.words import counted

_VALUES_OF_A_MASK = 3


def survey(
    exam: str,
    image: Path,
    label: Path | None,
    *,
    trust_label_grid: bool = False,
    needs_spacing: bool = False,
) -> dict[str, Any]:
    """Read an exam, refuse it if it cannot be used, and describe it.

    Parameters
    ----------
    exam : str
        Name of the exam.
    image : Path
        CT volume.
    label : Path or None
        Label map; None for a new exam.
    trust_label_grid : bool, optional
        Accept a label map that fits the image by its own affine, and not voxel by voxel, as it will be read.
    needs_spacing : bool, optional
        Refuse an exam whose header gives no spacing that can be trusted.

    Returns
    -------
    dict
        Ready for JSON: shape and spacing (slices, rows, columns; mm), axes, HU range, voxels of each label, median
        and noise of the liver beside its lesions (None where too little of it is seen), sha256 of both files, and
        warnings.

    Raises
    ------
    UserError
        If a file is missing or unreadable, the image is a mask, the label's shape differs from the image's, a
        label value is none of 0, 1 and 2, the label fits the image by its affine alone, or there is no spacing
        where one is needed.
    """
    hu, grid = read_image(image, exam=exam)
    _refuse_masks(hu, exam, image)
    if needs_spacing and grid.trusted_spacing is None:
        raise UserError(
            "a header that gives no spacing which could be trusted",
            exam=exam,
            file=image,
            expected="the distances between voxels in millimetres: a method of this run resamples exams",
            remedy="correct the header (`pixdim`, sform or qform), leave the exam out of the sheet, or give the "
            "method data of slices",
        )
    low, high = float(hu.min()), float(hu.max())
    found: dict[str, Any] = {
        "exam": exam,
        "shape": list(grid.canonical_shape),
        "spacing_mm": [round(length, 4) for length in grid.spacing],
        "in_millimetres": grid.has_millimetres,
        "axes": grid.axes,
        "hu_range": [low, high],
        "image_sha256": sha256(image),
        "voxels": None,
        "liver_hu": None,
        "noise_hu": None,
        "label_sha256": None,
        "warnings": image_warnings(hu, grid),
    }
    if label is not None:
        labels, label_grid = read_labels(label, exam=exam, image=grid)
        counts = np.bincount(labels.ravel(), minlength=len(LABELS))
        found["voxels"] = {name: int(counts[value]) for value, name in LABELS.items()}
        if liver := parenchyma(hu, labels):
            found["liver_hu"] = round(liver.hu, 1)
            found["noise_hu"] = None if liver.noise is None else round(liver.noise, 2)
        found["label_sha256"] = sha256(label)
        fit = label_fit(hu, labels, grid, label_grid)
        if fit and fit.affine_is_right and not trust_label_grid:
            raise UserError(
                f"a label along {label_grid.axes} that is right by its affine, and wrong voxel by voxel: {fit}",
                exam=exam,
                file=label,
                expected=f"a label whose voxels lie as the image's do, along {grid.axes}",
                remedy="resample the label to the image's grid without interpolation; where its voxels are right "
                "all the same, set `trust_label_grid: true`",
            )
        found["warnings"] += _label_warnings(labels, counts, grid, label_grid, fit)
    return found


def _refuse_masks(hu: NDArray[Any], exam: str, image: Path) -> None:
    """Refuse a label map in the place of an image: two or three values, of which 0 is the lowest."""
    if hu.min() != 0 or hu.max() == 0 or len(np.unique(hu[len(hu) // 2])) > _VALUES_OF_A_MASK:
        return
    values = np.unique(hu)
    if len(values) <= _VALUES_OF_A_MASK:
        raise UserError(
            f"the values {', '.join(f'{value:g}' for value in values)} alone",
            exam=exam,
            file=image,
            expected="CT values in HU: not a label map",
            remedy="name the CT volume in the exam sheet's column `image`, and its label map in `label`",
        )


def _label_warnings(
    labels: NDArray[np.uint8], counts: NDArray[np.int64], grid: Grid, label: Grid, fit: LabelFit | None
) -> list[str]:
    warnings = []
    if not counts[1:].any():
        warnings.append("no liver in the label")
    elif not counts[1]:
        warnings.append("lesions without any liver in the label: they are taken for liver, too")
    elif not counts[2]:
        warnings.append("no lesion in the label")
    elif apart := _lesions_apart(labels):
        they = "touches no liver: it is" if apart == 1 else "touch no liver: they are"
        warnings.append(f"{counted(apart, 'lesion')} {they} taken for liver, too")
    trusted = "the voxel grid is trusted, with the image's" + (
        f" ({fit})" if fit and fit.by_affine is not None else ""
    )
    if grid.axes != label.axes:
        warnings.append(f"image and label disagree on directions, {grid.axes} and {label.axes}: {trusted}")
    elif not np.allclose(grid.affine, label.affine, atol=TOLERANCE_MM):
        warnings.append(f"image and label disagree on the affine: {trusted}")
    warnings += fit.warnings if fit else []
    return warnings


def _lesions_apart(labels: NDArray[np.uint8]) -> int:
    """Count the lesions without a neighbour, by a face, that is liver."""
    box = bounding_box(labels >= 1)
    if box is None:
        return 0
    inside = box.crop(labels)
    numbered, count = label_lesions(structure_mask(inside, "lesion"))
    beside_liver = ndimage.binary_dilation(inside == 1)
    return count - int(np.count_nonzero(np.unique(numbered[beside_liver])))
