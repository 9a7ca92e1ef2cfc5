"""What a NIfTI file says of itself. What is refused when it is read is in `test_volume.py`."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from hepaflow.errors import UserError
from hepaflow.volumes.nifti import open_nifti, read_voxels
from hepaflow.volumes.nifti_header import names_spacing

SHAPE = (6, 5, 4)


def written(path: Path, kind: Any = nib.Nifti1Image, *, sform: int = 1, qform: int = 1, zooms: Any = ()) -> Path:
    """A file whose header has these codes and zooms, which nibabel would mend."""
    image = kind(np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE), np.diag([0.7, 0.8, 2.5, 1]))
    nib.save(image, path)
    with open(path, "rb") as file:
        header = type(image.header).from_fileobj(file, check=False)
    header["sform_code"], header["qform_code"] = sform, qform
    header["pixdim"][1 : 1 + len(zooms)] = zooms
    raw = path.read_bytes()
    path.write_bytes(header.binaryblock + raw[len(header.binaryblock) :])
    return path


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize(
    ("sform", "qform", "zooms", "named"),
    [
        (1, 0, (0, 0, 0), True),  # the sform says it
        (0, 1, (), True),
        (0, 1, (1, 1, 1), True),
        (0, 1, (0.7, 0, 2.5), False),
        (0, 1, (-0.7, -0.8, -2.5), True),
        (0, 0, (), True),
        (0, 0, (1, 1, 2.5), True),
        (0, 0, (1, 1, 1), False),
        (0, 0, (-1, -1, 1), False),
    ],
)
def test_a_header_names_a_spacing_or_not(
    tmp_path: Path, kind: type, sform: int, qform: int, zooms: tuple[float, ...], named: bool
) -> None:
    path = written(tmp_path / "exam.nii", kind, sform=sform, qform=qform, zooms=zooms)
    assert names_spacing(open_nifti(path, "one")) == named


@pytest.mark.parametrize("name", ["exam.nii", "exam.nii.gz"])
def test_a_file_too_short_for_its_header_is_refused_before_memory_is_taken(tmp_path: Path, name: str) -> None:
    image = nib.Nifti1Image(np.zeros(SHAPE, np.int16), np.eye(4))
    nib.save(image, tmp_path / "whole.nii")
    raw = bytearray((tmp_path / "whole.nii").read_bytes())
    raw[42:48] = np.array([32767] * 3, "<i2").tobytes()
    with nib.openers.Opener(tmp_path / name, "wb") as file:
        file.write(raw)
    with pytest.raises(UserError, match="32767×32767×32767 voxels of 70362301923678 bytes in a file of"):
        open_nifti(tmp_path / name, "one")


def test_voxels_within_the_header_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "exam.nii")
    raw = bytearray(path.read_bytes())
    raw[108:112] = bytes(4)
    path.write_bytes(raw)
    with pytest.raises(UserError, match="from byte 0 on, within the header"):
        open_nifti(path, "one")


@pytest.mark.parametrize("name", ["exam.nii", "exam.nii.gz", "exam.img"])
def test_voxels_are_read_as_they_are_stored(tmp_path: Path, name: str) -> None:
    kind = nib.Nifti1Pair if name.endswith(".img") else nib.Nifti1Image
    image = kind(np.arange(120, dtype=np.int16).reshape(SHAPE), np.eye(4))
    image.header.set_slope_inter(2, 1)
    nib.save(image, tmp_path / name)
    opened = open_nifti(tmp_path / name, "one")
    assert read_voxels(opened, tmp_path / name, "one").tolist() == np.arange(120).reshape(SHAPE).tolist()


def test_nibabel_is_imported_without_pydicom_which_others_still_find() -> None:
    code = (
        "import sys, hepaflow.volumes.nifti; assert not any(name.startswith('pydicom') for name in sys.modules); "
        "import pydicom; print(pydicom.__version__)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.stdout.strip() == version("pydicom"), ended.stderr
