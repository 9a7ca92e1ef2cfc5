"""What a header says of millimetres, in odd values or in two places."""

import nibabel as nib
import numpy as np
import pytest

from hepaflow.volumes.nifti_header import copy_form, millimetres, qform_of, unit_of

AFFINE = np.diag([-0.7, -0.8, 2.5, 1.0])


@pytest.fixture
def image() -> nib.Nifti1Image:
    made = nib.Nifti1Image(np.zeros((2, 3, 4), np.uint8), AFFINE)
    made.set_qform(AFFINE, 1)
    return made


@pytest.mark.parametrize(
    ("code", "unit"), [(0, "unknown"), (1, "meter"), (2, "mm"), (3, "micron"), (7, "code 7"), (10, "mm")]
)
def test_units(image: nib.Nifti1Image, code: int, unit: str) -> None:
    image.header["xyzt_units"] = code
    assert unit_of(image.header) == unit


@pytest.mark.parametrize(
    ("code", "lengths", "wanted"),
    [
        (2, (0.7, 0.8, 2.5), 1),
        (0, (0.7, 0.8, 2.5), 1),
        (7, (0.7, 0.8, 2.5), 1),
        (3, (700, 800, 2500), 0.001),
        (1, (0.0007, 0.0008, 0.0025), 1000),
        (1, (0.7, 0.8, 2.5), 1),  # says metres, and means millimetres
        (3, (0.7, 0.8, 2.5), 1),
        (2, (0.7, 0.8, 2500), None),
        (2, (700, 800, 2500), None),  # microns that are not declared: a guess would be one
        (0, (0.0007, 0.0008, 0.0025), None),
    ],
)
def test_a_unit_is_believed_where_it_makes_distances_of_a_ct(
    image: nib.Nifti1Image, code: int, lengths: tuple[float, ...], wanted: float | None
) -> None:
    image.header["xyzt_units"] = code
    assert millimetres(np.array(lengths), image.header) == wanted


@pytest.mark.parametrize("quaternion", [(0.8, 0.8, 0.1), (np.nan,) * 3, (2.0, 0, 0)])
def test_a_quaternion_that_is_no_rotation_is_no_qform(
    image: nib.Nifti1Image, quaternion: tuple[float, ...]
) -> None:
    image.header["quatern_b"], image.header["quatern_c"], image.header["quatern_d"] = quaternion
    assert qform_of(image.header) == (None, 0)


def test_form_of_an_odd_header_is_carried_over_as_far_as_it_is_valid(image: nib.Nifti1Image) -> None:
    image.header["xyzt_units"] = 7 + 8
    image.header["quatern_b"] = 2
    made = nib.Nifti1Image(np.zeros((2, 3, 4), np.uint8), AFFINE)
    copy_form(made, image.header)
    assert made.header.get_xyzt_units() == ("unknown", "sec")
    assert int(made.header["qform_code"]) == 0
    np.testing.assert_allclose(made.get_sform(), AFFINE)


def test_form_of_a_plain_header_is_carried_over(image: nib.Nifti1Image) -> None:
    image.header.set_xyzt_units("mm", "msec")
    made = nib.Nifti1Image(np.zeros((2, 3, 4), np.uint8), AFFINE)
    copy_form(made, image.header)
    for field in ("xyzt_units", "qform_code", "sform_code", "pixdim", "quatern_b", "qoffset_x", "srow_x"):
        np.testing.assert_array_equal(made.header[field], image.header[field])
