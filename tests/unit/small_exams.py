"""Small exams and slice files, for the tests of the slice data sets."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from hepaflow.preprocessing.slices import FULL, SliceFile, SliceStack
from hepaflow.volumes.box import Box
from hepaflow.volumes.volume import Grid

HALF_A_STEP = 0.5 / FULL + 1e-7


class MapGrid(NamedTuple):
    """Where a map lies in an exam: slices and what each covers, and rows and columns."""

    box: Box | None
    size: int


def stack(slices: int = 5, size: int = 8, *, mask: bool = True) -> SliceStack:
    draw = np.random.default_rng(0)
    image = draw.integers(0, FULL + 1, (slices, size, size)).astype(np.uint16)
    shape = (slices + 2, 40, 50)
    box = Box((1, 1 + slices), (-3, 42), (2, 47)) if slices else None
    return SliceStack(image, draw.random((slices, size, size)) > 0.5 if mask else None, box, shape)


def saved(tmp_path: Path, what: SliceStack, name: str = "exam.safetensors") -> SliceFile:
    what.save(tmp_path / name)
    return SliceFile(tmp_path / name)


def grid_of(
    shape: tuple[int, ...], spacing: tuple[float, float, float] = (2.5, 0.8, 0.7), *, trusted: bool = True
) -> Grid:
    """Return the grid of a file whose axes are columns, rows and slices, some way from the scanner's origin."""
    slices, rows, columns = spacing
    affine = np.diag([-columns, -rows, slices, 1.0])
    affine[:3, 3] = 31, 120, -40
    return Grid((shape[2], shape[1], shape[0]), affine, None, names_spacing=trusted)


def exam(shape: tuple[int, int, int] = (7, 48, 64), seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """HU and labels: a liver of 100 HU with a lesion of 50 HU in it, both in the exam's middle."""
    z, y, x = (
        np.linspace(-1, 1, n).reshape([-1 if axis == a else 1 for a in range(3)]) for axis, n in enumerate(shape)
    )
    labels = ((z**2 + (y / 0.6) ** 2 + (x / 0.5) ** 2) < 0.8).astype(np.uint8)
    labels[(z**2 + ((y - 0.1) / 0.2) ** 2 + (x / 0.2) ** 2) < 0.4] = 2
    hu = np.array([-80, 100, 50])[labels] + np.random.default_rng(seed).normal(0, 10, shape)
    return np.rint(hu).astype(np.int16), labels
