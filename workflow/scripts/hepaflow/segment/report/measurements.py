"""How large liver and lesions are, and where each lesion lies."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepaflow.dicom.series import Series
from hepaflow.masks.disagreement import mean_over_segmented
from hepaflow.names import STRUCTURES
from hepaflow.volumes.labels import structure_mask
from hepaflow.volumes.lesions import Lesion, find_lesions
from hepaflow.volumes.steps import voxel_volume
from hepaflow.volumes.volume import Grid, canonical_affine

_RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class MeasuredLesion:
    """One lesion.

    Attributes
    ----------
    number : int
        From 1, the largest first.
    voxels : int
    ml, diameter_mm : float or None
        Volume, and longest diameter within one slice (as `hepaflow.volumes.lesions.Lesion` has it); None where
        millimetres are not to be trusted.
    slice : int
        Where it is largest; counted from 1, from the feet.
    instance_number : int or None
        That slice's number in the DICOM series.
    voxel : tuple of int
        Index, from 0, of a voxel in the middle of the lesion in that slice; along the axes of the NIfTI file.
    position_lps_mm : tuple of float or None
        That voxel's place in the patient as DICOM counts: towards the patient's left, back, and head.
    disagreement_percent : float or None
        Mean disagreement of the networks over its voxels.
    """

    number: int
    voxels: int
    ml: float | None
    diameter_mm: float | None
    slice: int
    instance_number: int | None
    voxel: tuple[int, int, int]
    position_lps_mm: tuple[float, float, float] | None
    disagreement_percent: float | None


@dataclass(frozen=True)
class Measurements:
    """What an exam's label map comes to.

    Attributes
    ----------
    liver_voxels, lesion_voxels : int
        The liver includes its lesions.
    liver_ml, lesion_ml : float or None
        None where millimetres are not to be trusted.
    tumour_burden_percent : float or None
        Lesions by liver with lesions; None without a liver.
    lesions : tuple of MeasuredLesion
    disagreement_percent : mapping of str to float
        For each structure: mean over all voxels that any network, or the result, calls segmented.
    warnings : tuple of str
        What the label map gives reason to doubt.
    """

    liver_voxels: int
    lesion_voxels: int
    liver_ml: float | None
    lesion_ml: float | None
    tumour_burden_percent: float | None
    lesions: tuple[MeasuredLesion, ...]
    disagreement_percent: Mapping[str, float]
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the measurements ready for JSON; lengths, volumes and percents with four decimals."""
        rounded: dict[str, Any] = _rounded(asdict(self))
        return rounded


def measure(
    labels: NDArray[np.uint8],
    grid: Grid,
    disagreement: Mapping[str, NDArray[np.uint8]],
    series: Series | None = None,
) -> Measurements:
    """Measure a label map.

    Parameters
    ----------
    labels : ndarray of uint8, shape (slices, rows, columns)
        0 background, 1 liver, 2 lesion, in canonical orientation.
    grid : Grid
        The exam's grid.
    disagreement : mapping of str to ndarray of uint8
        For each structure that has one, how far the networks disagree, in percent.
    series : Series, optional
        The DICOM series of the grid.
    """
    steps = grid.trusted_steps
    liver, lesion = (int(np.count_nonzero(structure_mask(labels, structure))) for structure in STRUCTURES)
    ml = voxel_volume(steps) / 1000 if steps is not None else None
    return Measurements(
        liver_voxels=liver,
        lesion_voxels=lesion,
        liver_ml=liver * ml if ml else None,
        lesion_ml=lesion * ml if ml else None,
        tumour_burden_percent=100 * lesion / liver if liver else None,
        lesions=tuple(_lesions(structure_mask(labels, "lesion"), grid, disagreement.get("lesion"), series)),
        disagreement_percent={
            structure: mean_over_segmented(percent, structure_mask(labels, structure))
            for structure, percent in disagreement.items()
        },
        warnings=tuple(_warnings(labels)),
    )


def _lesions(
    mask: NDArray[np.bool_], grid: Grid, percent: NDArray[np.uint8] | None, series: Series | None
) -> list[MeasuredLesion]:
    to_patient = canonical_affine(grid)
    to_file = np.linalg.inv(grid.affine) @ to_patient
    measured = []
    for number, lesion in enumerate(find_lesions(mask, grid.trusted_steps), start=1):
        index, row, column = lesion.place
        place = np.array([column, row, index, 1.0])
        i, j, k = np.rint(to_file @ place)[:3].astype(int).tolist()
        left, posterior, up = (_RAS_TO_LPS * (to_patient @ place)[:3] * (grid.unit_mm or 1)).tolist()
        measured.append(
            MeasuredLesion(
                number=number,
                voxels=lesion.voxels,
                ml=lesion.volume,
                diameter_mm=lesion.diameter,
                slice=index + 1,
                instance_number=_instance_number(series, k),
                voxel=(i, j, k),
                position_lps_mm=(left, posterior, up) if grid.has_millimetres else None,
                disagreement_percent=None if percent is None else _mean(percent, lesion),
            )
        )
    return measured


def _mean(percent: NDArray[np.uint8], lesion: Lesion) -> float:
    return float(lesion.box.crop(percent)[lesion.mask].mean())


def _instance_number(series: Series | None, slice_: int) -> int | None:
    """Return the instance number of a slice of the file's grid; a series lies along its third axis."""
    number = series.headers[slice_].get("InstanceNumber") if series else None
    return None if number in (None, "") else int(number)


def _warnings(labels: NDArray[np.uint8]) -> list[str]:
    if not labels.any():
        return ["no liver was found"]
    if ends := reached_ends(labels):
        where = " and the ".join(ends)
        return [
            f"what is marked as liver reaches the {where}: a liver that the exam cuts off there is larger than "
            "measured, and if the exam shows none, this is something else"
        ]
    return []


def reached_ends(labels: NDArray[np.uint8]) -> list[str]:
    """Return the ends of an exam that a liver reaches, in words.

    Parameters
    ----------
    labels : ndarray of uint8, shape (slices, rows, columns)
        0 background, 1 liver, 2 lesion, in canonical orientation.
    """
    return [name for name, end in zip(_ENDS, _faces(labels), strict=True) if end.any()]


_ENDS = (
    "lowest slice",
    "highest slice",
    "image's front edge",
    "image's back edge",
    "image's edge on the patient's right",
    "image's edge on the patient's left",
)


def _faces(labels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Return the first and the last layer along every axis."""
    return [
        labels[0], labels[-1], labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]
    ]  # fmt: skip


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return value
