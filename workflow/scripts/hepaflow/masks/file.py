"""Files of masks and of maps: those of several exams, in one `.npz`.

A map holds the probability of a structure, a byte a pixel; its mask is where it exceeds one half. Masks are packed
to bits, row by row. A file of what was post-processed holds masks; or clean maps, where maps are restored
(`hepaflow.masks.restore`).
"""

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

import numpy as np
from numpy.lib.format import write_array
from numpy.typing import NDArray

from hepaflow.errors import UserError
from hepaflow.masks.map import mask_of
from hepaflow.system.faults import remedy

# They keep exams' names apart from the names of NumPy's own arguments.
_MASK, _MAP, _CLEAN_MAP = ".masks", ".maps", ".clean_maps"
_IS_ONE = re.compile(r"\.(masks\d*|maps|clean_maps)$")


class Masks(Mapping[str, NDArray[np.bool_]]):
    """The masks in a file of masks or of maps, by exam; each is read and unpacked when it is asked for.

    Every value is an ndarray of bool, shape (slices, rows, columns). Usable as a context manager.

    Raises
    ------
    UserError
        When the file is opened, or a mask is read, and it is damaged.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = path
        with self._reading():
            self._file = np.load(path, allow_pickle=False)
            if not isinstance(self._file, np.lib.npyio.NpzFile):
                raise ValueError("not an .npz file")
            if others := [name for name in self._file if not _IS_ONE.search(name)]:
                raise ValueError(f"a member that is no mask: {others[0]!r}")
            self._members = {name.rpartition(".")[0]: name for name in self._file}

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zlib.error, BadZipFile) as error:
            raise UserError(
                f"not readable as masks ({error})",
                file=self._path,
                expected="masks as a job of this workflow writes them",
                remedy=remedy(error, "delete the file; the next run makes it again"),
            ) from None

    def __getitem__(self, exam: str) -> NDArray[np.bool_]:
        name = self._members[exam]
        with self._reading():
            stored = self._file[name]
            if not _is_mask(name):
                return mask_of(stored)
            columns = name.rpartition(_MASK)[2]
            return np.unpackbits(stored, axis=-1, count=int(columns) if columns else None).view(bool)

    def map(self, exam: str) -> NDArray[np.uint8]:
        """Return the map of an exam, shape (slices, rows, columns), of a file of maps."""
        name = self._members[exam]
        if _is_mask(name):
            raise KeyError(exam)
        with self._reading():
            stored: NDArray[np.uint8] = self._file[name]
        return stored

    def restores_map(self, exam: str) -> bool:
        """Return whether the file holds a clean map of an exam, which is restored in place of its mask."""
        return self._members[exam].endswith(_CLEAN_MAP)

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __enter__(self) -> "Masks":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def write_masks(path: Path | str, masks: Iterable[tuple[str, NDArray[np.bool_]]]) -> None:
    """Write the masks of several exams into one file, one exam at a time.

    Parameters
    ----------
    path : Path or str
        File to write, `.npz`.
    masks : iterable of (exam, ndarray of bool, shape (slices, rows, columns))
    """
    _write(path, (_packed(exam, mask) for exam, mask in masks))


def write_maps(path: Path | str, maps: Iterable[tuple[str, NDArray[np.uint8]]]) -> None:
    """Write the maps of several exams into one file, one exam at a time.

    Parameters
    ----------
    path : Path or str
        File to write, `.npz`.
    maps : iterable of (exam, ndarray of uint8, shape (slices, rows, columns))
    """
    _write(path, ((exam + _MAP, one) for exam, one in maps))


def write_clean(path: Path | str, found: Iterable[tuple[str, NDArray[np.bool_] | NDArray[np.uint8]]]) -> None:
    """Write what was post-processed of several exams into one file, one exam at a time.

    Parameters
    ----------
    path : Path or str
        File to write, `.npz`.
    found : iterable of (exam, ndarray of bool or uint8, shape (slices, rows, columns))
        Masks, as `write_masks` takes them, or clean maps.
    """
    _write(path, (_clean(exam, one) for exam, one in found))


def _clean(exam: str, found: NDArray[np.bool_] | NDArray[np.uint8]) -> tuple[str, NDArray[np.uint8]]:
    if found.dtype == bool:
        return _packed(exam, found.view(bool))
    return exam + _CLEAN_MAP, found.view(np.uint8)


def _packed(exam: str, mask: NDArray[np.bool_]) -> tuple[str, NDArray[np.uint8]]:
    """Return a member's name and content; the name has the number of columns where bits are left over."""
    columns = mask.shape[-1]
    return f"{exam}{_MASK}{columns if columns % 8 else ''}", np.packbits(mask, axis=-1)


def _is_mask(name: str) -> bool:
    return f".{name.rpartition('.')[2]}".startswith(_MASK)


def _write(path: Path | str, arrays: Iterable[tuple[str, NDArray[np.uint8]]]) -> None:
    """Write an `.npz` as `numpy.savez_compressed` does, which would hold all arrays in memory."""
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, array in arrays:
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                write_array(member, array, allow_pickle=False)
