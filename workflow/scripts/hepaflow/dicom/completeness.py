"""What headers say about missing slices, and about the distances between those that are there."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from hepaflow.dicom.values import number, whole

_SAME = 0.02  # part by which two statements of one distance may differ
_APART = 2.0  # times their thickness that slices may lie apart before most of the patient lies between them


def what_is_missing(headers: Sequence[Dataset]) -> list[str]:
    """Return what the images' numbers say of slices before, between and after those that are there.

    Parameters
    ----------
    headers : sequence of Dataset
        Of all slices of a series.

    Notes
    -----
    Slices that are missing at an end leave an even, shorter volume. Only the numbers show it; and some scanners
    number differently, so this alone is no reason to refuse.
    """
    notes = []
    declared = [count for header in headers if (count := whole(header, "ImagesInAcquisition"))]
    if declared and max(declared) > len(headers):
        notes.append(f"{len(headers)} slices of the {max(declared)} that the header states (ImagesInAcquisition)")
    numbers = [whole(header, "InstanceNumber") for header in headers]
    given = sorted(one for one in numbers if one is not None)
    if len(set(given)) < len(headers):
        return notes
    first, last = given[0], given[-1]
    told = []
    if first > 1:
        told.append(f"begin at {first}")
    if between := last - first + 1 - len(given):
        told.append(f"leave out {between} between {first} and {last}")
    if told:
        notes.append(
            f"image numbers {' and '.join(told)} (InstanceNumber): slices may be missing, and what they "
            "show is not measured"
        )
    return notes


def what_disagrees(headers: Sequence[Dataset], along: NDArray[np.float64]) -> list[str]:
    """Return where headers say something else of the slices' distance than their positions, which are followed.

    Parameters
    ----------
    headers : sequence of Dataset
        In the order of their positions.
    along : ndarray, shape (slices,)
        These positions along the normal, in mm, evenly spaced.
    """
    notes = []
    gap = float(along[-1] - along[0]) / (len(along) - 1)
    stated = {abs(found) for header in headers if (found := number(header, "SpacingBetweenSlices"))}
    if other := [one for one in stated if abs(one - gap) > _SAME * gap]:
        notes.append(
            f"slices {gap:.4g} mm apart by their positions, {other[0]:.4g} mm by SpacingBetweenSlices: the "
            "positions are followed"
        )
    locations = [number(header, "SliceLocation") for header in headers]
    known = [one for one in locations if one is not None]
    if len(known) == len(headers) and len(set(known)) > 1:
        steps = abs(np.diff(known))
        if abs(float(np.median(steps)) - gap) > max(_SAME * gap, 0.1):
            notes.append(
                f"slices {gap:.4g} mm apart by their positions, {np.median(steps):.4g} mm by SliceLocation: the "
                "positions are followed"
            )
    thick = {found for header in headers if (found := number(header, "SliceThickness"))}
    if thick and gap > _APART * max(thick):
        notes.append(
            f"slices of {max(thick):.4g} mm that lie {gap:.4g} mm apart: what lies between them was not "
            "imaged, or is not here"
        )
    return notes
