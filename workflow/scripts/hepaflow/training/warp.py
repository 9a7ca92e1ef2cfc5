"""Warps: slices and their masks are moved in several ways and interpolated once.

Places are torch's: (x, y), where -1 and 1 are the outer edges of the first and the last column and row.
"""

import math
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import affine_grid, grid_sample

_DEGREE = 3
"""Of the splines: cubic."""


def affine(
    shape: tuple[int, int],
    *,
    crop: float = 1.0,
    place: tuple[float, float] = (0.5, 0.5),
    degrees: float = 0.0,
    factor: float = 1.0,
    shift: tuple[float, float] = (0.0, 0.0),
) -> NDArray[np.float64]:
    """Return the matrix that tells for every place of a moved slice from where in the slice it comes.

    A part is enlarged to the whole, which is turned and scaled about its centre, and then shifted.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    crop : float
        Share of the sides of the part.
    place : tuple of float
        Where the part lies along rows and columns, from 0 (at the first) to 1 (at the last).
    degrees : float
        Angle, above zero counterclockwise.
    factor : float
        On lengths, above one enlarges.
    shift : tuple of float
        Shares of the side, down and to the right.

    Returns
    -------
    ndarray of float64, shape (2, 3)
    """
    angle = math.radians(degrees)
    sides = np.array(shape[::-1], np.float64)
    turned = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = crop / factor * turned * sides / sides[:, None]  # angles are those of square pixels
    centre = (1 - crop) * (2 * np.array(place[::-1]) - 1)
    return np.column_stack([linear, centre - linear @ (2 * np.array(shift[::-1]))])


def control_points(spacing: float) -> int:
    """Return how many control points a side has whose distance is a share of it: some lie beyond the edges."""
    return math.ceil(1 / spacing - 1e-9) + _DEGREE


def bending(shape: tuple[int, int], control: NDArray[np.float64], spacing: float) -> NDArray[np.float32]:
    """Return a smooth field of displacements: a cubic B-spline over control points (Rueckert et al. 1999).

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    control : ndarray of float64, shape (2, n, n)
        Displacements of `control_points(spacing)` points a side along x and y, shares of the side. The field folds
        nowhere where all are below 0.48 `spacing` (Choi and Lee 2000).
    spacing : float
        Distance of the points, a share of the side.

    Returns
    -------
    ndarray of float32, shape (2, h, w)
        Along x and y, shares of the side.
    """
    rows, columns = (_spline(side, spacing) for side in shape)
    return (rows @ control @ columns.T).astype(np.float32)


@cache
def _spline(side: int, spacing: float) -> NDArray[np.float64]:
    """Return the weights of control points in the pixels of a side, shape (side, n)."""
    from scipy.interpolate import BSpline

    knots = spacing * (np.arange(control_points(spacing) + _DEGREE + 1) - _DEGREE)
    weights: NDArray[np.float64] = BSpline.design_matrix((np.arange(side) + 0.5) / side, knots, _DEGREE).toarray()
    return weights


def warped(
    image: NDArray[np.float32],
    mask: NDArray[np.bool_],
    matrix: NDArray[np.float64],
    field: NDArray[np.float32] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return slices and their masks, all moved alike; 0 beyond the edge.

    Both are interpolated linearly, and a mask is where it is above one half.

    Parameters
    ----------
    image : ndarray of float32, shape (..., h, w)
        Pixels in [0, 1].
    mask : ndarray of bool, shape (..., h, w)
        One, or those of the slices of a patch.
    matrix : ndarray of float64, shape (2, 3)
        From where the places come (`affine`).
    field : ndarray of float32, shape (2, h, w), optional
        Displacements of the places before that (`bending`).

    Returns
    -------
    image, mask : ndarray
        New arrays; these, if nothing is moved.
    """
    if field is None and np.array_equal(matrix, np.eye(2, 3)):
        return image, mask  # an interpolation would round
    rows, columns = plane = image.shape[-2:]
    both = np.concatenate([image.reshape(-1, *plane), mask.reshape(-1, *plane).astype(np.float32)])
    exact = matrix.astype(np.float32)
    grid = affine_grid(torch.from_numpy(exact)[None], [1, 1, rows, columns], align_corners=False)
    if field is not None:
        displaced = np.tensordot(2 * exact[:, :2], field, 1)
        grid += torch.from_numpy(displaced).permute(1, 2, 0)
    found = grid_sample(torch.from_numpy(both)[None], grid, align_corners=False)[0].clamp_(0, 1).numpy()
    images = image.size // (rows * columns)
    return found[:images].reshape(image.shape), found[images:].reshape(mask.shape) > 0.5
