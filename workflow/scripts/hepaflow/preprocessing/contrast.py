"""Contrast of the lesion slices: the background filled with the liver's mean, then CLAHE (thesis 4.3)."""

import numpy as np
from numpy.typing import NDArray

from hepaflow.preprocessing.clahe import equalise_adaptively
from hepaflow.settings.contrast import ContrastSettings


def fill_background(image: NDArray[np.float32], liver: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Give every pixel outside the liver the mean of the slice's liver pixels (thesis 4.3).

    Parameters
    ----------
    image : ndarray of float32, shape (rows, columns)
        One slice, windowed to [0, 1].
    liver : ndarray of bool, shape (rows, columns)

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        Unchanged inside the liver; a slice without liver becomes zero.
    """
    mean = image[liver].mean(dtype=np.float64) if liver.any() else 0
    return np.where(liver, image, np.float32(mean))


def equalise(images: NDArray[np.float32], settings: ContrastSettings) -> NDArray[np.float32]:
    """Equalise the histograms of slices adaptively, with limited contrast (CLAHE; thesis 4.3, Zuiderveld 1994).

    Parameters
    ----------
    images : ndarray of float32, shape (..., rows, columns)
        Values in [0, 1].

    Returns
    -------
    ndarray of float32, same shape
        Values in [0, 1]; a constant slice, which has no contrast to enhance, is returned as it is.
    """
    rows, columns = (max(length // settings.tiles, 1) for length in images.shape[-2:])
    return equalise_adaptively(images, (rows, columns), settings.clip_limit)
