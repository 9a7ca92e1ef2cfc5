"""A file that cannot be read: advice to delete or to copy it stands only where its content is wrong."""

import builtins
import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hepaflow.errors import UserError
from hepaflow.exams.sheet import read_sheet
from hepaflow.masks.file import Masks
from hepaflow.masks.fusion import Fusion
from hepaflow.networks.pretrained import read_weights
from hepaflow.networks.weights import load_weights
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.system.faults import of_the_machine, remedy
from hepaflow.volumes.nifti import open_nifti

OF_THE_MACHINE = [
    PermissionError(errno.EACCES, "Permission denied"),
    OSError(errno.EIO, "Input/output error"),
    OSError(errno.ESTALE, "Stale file handle"),
    OSError(errno.EMFILE, "Too many open files"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    TimeoutError(errno.ETIMEDOUT, "Connection timed out"),
    OSError("Input/output error (os error 5)"),
    MemoryError(),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 100 bytes"),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
]
OF_THE_FILE = [
    FileNotFoundError(errno.ENOENT, "No such file or directory"),
    IsADirectoryError(errno.EISDIR, "Is a directory"),
    OSError(errno.EINVAL, "Invalid argument"),
    OSError("Not a gzipped file"),
    OSError("No such file or directory (os error 2)"),
    ValueError("cannot reshape array"),
    RuntimeError("Missing key(s) in state_dict"),
    "16×16×16 voxels of 8192 bytes in a file of 100",
]


@pytest.mark.parametrize("error", OF_THE_MACHINE, ids=str)
def test_what_says_nothing_of_the_file(error: Exception) -> None:
    assert of_the_machine(error)
    assert "leave the file as it is" in remedy(error, "delete the file")


@pytest.mark.parametrize("error", OF_THE_FILE, ids=str)
def test_what_says_that_the_file_is_wrong(error: object) -> None:
    assert not of_the_machine(error)
    assert remedy(error, "delete the file") == "delete the file"


READERS: dict[str, Callable[[Path], Any]] = {
    "slices": SliceFile,
    "masks": lambda path: Masks(path)["exam"],
    "fusion weights": Fusion.load,
    "weights": lambda path: load_weights(torch.nn.Linear(1, 1), path),
    "pretrained weights": read_weights,
    "exam": lambda path: open_nifti(path, "exam"),
    "sheet": read_sheet,
}


@pytest.mark.parametrize("kind", READERS)
def test_a_file_that_may_not_be_read_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Weights of days of training were to be deleted for want of a right."""
    path = tmp_path / "file.nii"
    np.savez(path.with_suffix(".npz"), exam=np.zeros(1))
    path.with_suffix(".npz").rename(path)
    _refuse(monkeypatch, path)
    with pytest.raises(UserError) as caught:
        READERS[kind](path)
    message = str(caught.value)
    assert "Permission denied" in message
    assert f"file: {path}" in message
    assert "what to do: leave the file as it is" in message
    for wrong in ("delete", "copy the file", "remove it", "UTF-8 text"):
        assert wrong not in message.partition("what to do")[2]


def _refuse(monkeypatch: pytest.MonkeyPatch, refused: Path) -> None:
    """Let a file not be opened, as for a user without the right; root has every right."""

    def refusing(original: Callable[..., Any]) -> Callable[..., Any]:
        def opening(file: Any, *args: Any, **kwargs: Any) -> Any:
            if not isinstance(file, int) and Path(os.fsdecode(file)) == refused:
                raise PermissionError(errno.EACCES, "Permission denied", str(file))
            return original(file, *args, **kwargs)

        return opening

    for module, name in ((builtins, "open"), (io, "open"), (os, "open")):
        monkeypatch.setattr(module, name, refusing(getattr(module, name)))
