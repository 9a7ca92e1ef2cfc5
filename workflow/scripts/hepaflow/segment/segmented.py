"""What the networks find in an exam, and the file that keeps it: whatever is written of it needs no network."""

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from hepaflow.errors import UserError
from hepaflow.names import STRUCTURES
from hepaflow.system.faults import remedy
from hepaflow.volumes.box import Box

_MASK, _DISAGREEMENT = ".mask", ".disagreement"  # behind the name of a structure
_HEADER = "header"


class Segmented(Protocol):
    """What is found in an exam, in arrays of its shape (slices, rows, columns); a `SegmentedExam` is one."""

    @property
    def liver(self) -> NDArray[np.bool_]:
        """The liver."""

    @property
    def lesion(self) -> NDArray[np.bool_]:
        """Its lesions, wherever in the box around the liver the networks see them."""

    @property
    def disagreement(self) -> Mapping[str, NDArray[np.uint8]]:
        """For each structure, how far the networks disagree, in percent."""

    @property
    def boxes(self) -> Mapping[str, Box]:
        """For each structure that was sought, the part of the exam in which that was done, where it is known."""


@dataclass(frozen=True)
class Stored:
    """What was found in an exam, read from its file.

    Attributes
    ----------
    liver, lesion : ndarray of bool, shape (slices, rows, columns)
    disagreement : dict of str to ndarray of uint8, same shape
        For each structure that has one, how far the networks disagree, in percent.
    boxes : dict of str to Box
        For each structure that was sought, the part of the exam in which that was done; empty in files of earlier
        versions.
    model : dict of str to str
        What tells the model from others.
    """

    liver: NDArray[np.bool_]
    lesion: NDArray[np.bool_]
    disagreement: dict[str, NDArray[np.uint8]]
    boxes: dict[str, Box]
    model: dict[str, str]


def write_segmented(path: Path | str, found: Segmented, model: Mapping[str, str]) -> None:
    """Write what was found in an exam; the same content gives the same bytes.

    Parameters
    ----------
    path : Path or str
        File to write, `.npz`.
    found : Segmented
    model : mapping of str to str
        What tells the model from others; its order is kept.
    """
    maps = {name: found.disagreement[name] for name in STRUCTURES if name in found.disagreement}
    boxes = {name: found.boxes[name].as_list() for name in STRUCTURES if name in found.boxes}
    header = {"shape": found.liver.shape, "disagreement": list(maps), "boxes": boxes, "model": dict(model)}
    arrays = {_HEADER: np.frombuffer(json.dumps(header).encode(), np.uint8)}
    arrays |= {name + _MASK: np.packbits(getattr(found, name)) for name in STRUCTURES}
    arrays |= {name + _DISAGREEMENT: percent for name, percent in maps.items()}
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def read_segmented(path: Path | str) -> Stored:
    """Read what was found in an exam.

    Raises
    ------
    UserError
        If the file is damaged or another.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            header = json.loads(file[_HEADER].tobytes())
            slices, rows, columns = header["shape"]
            shape = (slices, rows, columns)
            masks = {name: _unpacked(file[name + _MASK], shape) for name in STRUCTURES}
            maps = {name: file[name + _DISAGREEMENT] for name in header["disagreement"]}
            if any(percent.shape != shape for percent in maps.values()):
                raise ValueError(f"a disagreement of another shape than {shape}")
            boxes = {name: Box.from_list(ranges) for name, ranges in header.get("boxes", {}).items()}
            model: dict[str, str] = header["model"]
    except (
        OSError, EOFError, KeyError, TypeError, AttributeError, ValueError, RuntimeError, NotImplementedError,
        zlib.error, BadZipFile,
    ) as error:  # fmt: skip
        raise UserError(
            f"not readable as what networks have found ({error})",
            file=path,
            expected="masks and disagreement of one exam, as a job of this workflow writes them",
            remedy=remedy(error, "delete the file; the next run makes it again"),
        ) from None
    return Stored(masks["liver"], masks["lesion"], maps, boxes, model)


def _unpacked(packed: NDArray[np.uint8], shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    voxels = math.prod(shape)
    if packed.size != math.ceil(voxels / 8):
        raise ValueError(f"{packed.size} bytes for a mask of {voxels} voxels")
    return np.unpackbits(packed, count=voxels).view(bool).reshape(shape)
