"""The slice data set: what the networks see of one exam, in a file whose slices are read one at a time.

A file holds `image` (and, for a training exam, `mask`), and says in its header where its slices lie in the exam.
Images are stored as fixed-point numbers: 65535 is 1. Reading maps the file into memory, so that a slice costs one
page or two, and training on many exams no more memory than on one (the thesis stores raw pixels for that, 4.2).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from hepaflow.errors import UserError
from hepaflow.system.faults import check_opens, remedy
from hepaflow.volumes.axes import Axes, Axis
from hepaflow.volumes.box import Box

FULL = 65535
"""Stored value of a pixel that is 1."""

_HEADER = "hepaflow"


@dataclass(frozen=True)
class SliceStack:
    """The slices of one exam for one stage.

    Attributes
    ----------
    image : ndarray of uint16, shape (slices, size, size), or any (slices, rows, columns) of a resampled exam
        Pixels in [0, 1], times `FULL`.
    mask : ndarray of bool, shape (slices, size, size), or None
        The reference; absent where it must not be known (test and new exams).
    box : Box or None
        Where the slices lie in the exam; None if the exam has no liver and therefore no slices.
    shape : tuple of int
        Slices, rows and columns of the exam.
    grid : Axes or None
        Where the voxels lie, of an exam that is resampled, which rarely ends where its box does; None where each
        slice of the box is there, and rows and columns fill it.
    region : ndarray of bool, of the image's shape, or None
        The mask that it lies around, where networks see it beside the image.
    """

    image: NDArray[np.uint16]
    mask: NDArray[np.bool_] | None
    box: Box | None
    shape: tuple[int, int, int]
    grid: Axes | None = None
    region: NDArray[np.bool_] | None = None

    @property
    def voxels(self) -> tuple[int, int, int]:
        """Slices, rows and columns of the stack."""
        slices, rows, columns = self.image.shape
        return slices, rows, columns

    @property
    def size(self) -> int:
        """Rows and columns of a slice."""
        size: int = self.image.shape[1]
        return size

    def save(self, path: Path | str) -> None:
        """Write the stack into one `.safetensors` file; equal stacks give equal bytes."""
        arrays: dict[str, NDArray[Any]] = {"image": np.ascontiguousarray(self.image)}
        for name, mask in (("mask", self.mask), ("region", self.region)):
            if mask is not None:
                arrays[name] = np.ascontiguousarray(mask)
        digest = hashlib.sha256()
        for name in sorted(arrays):
            digest.update(arrays[name].data)
        header: dict[str, Any] = {
            "box": self.box.as_list() if self.box else None,
            "shape": list(self.shape),
            "sha256": digest.hexdigest(),
        }
        if self.grid is not None:
            header["places"] = [axis.place for axis in self.grid]
        Path(path).write_bytes(save(arrays, {_HEADER: json.dumps(header)}))


def no_slices(size: int, shape: tuple[int, int, int], *, with_mask: bool, with_region: bool = False) -> SliceStack:
    """Return the stack of an exam without a liver, of which there is nothing to be seen."""
    none = (0, size, size)
    mask, region = (np.empty(none, bool) if wanted else None for wanted in (with_mask, with_region))
    return SliceStack(np.empty(none, np.uint16), mask, None, shape, region=region)


class SliceFile:
    """A file of slices, open for reading at random.

    Parameters
    ----------
    path : Path or str
        File written by `SliceStack.save`.

    Attributes
    ----------
    shape : tuple of int
        Slices, rows and columns of the exam.
    box : Box or None
        Where the slices lie in the exam.
    grid : Axes or None
        Where the voxels of a resampled exam lie; None for slices, which fill the box.
    voxels : tuple of int
        Slices, rows and columns of the file.
    size : int
        Rows of the file; of slices, also their columns.
    sha256 : str
        Digest of the stored pixels.
    """

    def __init__(self, path: Path | str) -> None:
        try:
            check_opens(path)
            self._file = safe_open(path, framework="np")
            header = json.loads((self._file.metadata() or {})[_HEADER])
            slices, rows, columns = header["shape"]
            self.shape: tuple[int, int, int] = (slices, rows, columns)
            self.box = Box.from_list(header["box"]) if header["box"] else None
            self.sha256: str = header["sha256"]
            self._image = self._file.get_slice("image")
            held = set(self._file.keys())
            self._mask = self._file.get_slice("mask") if "mask" in held else None
            self._region = self._file.get_slice("region") if "region" in held else None
            slices, rows, columns = self._image.get_shape()
            self.voxels: tuple[int, int, int] = (slices, rows, columns)
            self.grid = _grid(self.voxels, header["places"]) if "places" in header else None
        except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
            raise UserError(
                f"not readable as slices ({error})",
                file=path,
                expected="slices as a job of this workflow writes them",
                remedy=remedy(error, "delete the file; the next run makes it again"),
            ) from None
        self.size: int = self.voxels[1]

    def __len__(self) -> int:
        return self.voxels[0]

    @property
    def has_mask(self) -> bool:
        """Whether the file holds the reference."""
        return self._mask is not None

    def image(self, index: int | slice = slice(None)) -> NDArray[np.float32]:
        """Return one or several slices, pixels in [0, 1]; indices and ranges are those of a list."""
        return _pixels(_read(self._image, index, len(self)))

    @property
    def has_region(self) -> bool:
        """Whether the file holds the mask that its slices lie around."""
        return self._region is not None

    def region(self, index: int | slice = slice(None)) -> NDArray[np.bool_]:
        """Return the mask that the slices lie around, of one or several."""
        if self._region is None:
            raise ValueError("these slices carry no mask of a region")
        return _read(self._region, index, len(self)).astype(bool)

    def mask(self, index: int | slice = slice(None)) -> NDArray[np.bool_]:
        """Return the reference mask of one or several slices."""
        if self._mask is None:
            raise ValueError("these slices carry no reference mask")
        return _read(self._mask, index, len(self)).astype(bool)


class SlicesInMemory:
    """The slices of a stack, read as those of a file are.

    Parameters
    ----------
    stack : SliceStack
    """

    def __init__(self, stack: SliceStack) -> None:
        self._stored, self._region = stack.image, stack.region
        self.size, self.voxels = stack.size, stack.voxels

    def __len__(self) -> int:
        return len(self._stored)

    def image(self, index: int | slice = slice(None)) -> NDArray[np.float32]:
        """Return one or several slices, pixels in [0, 1]."""
        return _pixels(self._stored[index])

    @property
    def has_region(self) -> bool:
        """Whether the stack has the mask that its slices lie around."""
        return self._region is not None

    def region(self, index: int | slice = slice(None)) -> NDArray[np.bool_]:
        """Return the mask that the slices lie around, of one or several."""
        if self._region is None:
            raise ValueError("these slices carry no mask of a region")
        return self._region[index]


def _grid(voxels: tuple[int, int, int], places: Sequence[Sequence[float]]) -> Axes:
    """Return where voxels lie, as the header of a file says."""
    slices, rows, columns = (
        Axis(count, (float(start), float(stop))) for count, (start, stop) in zip(voxels, places, strict=True)
    )
    return slices, rows, columns


def _pixels(stored: NDArray[Any]) -> NDArray[np.float32]:
    """Turn the fixed-point numbers of a file into pixels in [0, 1]."""
    return stored.astype(np.float32) / np.float32(FULL)


def _read(stored: Any, index: int | slice, length: int) -> NDArray[Any]:
    """Read from a safetensors slice, which refuses ranges that reach beyond the end, and empty ones."""
    chosen = range(length)[index]  # what a list would choose, or its IndexError
    if isinstance(chosen, int):
        return np.asarray(stored[chosen])
    if not chosen:
        return np.empty((0, *stored.get_shape()[1:]))
    first, last = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1])
    return np.asarray(stored[first : last + 1])[:: chosen.step]


def stored(image: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Turn pixels in [0, 1] into the fixed-point numbers of a file."""
    return np.rint(np.clip(image, 0, 1) * FULL).astype(np.uint16)
