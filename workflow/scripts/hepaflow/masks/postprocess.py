"""Removal of regions that a network is unlikely to be right about (thesis 4.7, 4.8)."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hepaflow.settings.postprocess import LesionPostprocessing, LiverPostprocessing

EIGHT_CONNECTED = np.ones((3, 3), int)


def clean(masks: NDArray[np.bool_], settings: LiverPostprocessing | LesionPostprocessing) -> NDArray[np.bool_]:
    """Post-process the masks of one exam, slice by slice, as its stage asks for.

    Parameters
    ----------
    masks : ndarray of bool, shape (slices, rows, columns)
    settings : LiverPostprocessing or LesionPostprocessing
    """
    cleaned = np.zeros_like(masks)
    for index in np.flatnonzero(masks.any(axis=(1, 2))):
        if isinstance(settings, LiverPostprocessing):
            cleaned[index] = clean_liver(masks[index], settings)
        else:
            cleaned[index] = clean_lesion(masks[index], settings)
    return cleaned


def clean_liver(mask: NDArray[np.bool_], settings: LiverPostprocessing) -> NDArray[np.bool_]:
    """Keep the largest region of a slice and those that are near and large enough (thesis 4.7).

    Parameters
    ----------
    mask : ndarray of bool, shape (rows, columns)
    settings : LiverPostprocessing
        Thresholds, in pixels of this grid. Regions are 8-connected; of two largest regions of the same area
        the one that comes first (from anterior, then from the patient's right) is the liver.
    """
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
    kept: NDArray[np.bool_] = keep[regions]
    return kept


def clean_lesion(mask: NDArray[np.bool_], settings: LesionPostprocessing) -> NDArray[np.bool_]:
    """Drop the regions of a slice that are too small to be a lesion (thesis 4.8).

    Parameters
    ----------
    mask : ndarray of bool, shape (rows, columns)
    settings : LesionPostprocessing
        Smallest area in pixels of this grid. Regions are 8-connected.
    """
    regions, _ = ndimage.label(mask, EIGHT_CONNECTED)
    keep = np.bincount(regions.ravel()) >= settings.min_area
    keep[0] = False
    kept: NDArray[np.bool_] = keep[regions]
    return kept
