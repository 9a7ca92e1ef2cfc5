"""Whether a label map lies on its image's liver: CT values inside it, voxel by voxel and by its own affine."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepaflow.volumes.volume import Grid, canonical_affine

LIVER_HU = (-50, 250)
"""What liver and lesions are within, from fatty to enhanced: 99 % of the voxels of a well marked liver."""

_ENOUGH = 0.9  # share; a mirrored label of a real CT has 0.55 to 0.84, a fatty liver in a noisy one 0.93
_BETTER = 0.05  # share by which the affine must do better than the voxel grid; a shift of two voxels makes less
_HALF = 0.5  # share of the voxels off the liver that the affine may leave
_SAMPLE = 200_000
_APART = 0.5  # voxels


@dataclass(frozen=True)
class LabelFit:
    """How much of a label map lies on CT values of a liver.

    Attributes
    ----------
    by_grid : float
        Share, voxel by voxel.
    by_affine : float or None
        Share where each voxel of the label lies where its own affine places it; None where that is the same.
    median : float
        CT value in HU, voxel by voxel.
    """

    by_grid: float
    by_affine: float | None
    median: float

    @property
    def affine_is_right(self) -> bool:
        """Whether the label is right by its affine, and wrong voxel by voxel."""
        if self.by_affine is None:
            return False
        better = self.by_affine - self.by_grid
        return better >= _BETTER and 1 - self.by_affine <= _HALF * (1 - self.by_grid)

    @property
    def warnings(self) -> list[str]:
        """What whoever uses the label should know."""
        if self.by_grid >= _ENOUGH:
            return []
        return [
            f"{100 * (1 - self.by_grid):.0f} % of the label lie on CT values that no liver has (its median is "
            f"{self.median:.0f} HU): is it this image's label, is it shifted or mirrored, is the image in HU?"
        ]

    def __str__(self) -> str:
        low, high = LIVER_HU
        by_grid = f"{100 * self.by_grid:.0f} % of the label lie on {low} to {high} HU voxel by voxel"
        return by_grid if self.by_affine is None else f"{by_grid}, {100 * self.by_affine:.0f} % by its own affine"


def label_fit(hu: NDArray[Any], labels: NDArray[np.uint8], image: Grid, label: Grid) -> LabelFit | None:
    """Measure how a label map fits its image.

    Parameters
    ----------
    hu : ndarray, shape (slices, rows, columns)
    labels : ndarray of uint8, same shape
        As the image's voxel grid has them (`read_labels`).
    image, label : Grid
        The grids of the two files; of the same shape.

    Returns
    -------
    LabelFit or None
        None where the label is empty.
    """
    marked = np.flatnonzero(labels)
    if not marked.size:
        return None
    points = np.stack(np.unravel_index(marked[:: 1 + marked.size // _SAMPLE], labels.shape), axis=1)
    own = hu[tuple(points.T)]
    to_image = _to_image(image, label)
    placed = points @ to_image[:3, :3].T + to_image[:3, 3]
    by_affine = None
    if np.abs(placed - points).max() > _APART:
        where = np.rint(placed).astype(np.int64)
        inside = ((where >= 0) & (where < hu.shape)).all(axis=1)
        by_affine = _share(hu[tuple(where[inside].T)]) * float(inside.mean())
    return LabelFit(_share(own), by_affine, float(np.median(own)))


def _to_image(image: Grid, label: Grid) -> NDArray[np.float64]:
    """Return where, in (slices, rows, columns) of the image, its voxels would lie by the label's affine."""
    canonical = canonical_affine(image)
    to_file = np.linalg.inv(image.affine) @ canonical
    moved: NDArray[np.float64] = np.linalg.inv(canonical) @ label.affine @ to_file
    turn = [2, 1, 0, 3]
    return moved[np.ix_(turn, turn)]


def _share(values: NDArray[Any]) -> float:
    low, high = LIVER_HU
    return float(np.mean((values >= low) & (values <= high))) if values.size else 0.0
