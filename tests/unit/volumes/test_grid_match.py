"""Whether two files lie on the same grid."""

import itertools

import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform

from hepaflow.volumes.grid_match import mismatch
from hepaflow.volumes.volume import Grid

SHAPE = (20, 24, 8)


def turn(degrees: float) -> np.ndarray:
    angle = np.deg2rad(degrees)
    turned = np.eye(4)
    turned[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turned


AFFINE = np.array([[-0.7, 0, 0, 90], [0, -0.8, 0, 110], [0, 0, 2.5, -300], [0, 0, 0, 1.0]])
OBLIQUE = turn(12) @ AFFINE


def grid(affine: np.ndarray, shape: tuple[int, int, int] = SHAPE) -> Grid:
    return Grid(shape, affine, None)


def along(affine: np.ndarray, codes: tuple[str, ...]) -> Grid:
    """The same voxels, stored along other axes."""
    own = ornt_transform(io_orientation(affine), axcodes2ornt(codes))
    shape = [SHAPE[int(axis)] for axis in np.argsort(own[:, 0])]
    return grid(affine @ inv_ornt_aff(own, SHAPE), (shape[0], shape[1], shape[2]))


@pytest.mark.parametrize("affine", [AFFINE, OBLIQUE], ids=["straight", "oblique"])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("axes", list(itertools.product("LR", "PA", "SI")))
def test_the_same_voxels_along_any_axes(affine: np.ndarray, order: tuple[int, ...], axes: tuple[str, ...]) -> None:
    assert mismatch(along(affine, tuple(axes[place] for place in order)), grid(affine)) == ""


def moved(millimetres: float, axis: int = 0) -> np.ndarray:
    affine = AFFINE.copy()
    affine[axis, 3] += millimetres
    return affine


@pytest.mark.parametrize(
    ("affine", "words"),
    [
        (moved(0.7), "1 columns beside"),
        (moved(0.8, 1), "1 rows and 0 columns beside"),
        (moved(-2.5, 2), "1 slices, 0 rows and 0 columns beside"),
        (AFFINE * [-1, 1, 1, 1], "19 columns beside"),
        (AFFINE * [1, 1, 2, 1], "a spacing of 5×0.8×0.7 mm, where the image has 2.5×0.8×0.7 mm"),
        (AFFINE * [1.02, 1, 1, 1], "a spacing of"),
        (turn(2) @ AFFINE, "or other angles"),
        (np.eye(4), "a spacing of 1×1×1 mm"),
    ],
)
def test_other_places(affine: np.ndarray, words: str) -> None:
    assert words in mismatch(grid(affine), grid(AFFINE))


@pytest.mark.parametrize("shape", [(20, 24, 7), (24, 20, 8)])
def test_another_number_of_voxels(shape: tuple[int, int, int]) -> None:
    assert mismatch(grid(AFFINE, shape), grid(AFFINE)) == "another number of voxels"


@pytest.mark.parametrize(
    "affine",
    [
        AFFINE + 1e-4,
        moved(0.3),  # less than half a voxel
        AFFINE * [0.996, 1.005, 1, 1],  # agrees at the first voxel
        np.round(AFFINE, 1),
    ],
)
def test_rounded_headers(affine: np.ndarray) -> None:
    affine[3] = [0, 0, 0, 1]
    assert mismatch(grid(affine), grid(AFFINE)) == ""
