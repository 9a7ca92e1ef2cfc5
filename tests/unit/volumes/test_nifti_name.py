"""Names of NIfTI files."""

import pytest

from hepaflow.volumes.nifti_name import stem


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("a.nii", "a"),
        ("a.nii.gz", "a"),
        ("A.NII.GZ", "A"),
        ("a.Nii", "a"),
        ("a.b.nii", "a.b"),
        ("a.nii.nii.gz", "a.nii"),
        ("a.gz", None),
        ("a.hdr", None),
        ("nii", None),
    ],
)
def test_stem(name: str, wanted: str | None) -> None:
    assert stem(name) == wanted
