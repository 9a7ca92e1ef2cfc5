"""What is told of odd grids."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from hepaflow.volumes.grid_warnings import grid_warnings
from hepaflow.volumes.volume import Grid, read_grid

AFFINE = np.diag([-0.7, -0.8, 2.5, 1.0])
AFFINE[:3, 3] = 10, 20, -30


def grid(folder: Path, affine: np.ndarray = AFFINE, **fields: object) -> Grid:
    image = nib.Nifti1Image(np.zeros((6, 5, 4), np.int16), affine)
    image.set_sform(affine, 1)
    image.set_qform(affine, 1, strip_shears=True)
    nib.save(image, folder / "image.nii")
    header, whole = image.header.copy(), (folder / "image.nii").read_bytes()
    header["vox_offset"] = 352
    for name, value in fields.items():
        header[name] = value
    (folder / "image.nii").write_bytes(header.binaryblock + whole[348:])
    return read_grid(folder / "image.nii")


def sheared(x: float) -> np.ndarray:
    affine = AFFINE.copy()
    affine[1, 2] = x
    return affine


def identity_seen_along(*signs: int) -> np.ndarray:
    """An identity affine after its array was mirrored along axes: still without millimetres."""
    affine = np.diag([*signs, 1.0])
    affine[:3, 3] = [length - 1 if sign < 0 else 0 for sign, length in zip(signs, (6, 5, 4), strict=True)]
    return affine


def test_nothing_is_told_of_a_plain_grid(tmp_path: Path) -> None:
    assert grid_warnings(grid(tmp_path)) == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"xyzt_units": 7}, "in the unit 'code 7': measures in mm take it for mm"),
        ({"xyzt_units": 3}, "in the unit 'micron': measures in mm take it for mm"),
        (
            {"pixdim": [1, 1.4, 0.8, 2.5, 0, 0, 0, 0], "qform_code": 0},
            "0.7×0.8×2.5 in its affine and 1.4×0.8×2.5 in pixdim",
        ),
        ({"quatern_b": 2}, "a qform that is no rotation: the sform is trusted, LPS"),
        ({"quatern_b": np.nan}, "a qform that is no rotation"),
        ({"qoffset_x": 90}, "sform and qform disagree"),
    ],
)
def test_odd_headers(tmp_path: Path, fields: dict[str, object], words: str) -> None:
    (told,) = grid_warnings(grid(tmp_path, **fields))
    assert words in told


def test_declared_microns_are_converted(tmp_path: Path) -> None:
    found = grid(tmp_path, np.diag([-700, -800, 2500, 1.0]), xyzt_units=3)
    assert found.trusted_spacing == pytest.approx((2.5, 0.8, 0.7))
    assert grid_warnings(found) == ["lengths in the unit 'micron': measures are converted to mm (2.5×0.8×0.7)"]


@pytest.mark.parametrize(
    ("affine", "words"),
    [
        (np.diag([-700, -800, 2500, 1.0]), "as no CT has: measures in mm would be false"),
        (np.diag([-0.0007, -0.0008, 0.0025, 1.0]), "as no CT has: measures in mm would be false"),
        (identity_seen_along(1, 1, 1), "identity affine"),
        (identity_seen_along(-1, -1, 1), "identity affine"),
        (identity_seen_along(1, -1, -1), "identity affine"),
    ],
)
def test_grids_without_millimetres(tmp_path: Path, affine: np.ndarray, words: str) -> None:
    found = grid(tmp_path, affine)
    assert found.trusted_steps is None
    assert any(words in told for told in grid_warnings(found))


def test_one_millimetre_with_a_place_in_the_scanner_is_one(tmp_path: Path) -> None:
    affine = np.diag([-1, -1, 1, 1.0])
    affine[:3, 3] = 90, 110, -300
    assert grid(tmp_path, affine).trusted_spacing == (1, 1, 1)


def test_shear_is_told_and_measured(tmp_path: Path) -> None:
    found = grid(tmp_path, sheared(0.9))
    assert any("a sheared grid, 19.8° from right angles" in told for told in grid_warnings(found))
    np.testing.assert_allclose(abs(np.linalg.det(np.asarray(found.trusted_steps))), 0.7 * 0.8 * 2.5)
    assert grid_warnings(grid(tmp_path, sheared(0.001))) == []
