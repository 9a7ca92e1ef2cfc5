"""A small exam, and ways to write it into files as the world does."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from small_exams import exam

AFFINE = np.array([[-0.7, 0, 0, 90], [0, -0.8, 0, 110], [0, 0, 2.5, -300], [0, 0, 0, 1.0]])
"""Columns to the patient's left, rows to posterior, slices to superior."""


def _exam() -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    hu, labels = exam((8, 24, 20))
    hu[:, :2] = hu[:, -2:] = -1000
    return hu, labels


HU, LABELS = _exam()
"""Slices, rows and columns: what reading is to give."""

Edit = Callable[[bytearray], None]


def write(
    path: Path,
    array: NDArray[Any] = HU,
    affine: NDArray[Any] = AFFINE,
    *,
    kind: type = nib.Nifti1Image,
    header: Any = None,
    edits: tuple[Edit, ...] = (),
) -> Path:
    """Write an array (slices, rows, columns, ...) whose file counts columns first, and edit the file's bytes."""
    own = array.transpose(2, 1, 0, *range(3, array.ndim)) if array.ndim > 2 else array.T
    nib.save(kind(own, affine, header, dtype=array.dtype), path)
    if edits:
        raw = bytearray(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())
        for edit in edits:
            edit(raw)
        path.write_bytes(gzip.compress(raw, mtime=0) if path.suffix == ".gz" else raw)
    return path


def number(offset: int, *values: float, kind: str = "f") -> Edit:
    """Put numbers into a NIfTI-1 header, from a byte on."""
    return lambda raw: struct.pack_into(f"<{len(values)}{kind}", raw, offset, *values)


def forms(qform: int, sform: int) -> Edit:
    return number(252, qform, sform, kind="h")


def zooms(*lengths: float) -> Edit:
    return number(80, *lengths)


def scale(slope: float, intercept: float) -> Edit:
    return number(112, slope, intercept)


def lengths(*axes: int) -> Edit:
    return number(42, *axes, kind="h")
