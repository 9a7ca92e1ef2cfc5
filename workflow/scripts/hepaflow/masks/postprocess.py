"""Removal of regions that a network is unlikely to be right about (thesis 4.7, 4.8)."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hepaflow.masks.map import mask_of
from hepaflow.settings.postprocess import MinArea, NearLargest, PostprocessingStep

EIGHT_CONNECTED = np.ones((3, 3), int)

Mask = NDArray[np.bool_]
Step = Callable[[Mask, NDArray[np.uint8], "PostprocessingStep"], Mask]
"""Takes the mask so far, the map and the step's settings, and returns another mask; leaves what it takes alone.

Mask and map are of one exam, on the network's grid, shape (slices, rows, columns).
"""


def clean(map_: NDArray[np.uint8], steps: Sequence[PostprocessingStep]) -> Mask:
    """Post-process the mask of one exam.

    Parameters
    ----------
    map_ : ndarray of uint8, shape (slices, rows, columns)
        The map whose mask it is (`hepaflow.masks.map`).
    steps : sequence of PostprocessingStep
        What is done to the mask, in this order.
    """
    mask = mask_of(map_)
    for step in steps:
        mask = POSTPROCESSING[step.kind](mask, map_, step)
    return mask


def _near_largest(mask: Mask, _: NDArray[np.uint8], settings: NearLargest) -> Mask:
    """Keep the largest region of each slice and those that are near and large enough (thesis 4.7).

    Regions are 8-connected; of two largest regions of the same area the one that comes first (from anterior, then
    from the patient's right) is the liver.
    """
    return _slice_by_slice(mask, lambda one: _near_largest_of_slice(one, settings))


def _near_largest_of_slice(mask: Mask, settings: NearLargest) -> Mask:
    regions, count = ndimage.label(mask, EIGHT_CONNECTED)
    if count < 2:
        return mask
    numbers = np.arange(1, count + 1)
    areas = np.bincount(regions.ravel())[1:]
    centroids = np.array(ndimage.center_of_mass(mask, regions, numbers))
    main = int(areas.argmax())
    near = np.linalg.norm(centroids - centroids[main], axis=1) <= settings.max_distance
    large = areas >= areas[main] * settings.min_area_ratio
    keep = np.concatenate([[False], near & large])
    kept: Mask = keep[regions]
    return kept


def _min_area(mask: Mask, _: NDArray[np.uint8], settings: MinArea) -> Mask:
    """Drop the regions of each slice that are too small to be a lesion (thesis 4.8). Regions are 8-connected."""
    return _slice_by_slice(mask, lambda one: _min_area_of_slice(one, settings))


def _min_area_of_slice(mask: Mask, settings: MinArea) -> Mask:
    regions, _ = ndimage.label(mask, EIGHT_CONNECTED)
    keep = np.bincount(regions.ravel()) >= settings.min_area
    keep[0] = False
    kept: Mask = keep[regions]
    return kept


def _slice_by_slice(mask: Mask, change: Callable[[Mask], Mask]) -> Mask:
    """Change each slice that has something in it."""
    changed = np.zeros_like(mask)
    for index in np.flatnonzero(mask.any(axis=(1, 2))):
        changed[index] = change(mask[index])
    return changed


POSTPROCESSING: Mapping[str, Callable[..., Mask]] = MappingProxyType(
    {"near_largest": _near_largest, "min_area": _min_area}
)
"""Every step by its kind in the settings; each is a `Step`."""
