"""Files of other systems' segmentations: found by the exams' names, or missed and told by them."""

from pathlib import Path

import pytest

from hepaflow.errors import UserError
from hepaflow.methods.given_files import check_predictions, prediction_file


def test_files_are_found_gzipped_or_not(tmp_path: Path) -> None:
    for name in ("a.nii.gz", "b.nii", "c.nii.txt", "dd.nii"):
        (tmp_path / name).touch()
    found = {exam: prediction_file(tmp_path, exam) for exam in ("a", "b", "c", "d")}
    assert found == {"a": tmp_path / "a.nii.gz", "b": tmp_path / "b.nii", "c": None, "d": None}


def test_two_files_of_an_exam_are_refused(tmp_path: Path) -> None:
    for name in ("a.nii", "a.nii.gz", "b.NII.GZ"):
        (tmp_path / name).touch()
    check_predictions("nnunet", tmp_path, ["b"])
    with pytest.raises(UserError, match=r"a\.nii\.gz and a\.nii") as caught:
        check_predictions("nnunet", tmp_path, ["a", "b"])
    assert "exam: a" in str(caught.value)


def test_missing_files_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "b.nii").touch()
    check_predictions("nnunet", tmp_path, ["b"])
    with pytest.raises(UserError) as caught:
        check_predictions("nnunet", tmp_path, ["a", "b", "c"])
    for told in ("predictions.nnunet", "2 test exams: a, c", str(tmp_path), "{exam}.nii.gz"):
        assert told in str(caught.value)


def test_a_folder_whose_name_is_too_long_has_no_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no label map of predictions"):
        check_predictions("nnunet", tmp_path / ("x" * 300), ["a"])
