"""Whether two files lie on the same grid, be it along other axes."""

import numpy as np

from hepaflow.volumes.volume import Grid, canonical_affine

_SAME_STEPS = 0.01  # part of a step; headers round spacings
_SAME_PLACE = 0.5  # voxels


def mismatch(grid: Grid, image: Grid) -> str:
    """Return why a grid is not an image's, once both are in canonical orientation; empty where it is.

    Axes may be flipped and exchanged: by the affines, the voxels lie at the same places. Affines may be rounded,
    so that they part over the exam; then it is enough that they agree at one end, or in the middle.

    Parameters
    ----------
    grid, image : Grid
    """
    if grid.canonical_shape != image.canonical_shape:
        return "another number of voxels"
    slices, rows, columns = grid.canonical_shape
    to_image = np.linalg.inv(canonical_affine(image)) @ canonical_affine(grid)
    if np.abs(to_image[:3, :3] - np.eye(3)).max() > _SAME_STEPS:
        return f"a spacing of {_spacing(grid)}, where the image has {_spacing(image)}, or other angles"
    last = np.array([columns, rows, slices]) - 1.0
    apart = [to_image[:3, :3] @ place + to_image[:3, 3] - place for place in (0 * last, last / 2, last)]
    if min(np.abs(one).max() for one in apart) > _SAME_PLACE:
        columns, rows, slices = np.abs(np.round(apart[1], 1)).tolist()
        return f"{slices:g} slices, {rows:g} rows and {columns:g} columns beside the image"
    return ""


def _spacing(grid: Grid) -> str:
    return "×".join(f"{length:.4g}" for length in grid.spacing) + " mm"
