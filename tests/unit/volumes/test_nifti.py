"""What a NIfTI file says of itself. What is refused when it is read is in `test_volume.py`."""

import gzip
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


@pytest.mark.parametrize("name", ["exam.nii", "exam.nii.gz", "EXAM.NII", "EXAM.NII.GZ"])
def test_a_file_too_short_for_its_header_is_refused_before_memory_is_taken(tmp_path: Path, name: str) -> None:
    image = nib.Nifti1Image(np.zeros(SHAPE, np.int16), np.eye(4))
    nib.save(image, tmp_path / "whole.nii")
    raw = bytearray((tmp_path / "whole.nii").read_bytes())
    raw[42:48] = np.array([32767] * 3, "<i2").tobytes()
    with nib.openers.Opener(tmp_path / name, "wb") as file:
        file.write(raw)
    with pytest.raises(UserError, match="32767×32767×32767 voxels of 70362301923678 bytes in a file of"):
        open_nifti(tmp_path / name, "one")


@pytest.mark.parametrize("name", ["exam.nii.gz", "EXAM.NII.GZ"])
def test_damage_behind_the_voxels_is_found(tmp_path: Path, name: str) -> None:
    """A gzipped file is read to its end, where its checksum lies, also where voxels end long before."""
    path = written(tmp_path / "exam.nii")
    content = bytearray(gzip.compress(path.read_bytes() + np.random.default_rng(0).bytes(1 << 20)))
    (tmp_path / name).write_bytes(content)
    assert read_voxels(open_nifti(tmp_path / name, "one"), tmp_path / name, "one").shape == SHAPE
    content[-8] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(
        UserError, match=r"not readable as NIfTI \(CRC check failed(.*\n)+what to do: copy the file"
    ):
        read_voxels(open_nifti(tmp_path / name, "one"), tmp_path / name, "one")


def test_a_header_whose_voxels_are_missing_is_refused(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Pair(np.zeros(SHAPE, np.int16), np.eye(4)), tmp_path / "exam.hdr")
    (tmp_path / "exam.img").unlink()
    with pytest.raises(UserError, match=r"not readable as NIfTI .*No such file.*exam\.img"):
        open_nifti(tmp_path / "exam.hdr", "one")


def test_an_image_of_another_format_is_refused(tmp_path: Path) -> None:
    nib.save(nib.MGHImage(np.zeros(SHAPE, np.int16), np.eye(4)), tmp_path / "exam.mgz")
    with pytest.raises(UserError, match=r"not readable as NIfTI \(a MGHImage\)"):
        open_nifti(tmp_path / "exam.mgz", "one")


@pytest.mark.parametrize(
    ("dtype", "told"), [("c8", "complex64"), ([("R", "u1"), ("G", "u1"), ("B", "u1")], "R/G/B")]
)
def test_voxels_that_are_no_numbers_are_refused_by_their_type(tmp_path: Path, dtype: Any, told: str) -> None:
    nib.save(nib.Nifti1Image(np.zeros(SHAPE, dtype), np.eye(4)), tmp_path / "exam.nii")
    with pytest.raises(UserError, match=f"voxels of type {told}\n"):
        read_voxels(open_nifti(tmp_path / "exam.nii", "one"), tmp_path / "exam.nii", "one")


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
