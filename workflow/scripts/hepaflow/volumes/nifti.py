"""NIfTI files as they are: what cannot be read, or would be read wrongly, is refused.

nibabel repairs headers while it reads them, and believes what a header says about the file's length. So what
matters of both is checked here first.
"""

import zlib
from math import prod
from pathlib import Path
from typing import Any, cast

import numpy as np
from isal import igzip
from isal.igzip_lib import IsalError
from numpy.typing import NDArray

from hepaflow.errors import UserError
from hepaflow.system.faults import check_opens, remedy
from hepaflow.volumes.nibabel_alone import nib

_ISAL_ERROR = cast(type[Exception], IsalError)  # its stub says otherwise
_WRONG = (
    nib.filebasedimages.ImageFileError,
    nib.spatialimages.HeaderDataError,
    OSError,
    EOFError,
    zlib.error,
    _ISAL_ERROR,
    ValueError,
    OverflowError,
)
_LARGEST_RATIO = 1032  # no gzip file holds more bytes for each of its own


def open_nifti(path: Path, exam: str) -> Any:
    """Open a NIfTI file without reading its voxels.

    Raises
    ------
    UserError
        If the file is missing or no NIfTI, or is too short for the voxels that its header states.
    """
    try:
        check_opens(path)
        image = nib.load(path)
    except FileNotFoundError:
        raise UserError(
            "no such file",
            exam=exam,
            file=path,
            expected="a .nii or .nii.gz file",
            remedy="correct the path in the exam sheet, or the folder `data` in the configuration",
        ) from None
    except _WRONG as error:
        raise _unreadable(path, exam, error) from None
    if not isinstance(image, (nib.Nifti1Image, nib.Nifti2Image, nib.Nifti1Pair)):
        raise _unreadable(path, exam, f"a {type(image).__name__}")
    _check_length(image, path, exam)
    return image


def read_voxels(image: Any, path: Path, exam: str) -> NDArray[Any]:
    """Read the stored values, before slope and intercept; of a gzipped file to its end, where its checksum lies.

    Raises
    ------
    UserError
        If the file is damaged, or its voxels are no real numbers.
    """
    proxy, file = image.dataobj, Path(image.file_map["image"].filename)
    try:
        if file.suffix.lower() != ".gz":
            stored = np.asarray(proxy.get_unscaled())
        else:
            with igzip.open(file) as stream:
                held = nib.arrayproxy.ArrayProxy(stream, (proxy.shape, proxy.dtype, proxy.offset))
                stored = np.asarray(held.get_unscaled())
                while stream.read(1 << 20):  # nibabel leaves the end unread
                    pass
    except _WRONG as error:
        raise _unreadable(path, exam, error) from None
    if stored.dtype.kind not in "iuf":
        raise UserError(
            f"voxels of type {_type_name(stored.dtype)}",
            exam=exam,
            file=path,
            expected="one whole or floating-point number for each voxel",
            remedy="convert the exam again from its source, as CT values or labels rather than colours",
        )
    return stored


def _check_length(image: Any, path: Path, exam: str) -> None:
    proxy, file = image.dataobj, Path(image.file_map["image"].filename)
    first = image.header.single_vox_offset if isinstance(image, nib.Nifti1Image) else 0
    if proxy.offset < first:
        raise _unreadable(path, exam, f"voxels from byte {proxy.offset} on, within the header")
    try:
        size = file.stat().st_size
    except OSError as error:
        raise _unreadable(path, exam, error) from None
    suffix = file.suffix.lower()
    if suffix in (".gz", ".nii", ".img"):
        held = size * _LARGEST_RATIO if suffix == ".gz" else size
        told = proxy.offset + prod(max(length, 0) for length in proxy.shape) * proxy.dtype.itemsize
        if told > held:
            shape = "×".join(map(str, proxy.shape))
            raise _unreadable(path, exam, f"{shape} voxels of {told} bytes in a file of {size}")


def _unreadable(path: Path, exam: str, reason: object) -> UserError:
    return UserError(
        f"not readable as NIfTI ({' '.join(str(reason).split())})",
        exam=exam,
        file=path,
        expected="a whole .nii or .nii.gz file",
        remedy=remedy(reason, "copy the file again from its source and compare checksums"),
    )


def _type_name(dtype: np.dtype[Any]) -> str:
    return "/".join(dtype.names) if dtype.names else str(dtype)
