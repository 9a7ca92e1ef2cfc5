"""Files of masks: those of several exams, bit-packed, in one `.npz`."""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from hepaflow.errors import UserError
from hepaflow.system.faults import remedy

_SUFFIX = ".masks"  # keeps exams' names apart from the names of NumPy's own arguments


class Masks(Mapping[str, NDArray[np.bool_]]):
    """The masks in a file, by exam; each is read and unpacked when it is asked for.

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
            if others := [name for name in self._file if not name.endswith(_SUFFIX)]:
                raise ValueError(f"a member that is no mask: {others[0]!r}")

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
        with self._reading():
            packed = self._file[exam + _SUFFIX]
        return np.unpackbits(packed, axis=-1).view(bool)

    def __iter__(self) -> Iterator[str]:
        return (name.removesuffix(_SUFFIX) for name in self._file)

    def __len__(self) -> int:
        return len(self._file.files)

    def __enter__(self) -> "Masks":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def write_masks(path: Path | str, masks: Iterable[tuple[str, NDArray[np.bool_]]]) -> None:
    """Write the masks of several exams into one file.

    Parameters
    ----------
    path : Path or str
        File to write, `.npz`.
    masks : iterable of (exam, ndarray of bool, shape (slices, rows, columns))
        The number of columns is a multiple of eight. Only the packed bits of all exams are held in memory.
    """
    packed = {}
    for exam, mask in masks:
        if mask.shape[-1] % 8:
            raise ValueError(f"masks with {mask.shape[-1]} columns cannot be packed: not a multiple of 8")
        packed[exam + _SUFFIX] = np.packbits(mask, axis=-1)
    np.savez_compressed(path, **packed)  # type: ignore[arg-type]
